package ipc

// maxDepth bounds the nesting of values that are skipped. The deepest message has
// six levels; the rest is room for elements added later.
const maxDepth = 16

// skipRest skips the elements of a tuple of n behind the known ones.
func (r *reader) skipRest(n, known int) {
	for i := known; i < n && r.err == nil; i++ {
		r.skip(0)
	}
}

// skip passes over one value of any type, inside depth arrays and maps.
func (r *reader) skip(depth int) {
	c := r.code()
	if r.err != nil {
		return
	}
	switch {
	case c < 0x80, c >= 0xe0, c == 0xc0, c == 0xc2, c == 0xc3: // fixint, nil, bool
	case c < 0x90: // fixmap
		r.skipN(2*uint64(c&0x0f), depth)
	case c < 0xa0: // fixarray
		r.skipN(uint64(c&0x0f), depth)
	case c < 0xc0: // fixstr
		r.take(int(c & 0x1f))
	case c >= 0xc4 && c <= 0xc6: // bin 8, 16, 32
		r.pass(r.bigEndian(1 << (c - 0xc4)))
	case c >= 0xc7 && c <= 0xc9: // ext 8, 16, 32: length, then a type byte
		r.pass(1 + r.bigEndian(1<<(c-0xc7)))
	case c == 0xca, c == 0xce, c == 0xd2:
		r.take(4)
	case c == 0xcb, c == 0xcf, c == 0xd3:
		r.take(8)
	case c == 0xcc, c == 0xd0:
		r.take(1)
	case c == 0xcd, c == 0xd1:
		r.take(2)
	case c >= 0xd4 && c <= 0xd8: // fixext 1, 2, 4, 8, 16 behind a type byte
		r.take(1 + 1<<(c-0xd4))
	case c >= 0xd9 && c <= 0xdb: // str 8, 16, 32
		r.pass(r.bigEndian(1 << (c - 0xd9)))
	case c == 0xdc, c == 0xdd:
		r.skipN(r.bigEndian(2<<(c-0xdc)), depth)
	case c == 0xde, c == 0xdf:
		r.skipN(2*r.bigEndian(2<<(c-0xde)), depth)
	default:
		r.fail(FaultType, "byte 0x%02x starts no msgpack value", c)
	}
}

func (r *reader) skipN(n uint64, depth int) {
	if r.err == nil && n > uint64(r.left()) {
		r.fail(FaultTruncated, "%d elements announced, %d bytes left", n, r.left())
	}
	if r.err == nil && depth >= maxDepth { // an empty one is a level, too
		r.fail(FaultDepth, "more than %d levels", maxDepth)
	}
	for i := uint64(0); i < n && r.err == nil; i++ {
		r.skip(depth + 1)
	}
}

// pass consumes n bytes of a length that came from the peer.
func (r *reader) pass(n uint64) {
	if r.err == nil && n > uint64(r.left()) {
		r.fail(FaultTruncated, "%d bytes announced, %d left", n, r.left())
		return
	}
	r.take(int(n))
}
