package translate

// skip checks one value of any type and passes over it. Names given twice are not
// looked for here; whoever reads the object does that.
func (s *scanner) skip(depth int) {
	switch c := s.peek(); {
	case s.err != nil:
	case (c == '{' || c == '[') && depth >= maxDepth:
		s.fail("nested deeper than %d levels at byte %d", maxDepth, s.off)
	case c == '{':
		for range s.object() {
			s.skip(depth + 1)
		}
	case c == '[':
		for range s.array(len(s.b)) {
			s.skip(depth + 1)
		}
	case c == '"':
		s.text()
	case s.word("null") || s.word("true") || s.word("false"):
	default:
		if c != '-' && (c < '0' || c > '9') {
			s.syntax("a value")
			return
		}
		s.literal("a value")
	}
}

// raw passes over one value and returns its text.
func (s *scanner) raw(depth int) []byte {
	s.peek()
	start := s.off
	s.skip(depth)
	if s.err != nil {
		return nil
	}
	return s.b[start:s.off]
}

// lookup gives the string under name in the object that comes next, without
// consuming anything. What the rest of an object means can hang on one of its
// members ("kind", "address_form"), and members have no order.
func (s *scanner) lookup(name string) (value string, found bool) {
	if s.peek() != '{' {
		return "", false // the real reading says what is wrong
	}
	ahead := scanner{b: s.b, off: s.off}
	for member := range ahead.object() {
		ahead.path = ahead.path[:0] // its errors are about the text, not about a field
		if member == name && ahead.peek() == '"' {
			value, found = ahead.text(), true
			break
		}
		ahead.skip(1)
	}
	s.adopt(&ahead)
	return value, found && s.err == nil
}

// adopt takes over an error met while looking ahead: it is the first one in the
// text, and what was looked for may stand behind it.
func (s *scanner) adopt(ahead *scanner) {
	if s.err == nil {
		s.err = ahead.err
	}
}

// has reports whether the object that comes next has a member called name.
func (s *scanner) has(name string) bool {
	if s.peek() != '{' {
		return false
	}
	ahead := scanner{b: s.b, off: s.off}
	for member := range ahead.object() {
		ahead.path = ahead.path[:0]
		if member == name {
			return true
		}
		ahead.skip(1)
	}
	s.adopt(&ahead)
	return false
}
