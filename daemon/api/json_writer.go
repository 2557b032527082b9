package api

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// appendMember appends `,"name":`; the caller's first member is written by hand.
func appendMember(b []byte, name string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendU64Member(b []byte, name string, v uint64) []byte {
	return strconv.AppendUint(appendMember(b, name), v, 10)
}

func appendF32Member(b []byte, name string, v float32) []byte {
	return appendFloat(appendMember(b, name), float64(v), 32)
}

// appendFloat writes the shortest number that reads back as the same float of the
// given width, in the notation JavaScript uses: positional between 1e-6 and 1e21.
// NaN and infinities have no JSON; validation keeps them out, and null, which reads
// as "missing", keeps the body well-formed if it failed to.
func appendFloat(b []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, v, format, -1, bits)
}

func appendF32sMember(b []byte, name string, vs []float32) []byte {
	b = append(appendMember(b, name), '[')
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFloat(b, float64(v), 32)
	}
	return append(b, ']')
}

func appendIntsMember[T uint8 | uint64](b []byte, name string, vs []T) []byte {
	b = append(appendMember(b, name), '[')
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(v), 10)
	}
	return append(b, ']')
}

// appendSinceMember writes a time in ms, -1 for never.
func appendSinceMember(b []byte, name string, ms uint64) []byte {
	b = appendMember(b, name)
	if ms == math.MaxUint64 {
		return append(b, "-1"...)
	}
	return strconv.AppendUint(b, ms, 10)
}

func appendStringMember(b []byte, name, v string) []byte {
	return appendString(appendMember(b, name), v)
}

// appendString writes a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}

// appendMillis writes a duration in nanoseconds as milliseconds, exactly.
func appendMillis(b []byte, ns uint64) []byte {
	b = strconv.AppendUint(b, ns/nsPerMs, 10)
	rest := ns % nsPerMs
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for digit := uint64(nsPerMs / 10); rest > 0; digit /= 10 {
		b = append(b, '0'+byte(rest/digit))
		rest %= digit
	}
	return b
}
