package ipc

import (
	"encoding/binary"
	"math"
)

// maxDepth bounds the nesting of values that are skipped. The deepest message has
// five levels; the rest is room for elements added later.
const maxDepth = 16

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

// bigEndian reads n (1, 2, 4 or 8) bytes as an unsigned number.
func (r *reader) bigEndian(n int) uint64 {
	p := r.take(n)
	if p == nil {
		return 0
	}
	switch n {
	case 1:
		return uint64(p[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(p))
	case 4:
		return uint64(binary.BigEndian.Uint32(p))
	}
	return binary.BigEndian.Uint64(p)
}

// widest is the most bytes that an integer takes.
const widest = 9

// plainUint reads the unsigned integer at the start of b, of at least widest bytes, and
// gives how many of them it takes; 0 when something else is there.
func plainUint(b []byte) (v uint64, n int) {
	c := b[0]
	if c < 0x80 {
		return uint64(c), 1
	}
	if c -= 0xcc; c > 3 { // below 0xcc it wraps round
		return 0, 0
	}
	bytes := 1 << c
	return binary.BigEndian.Uint64(b[1:widest]) >> (64 - 8*bytes), 1 + bytes
}

// integer reads any msgpack integer. For a negative one neg is true and v holds
// the two's complement.
func (r *reader) integer(field string) (v uint64, neg bool) {
	if r.err == nil && r.left() >= widest {
		if v, n := plainUint(r.b[r.off:]); n > 0 {
			r.off += n
			return v, false
		}
	}
	c := r.code()
	switch {
	case r.err != nil:
		return 0, false
	case c < 0x80:
		return uint64(c), false
	case c >= 0xe0:
		return uint64(int64(int8(c))), true
	case c >= 0xcc && c <= 0xcf:
		return r.bigEndian(1 << (c - 0xcc)), false
	case c >= 0xd0 && c <= 0xd3:
		n := 1 << (c - 0xd0)
		shift := 64 - 8*n
		s := int64(r.bigEndian(n)<<shift) >> shift
		return uint64(s), s < 0
	}
	r.fail(FaultType, "%s: want an integer, got byte 0x%02x", field, c)
	return 0, false
}

// isInteger reports whether c begins an integer.
func isInteger(c byte) bool {
	return c < 0x80 || c >= 0xe0 || (c >= 0xcc && c <= 0xd3)
}

// uint reads an unsigned integer of at most max.
func (r *reader) uint(field string, max uint64) uint64 {
	v, neg := r.integer(field)
	if r.err == nil && (neg || v > max) {
		r.fail(FaultRange, "%s: want 0..%d", field, max)
		return 0
	}
	return v
}

func (r *reader) u64(field string) uint64 { return r.uint(field, math.MaxUint64) }

// int reads a signed integer between lo and hi.
func (r *reader) int(field string, lo, hi int64) int64 {
	v, neg := r.integer(field)
	if r.err != nil {
		return 0
	}
	s := int64(v)
	if (!neg && v > math.MaxInt64) || s < lo || s > hi {
		r.fail(FaultRange, "%s: want %d..%d", field, lo, hi)
		return 0
	}
	return s
}

// f32 reads a finite number: float 32, or float 64 or an integer rounded to the
// nearest, which is what encoders of languages with one number type write for 0.0
// and 1.0. An f64 that rounds to infinity is refused.
func (r *reader) f32(field string) float32 {
	if b := r.b[r.off:]; r.err == nil && len(b) >= f32Width && b[0] == 0xca {
		if v := math.Float32frombits(binary.BigEndian.Uint32(b[1:f32Width])); finite(v) {
			r.off += f32Width
			return v
		}
	}
	if r.err != nil {
		return 0
	}
	if r.left() == 0 {
		r.fail(FaultTruncated, "%s: frame ends", field)
		return 0
	}
	var v float32
	switch r.b[r.off] {
	case 0xca:
		r.off++
		v = math.Float32frombits(uint32(r.bigEndian(4)))
	case 0xcb:
		r.off++
		v = float32(math.Float64frombits(r.bigEndian(8)))
	default:
		if c := r.b[r.off]; !isInteger(c) {
			r.fail(FaultType, "%s: want a number, got byte 0x%02x", field, c)
			return 0
		}
		i, negative := r.integer(field)
		if v = float32(i); negative {
			v = float32(int64(i))
		}
	}
	if r.err == nil && !finite(v) {
		r.fail(FaultRange, "%s: not a finite 32-bit number", field)
		return 0
	}
	return v
}

func (r *reader) optF32(field string) Optional[float32] {
	if r.absent() {
		return Optional[float32]{}
	}
	return Some(r.f32(field))
}

func (r *reader) optU64(field string) Optional[uint64] {
	if r.absent() {
		return Optional[uint64]{}
	}
	return Some(r.u64(field))
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

// tuple reads the header of an array with at least min known elements. Elements
// beyond those are skipped by end: that is how messages grow without a new version.
func (r *reader) tuple(field string, min int) int {
	n := r.array(field, math.MaxInt32)
	if r.err == nil && n < min {
		r.fail(FaultMissing, "%s: %d elements, at least %d", field, n, min)
		return 0
	}
	return n
}

// skipRest skips the elements of a tuple of n behind the known ones.
func (r *reader) skipRest(n, known int) {
	for i := known; i < n && r.err == nil; i++ {
		r.skip(0)
	}
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

// skip passes over one value of any type.
func (r *reader) skip(depth int) {
	if depth > maxDepth {
		r.fail(FaultDepth, "more than %d levels", maxDepth)
		return
	}
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

// end checks that the value filled the frame.
func (r *reader) end() error {
	if r.err == nil && r.left() != 0 {
		r.fail(FaultTrailing, "%d bytes behind the value", r.left())
	}
	return r.err
}

func finite(v float32) bool {
	// The exponent of infinities and NaNs is all ones (IEEE 754-2019, 3.4).
	return math.Float32bits(v)&0x7f800000 != 0x7f800000
}
