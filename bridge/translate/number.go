package translate

import (
	"math"
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// literal reads a JSON number and returns its text; whole says that it has
// neither fraction nor exponent.
func (s *scanner) literal(want string) (text string, whole bool) {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		s.want(want)
		return "", false
	}
	start := s.off
	if s.b[s.off] == '-' {
		s.off++
	}
	switch {
	case s.off < len(s.b) && s.b[s.off] == '0':
		s.off++ // a number has no leading zeros: another digit is trailing data
	default:
		s.digits()
	}
	whole = true
	if s.off < len(s.b) && s.b[s.off] == '.' {
		whole = false
		s.off++
		s.digits()
	}
	if s.off < len(s.b) && (s.b[s.off] == 'e' || s.b[s.off] == 'E') {
		whole = false
		s.off++
		if s.off < len(s.b) && (s.b[s.off] == '+' || s.b[s.off] == '-') {
			s.off++
		}
		s.digits()
	}
	if s.err != nil {
		return "", false
	}
	return string(s.b[start:s.off]), whole
}

// digits consumes at least one digit.
func (s *scanner) digits() {
	start := s.off
	for s.off < len(s.b) && s.b[s.off] >= '0' && s.b[s.off] <= '9' {
		s.off++
	}
	if s.off == start {
		s.syntax("a digit")
	}
}

const wantU64 = "an integer 0-18446744073709551615 or a string of its digits"

// u64 reads a JSON integer or a string of decimal digits, exactly.
func (s *scanner) u64() uint64 { return s.unsigned(wantU64) }

// unsigned is u64 where want is what may be there, for whoever is told that it is not.
func (s *scanner) unsigned(want string) uint64 {
	var digits string
	said := clipped // as it was said
	if s.peek() == '"' {
		said = quoted
		digits = s.text()
		// Only the one canonical spelling, so that equal texts are equal numbers.
		if s.err == nil && (digits == "" || digits != "0" && digits[0] == '0') {
			s.fail("%s is not %s", said(digits), want)
		}
	} else {
		var whole bool
		digits, whole = s.literal(want)
		if s.err == nil && !whole {
			s.fail("%s is not %s: no fraction, no exponent", said(digits), want)
		}
	}
	if s.err != nil {
		return 0
	}
	v, err := strconv.ParseUint(digits, 10, 64) // refuses signs, spaces and underscores
	if err != nil {
		s.fail("%s is not %s", said(digits), want)
		return 0
	}
	return v
}

// never reads a u64 of milliseconds or null, which is ipc.Never.
func (s *scanner) never() uint64 {
	if s.word("null") {
		return ipc.Never
	}
	return s.unsigned(wantU64 + ", or null for never")
}

func (s *scanner) optU64() ipc.Optional[uint64] {
	if s.word("null") {
		return ipc.Optional[uint64]{}
	}
	return ipc.Some(s.unsigned(wantU64 + ", or null for none"))
}

// integer reads a JSON integer between lo and hi. Small numbers have no string
// form: no reader loses digits of them.
func (s *scanner) integer(lo, hi int64) int64 {
	text, whole := s.literal("an integer")
	if s.err != nil {
		return 0
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if !whole || err != nil || v < lo || v > hi || text == "-0" {
		s.fail("%s is not an integer %d to %d", clipped(text), lo, hi)
		return 0
	}
	return v
}

func (s *scanner) u8(hi uint8) uint8 { return uint8(s.integer(0, int64(hi))) }

// f32 reads any JSON number as the nearest float32. NaN and the infinities have
// no JSON form; what is too large to be finite is an error.
func (s *scanner) f32() float32 {
	text, _ := s.literal("a number")
	if s.err != nil {
		return 0
	}
	v, err := strconv.ParseFloat(text, 32)
	if err != nil {
		s.fail("%s does not fit a 32-bit float, at most %g", clipped(text), math.MaxFloat32)
		return 0
	}
	return float32(v)
}

func (s *scanner) optF32() ipc.Optional[float32] {
	if s.word("null") {
		return ipc.Optional[float32]{}
	}
	return ipc.Some(s.f32())
}

// list reads an array of at most limit elements; an empty one is nil.
func list[T any](s *scanner, limit int, read func() T) []T {
	var out []T
	for range s.array(limit) {
		out = append(out, read())
	}
	return out
}

// clipped bounds how much of a caller's text an error repeats.
func clipped(text string) string { return excerpt.Of(text, 40) }

func quoted(text string) string { return strconv.Quote(clipped(text)) }
