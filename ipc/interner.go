package ipc

// interner turns the few strings that come again and again, the names of models,
// into one Go string each, so that decoding them allocates only once.
type interner struct {
	known map[string]string
}

// maxInterned bounds the table against a peer that invents names.
const maxInterned = 64

func (in *interner) intern(b []byte) string {
	if s, ok := in.known[string(b)]; ok { // the compiler does not allocate for this conversion
		return s
	}
	s := string(b)
	if in.known == nil || len(in.known) >= maxInterned {
		in.known = make(map[string]string)
	}
	in.known[s] = s
	return s
}
