package api

import (
	"bytes"
	"math"
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// number reads a number's characters; the grammar is RFC 8259, section 6.
func (r *jsonReader) number() []byte {
	r.peek()
	start := r.off
	r.accept('-')
	if !r.accept('0') && !r.digits() {
		r.syntax("a value")
		return nil
	}
	if r.accept('.') && !r.digits() {
		r.syntax("a digit")
		return nil
	}
	if r.accept('e') || r.accept('E') {
		if !r.accept('-') {
			r.accept('+')
		}
		if !r.digits() {
			r.syntax("a digit")
			return nil
		}
	}
	if r.err != nil {
		return nil
	}
	return r.b[start:r.off]
}

func (r *jsonReader) accept(c byte) bool {
	if r.err == nil && r.off < len(r.b) && r.b[r.off] == c {
		r.off++
		return true
	}
	return false
}

func (r *jsonReader) digits() bool {
	start := r.off
	for r.err == nil && r.off < len(r.b) && isDigit(r.b[r.off]) {
		r.off++
	}
	return r.off > start
}

// numeric gives the characters of a number, or notes a mismatch.
func (r *jsonReader) numeric(field, want string) []byte {
	if c := r.peek(); c != '-' && !isDigit(c) {
		r.mismatch(field, want)
		return nil
	}
	return r.number()
}

// decimal parses digits exactly. No float is involved at any size.
func decimal(s []byte) (v uint64, ok bool) {
	if len(s) == 0 || (len(s) > 1 && s[0] == '0') {
		return 0, false
	}
	for _, c := range s {
		d := uint64(c - '0')
		if !isDigit(c) || v > (math.MaxUint64-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	return v, true
}

// u64 reads an integer or a decimal string of 0 to 2^64-1.
func (r *jsonReader) u64(field string) uint64 { return r.unsigned(field, math.MaxUint64, "") }

// uint reads an integer of at most max.
func (r *jsonReader) uint(field string, max uint64) uint64 { return r.unsigned(field, max, "") }

// unsigned reads an integer, or a decimal string of one, of at most max. besides is what
// else may be there, for whoever is told that it is not.
func (r *jsonReader) unsigned(field string, max uint64, besides string) uint64 {
	var digits []byte
	text := r.peek() == '"'
	if text {
		digits = r.string()
	} else if digits = r.numeric(field, "an integer"); digits == nil {
		return 0
	}
	v, ok := decimal(digits)
	switch {
	case !ok && text:
		r.bad(field, "%s is not an integer in 0-%d%s", quoted(digits), max, besides)
		return 0
	case !ok:
		r.bad(field, "%s is not an integer in 0-%d%s%s", literal(digits), max, besides, spelling(digits))
		return 0
	case v > max:
		r.bad(field, "%d is outside 0-%d", v, max)
		return 0
	}
	return v
}

// int reads a small signed integer.
func (r *jsonReader) int(field string, lo, hi int64) int64 {
	digits := r.numeric(field, "an integer")
	if digits == nil {
		return 0
	}
	negative := digits[0] == '-'
	text := digits
	if negative {
		digits = digits[1:]
	}
	v, ok := decimal(digits)
	s := int64(v)
	if negative {
		s = -s
	}
	if !ok || v > math.MaxInt32 || s < lo || s > hi {
		r.bad(field, "%s is not an integer in %d to %d%s", literal(text), lo, hi, spelling(text))
		return 0
	}
	return s
}

// f32 reads a number, rounded once, from its decimal form to the nearest float32.
func (r *jsonReader) f32(field string) float32 {
	digits := r.numeric(field, "a number")
	if digits == nil {
		return 0
	}
	v, err := strconv.ParseFloat(string(digits), 32)
	if err != nil { // the grammar holds, so it is the range
		r.bad(field, "%s does not fit a 32-bit float, at most %g", literal(digits), math.MaxFloat32)
		return 0
	}
	return float32(v)
}

// f64 is f32 for the origin's addresses and for answers with fractions.
func (r *jsonReader) f64(field string) float64 {
	digits := r.numeric(field, "a number")
	if digits == nil {
		return 0
	}
	v, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		r.bad(field, "%s does not fit a 64-bit float, at most %g", literal(digits), math.MaxFloat64)
		return 0
	}
	return v
}

// whole reads a number of an answer that ought to be an integer. Ours is, and is
// read exactly; the origin computes in floating point, so a fraction is dropped.
func (r *jsonReader) whole(field string) uint64 {
	if r.peek() == '"' {
		return r.u64(field)
	}
	start := r.off
	digits := r.numeric(field, "an integer")
	if digits == nil {
		return 0
	}
	if v, ok := decimal(digits); ok {
		return v
	}
	r.off = start
	v, ok := truncate64(r.f64(field))
	if !ok {
		r.bad(field, "outside 0-%d", uint64(math.MaxUint64))
	}
	return v
}

// since reads a time in milliseconds; -1 is never.
func (r *jsonReader) since(field string) uint64 {
	if r.minusOne() {
		return ipc.Never
	}
	return r.unsigned(field, math.MaxUint64, ", or -1 for never")
}

// minusOne consumes the number -1, the origin's way to say "none".
func (r *jsonReader) minusOne() bool {
	if r.peek() != '-' {
		return false
	}
	start := r.off
	if string(r.number()) == "-1" {
		return true
	}
	r.off = start
	return false
}

// agent reads "agent-<u64>", a decimal string or an integer.
func (r *jsonReader) agent(field string) uint64 {
	const prefix = "agent-"
	if r.peek() != '"' {
		return r.u64(field)
	}
	s := r.string()
	digits := s
	if len(s) > len(prefix) && string(s[:len(prefix)]) == prefix {
		digits = s[len(prefix):]
	}
	v, ok := decimal(digits)
	if !ok && r.err == nil {
		r.bad(field, "%s is neither \"agent-<u64>\" nor a u64, an integer in 0-%d", quoted(s), uint64(math.MaxUint64))
	}
	return v
}

// address reads an address in the given form.
func (r *jsonReader) address(field string, form AddressForm) uint64 {
	if form == AddressU64 {
		return r.u64(field)
	}
	v := r.f64(field)
	if !(v >= 0 && v <= 1) {
		r.bad(field, "%v is outside [0, 1]", v)
		return 0
	}
	return FromNormalised(v)
}

// quoted gives a string for an error text, cut where it is long, and literal a number.
func quoted(s []byte) string  { return strconv.Quote(excerpt.Of(s, 40)) }
func literal(s []byte) string { return excerpt.Of(s, 40) }

// spelling says what is wrong with a number that may well be an integer.
func spelling(s []byte) string {
	if bytes.ContainsAny(s, ".eE") {
		return ": no fraction, no exponent"
	}
	return ""
}
