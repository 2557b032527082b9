package translate

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string. Broken UTF-8 and lone surrogates are errors: replacing
// them, as encoding/json does, would make two components one.
func (s *scanner) text() string {
	if !s.accept('"') {
		s.want("a string")
		return ""
	}
	start := s.off
	for s.off < len(s.b) {
		switch c := s.b[s.off]; {
		case c == '"':
			raw := s.b[start:s.off]
			s.off++
			return s.checked(raw)
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			s.syntax("a string without control characters")
			return ""
		default:
			s.off++
		}
	}
	s.syntax("a closing quote")
	return ""
}

func (s *scanner) checked(raw []byte) string {
	if !utf8.Valid(raw) {
		s.fail("not JSON: a string is not UTF-8")
		return ""
	}
	return string(raw)
}

// escaped reads the rest of a string that has a backslash at the current offset.
func (s *scanner) escaped(start int) string {
	out := append([]byte(nil), s.b[start:s.off]...)
	for s.off < len(s.b) && s.err == nil {
		switch c := s.b[s.off]; {
		case c == '"':
			s.off++
			return s.checked(out)
		case c == '\\':
			s.off++
			out = s.escape(out)
		case c < 0x20:
			s.syntax("a string without control characters")
		default:
			out = append(out, c)
			s.off++
		}
	}
	s.syntax("a closing quote")
	return ""
}

// escape appends what the escape sequence behind a backslash stands for.
func (s *scanner) escape(out []byte) []byte {
	if s.off >= len(s.b) {
		return out // the caller reports the missing quote
	}
	c := s.b[s.off]
	s.off++
	switch c {
	case '"', '\\', '/':
		return append(out, c)
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'u':
		return utf8.AppendRune(out, s.unicode())
	}
	s.off--
	s.syntax("an escape sequence")
	return out
}

// unicode reads the four digits behind \u, and the second half of a pair.
func (s *scanner) unicode() rune {
	r := s.hex4()
	if !utf16.IsSurrogate(r) {
		return r
	}
	if len(s.b)-s.off >= 2 && s.b[s.off] == '\\' && s.b[s.off+1] == 'u' {
		s.off += 2
		if r = utf16.DecodeRune(r, s.hex4()); r != utf8.RuneError {
			return r
		}
	}
	s.fail("not JSON: half a surrogate pair before byte %d", s.off)
	return 0
}

func (s *scanner) hex4() rune {
	if len(s.b)-s.off < 4 {
		s.off = len(s.b)
		s.syntax("four hexadecimal digits")
		return 0
	}
	v, err := strconv.ParseUint(string(s.b[s.off:s.off+4]), 16, 16)
	if err != nil {
		s.syntax("four hexadecimal digits")
		return 0
	}
	s.off += 4
	return rune(v)
}
