package ipc

// interner turns the strings that come again and again, the names of models and of
// components, into one Go string each, so that decoding them allocates only once.
type interner struct {
	known map[string]string
	limit int // of the table, against a peer that invents names; 0 for maxInterned
}

const maxInterned = 64

// intern gives b as a string; without an interner, a new one.
func (in *interner) intern(b []byte) string {
	if in == nil {
		return string(b)
	}
	if s, ok := in.known[string(b)]; ok { // the compiler does not allocate for this conversion
		return s
	}
	s := string(b)
	switch {
	case in.known == nil:
		in.known = make(map[string]string)
	case len(in.known) >= max(in.limit, maxInterned):
		clear(in.known)
	}
	in.known[s] = s
	return s
}
