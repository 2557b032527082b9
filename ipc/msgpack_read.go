package ipc

import "math"

// reader walks one msgpack value. Its first error sticks and every later read
// returns zero, so that a message is read as a plain list of fields and checked
// once at the end.
//
// Nothing is allocated on its say-so: array lengths are compared with the named
// limit and with the bytes left before storage grows.
type reader struct {
	b     []byte
	off   int
	err   error
	names *interner // of components; nil where nobody keeps them
	held  *Names    // of components in place of names; nil but in ParseRequestIn
}

func (r *reader) left() int { return len(r.b) - r.off }

func (r *reader) fail(kind ProtocolFault, format string, args ...any) {
	if r.err == nil {
		r.err = faultf(kind, format, args...)
	}
}

// take returns the next n bytes, or nil when there are fewer.
func (r *reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if r.left() < n {
		r.fail(FaultTruncated, "need %d bytes, have %d", n, r.left())
		return nil
	}
	p := r.b[r.off : r.off+n]
	r.off += n
	return p
}

// code consumes the leading byte of a value.
func (r *reader) code() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0xc1 // never used by msgpack: matches no type below
}

// absent consumes a nil and reports whether there was one.
func (r *reader) absent() bool {
	if r.err == nil && r.left() > 0 && r.b[r.off] == 0xc0 {
		r.off++
		return true
	}
	return false
}

// optional says whether the next element of a tuple of n is there and says something; known
// counts the elements so far.
func (r *reader) optional(n int, known *int) bool {
	if n <= *known {
		return false
	}
	*known++
	return !r.absent()
}

// array reads an array header. The length may not exceed max, nor what the bytes
// left can hold at one byte an element.
func (r *reader) array(field string, max int) int {
	c := r.code()
	var n uint64
	switch {
	case r.err != nil:
		return 0
	case c >= 0x90 && c <= 0x9f:
		n = uint64(c & 0x0f)
	case c == 0xdc:
		n = r.bigEndian(2)
	case c == 0xdd:
		n = r.bigEndian(4)
	default:
		r.fail(FaultType, "%s: want an array, got byte 0x%02x", field, c)
		return 0
	}
	switch {
	case r.err != nil:
		return 0
	case n > uint64(r.left()):
		r.fail(FaultTruncated, "%s: %d elements announced, %d bytes left", field, n, r.left())
		return 0
	case n > uint64(max):
		r.fail(FaultTooLong, "%s: %d elements, at most %d", field, n, max)
		return 0
	}
	return int(n)
}

// tuple reads the header of an array with at least min known elements. Those behind the
// known ones are for skipRest: that is how messages grow without a new version.
func (r *reader) tuple(field string, min int) int {
	n := r.array(field, math.MaxInt32)
	if r.err == nil && n < min {
		r.fail(FaultMissing, "%s: %d elements, at least %d", field, n, min)
		return 0
	}
	return n
}

// bytes reads a msgpack string of at most max bytes. The slice aliases the frame.
func (r *reader) bytes(field string, max int) []byte {
	c := r.code()
	var n uint64
	switch {
	case r.err != nil:
		return nil
	case c >= 0xa0 && c <= 0xbf:
		n = uint64(c & 0x1f)
	case c >= 0xd9 && c <= 0xdb:
		n = r.bigEndian(1 << (c - 0xd9))
	default:
		r.fail(FaultType, "%s: want a string, got byte 0x%02x", field, c)
		return nil
	}
	if r.err == nil && n > uint64(r.left()) {
		r.fail(FaultTruncated, "%s: %d bytes announced, %d left", field, n, r.left())
	}
	if r.err == nil && n > uint64(max) {
		r.fail(FaultTooLong, "%s: %d bytes, at most %d", field, n, max)
	}
	if r.err != nil {
		return nil
	}
	return r.take(int(n))
}

// end checks that the value filled the frame.
func (r *reader) end() error {
	if r.err == nil && r.left() != 0 {
		r.fail(FaultTrailing, "%d bytes behind the value", r.left())
	}
	return r.err
}
