package ipc

import (
	"encoding/binary"
	"math"
)

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

// positive reads an integer from 1 to max.
func (r *reader) positive(field string, max uint64) uint64 {
	v, neg := r.integer(field)
	if r.err == nil && (neg || v < 1 || v > max) {
		r.fail(FaultRange, "%s: want 1..%d", field, max)
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

func finite(v float32) bool {
	// The exponent of infinities and NaNs is all ones (IEEE 754-2019, 3.4).
	return math.Float32bits(v)&0x7f800000 != 0x7f800000
}
