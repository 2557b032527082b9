package api

import (
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string. The bytes alias the body, or the scratch buffer when there
// were escapes: valid until the next string.
func (r *jsonReader) string() []byte {
	r.off++ // the opening quote, which the caller saw
	r.half = false
	start := r.off
	for r.off < len(r.b) {
		switch c := r.b[r.off]; {
		case c == '"':
			s := r.b[start:r.off]
			r.off++
			return s
		case c == '\\':
			return r.escaped(start)
		case c < 0x20:
			r.syntax("no control character in a string")
			return nil
		}
		r.off++
	}
	r.syntax("the end of a string")
	return nil
}

// escaped reads on from the first backslash of the string that began at start.
func (r *jsonReader) escaped(start int) []byte {
	s := append(r.scratch[:0], r.b[start:r.off]...)
	for r.off < len(r.b) {
		c := r.b[r.off]
		switch {
		case c == '"':
			r.off++
			r.scratch = s
			return s
		case c < 0x20:
			r.syntax("no control character in a string")
			return nil
		case c == '\\':
			r.off++
			ch, ok := r.escape()
			if !ok {
				r.syntax("an escape")
				return nil
			}
			s = utf8.AppendRune(s, ch)
		default:
			s = append(s, c)
			r.off++
		}
	}
	r.syntax("the end of a string")
	return nil
}

// escape reads what follows a backslash. Half a surrogate pair becomes U+FFFD, as
// in encoding/json, and is noted: where strings tell subjects apart they would become one.
func (r *jsonReader) escape() (rune, bool) {
	if r.off >= len(r.b) {
		return 0, false
	}
	c := r.b[r.off]
	r.off++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		return r.unicode()
	}
	r.off--
	return 0, false
}

func (r *jsonReader) unicode() (rune, bool) {
	ch, ok := r.hex4()
	if !ok || !utf16.IsSurrogate(ch) {
		return ch, ok
	}
	if len(r.b)-r.off >= 6 && r.b[r.off] == '\\' && r.b[r.off+1] == 'u' {
		back := r.off
		r.off += 2
		low, ok := r.hex4()
		if !ok {
			return 0, false
		}
		if pair := utf16.DecodeRune(ch, low); pair != utf8.RuneError {
			return pair, true
		}
		r.off = back // the second escape is a character of its own
	}
	r.half = true
	return utf8.RuneError, true
}

func (r *jsonReader) hex4() (ch rune, ok bool) {
	if len(r.b)-r.off < 4 {
		r.off = len(r.b)
		return 0, false
	}
	for range 4 {
		c := r.b[r.off]
		switch {
		case isDigit(c):
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		ch = ch<<4 | rune(c)
		r.off++
	}
	return ch, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
