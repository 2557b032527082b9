package translate

import (
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
)

// maxDepth bounds the nesting of any value. The deepest document is a batch of
// threat questions with its anomalies: body, list, question, list, anomaly.
const maxDepth = 8

// scanner walks one JSON text (RFC 8259). Its first error sticks and every later
// read returns zero, so a document is read as a plain list of fields and checked
// once at the end.
//
// It is written by hand because encoding/json cannot be told what this API
// promises: it lets the last of two equal names win, matches names in any case,
// repairs broken UTF-8 and does not say where it was.
type scanner struct {
	b    []byte
	off  int
	path []byte // of the value being read, for error texts
	form AddressForm
	err  error
}

// fail records the first error, with the path of the value it is about.
func (s *scanner) fail(format string, args ...any) {
	if s.err != nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	if len(s.path) > 0 {
		text = string(s.path) + ": " + text
	}
	s.err = &ipc.StatusError{Status: ipc.StatusInvalidArgument, Text: text}
}

// refuse records what validation said about the object under name: its texts start
// with the field, which belongs to the path.
func (s *scanner) refuse(name string, err error) {
	mark := s.push(name)
	var status *ipc.StatusError
	if errors.As(err, &status) && s.err == nil {
		s.err = &ipc.StatusError{Status: status.Status, Text: string(s.path) + "." + status.Text}
	}
	s.fail("%v", err)
	s.pop(mark)
}

// syntax records an error of the JSON text itself, with its place.
func (s *scanner) syntax(want string) {
	if s.off >= len(s.b) {
		s.fail("not JSON: want %s, the text ends at byte %d", want, s.off)
		return
	}
	s.fail("not JSON: want %s, got %q at byte %d", want, rune(s.b[s.off]), s.off)
}

// peek skips white space and returns the byte that starts the next token, 0 at
// the end or after an error.
func (s *scanner) peek() byte {
	if s.err != nil {
		return 0
	}
	for s.off < len(s.b) {
		switch c := s.b[s.off]; c {
		case ' ', '\t', '\n', '\r':
			s.off++
		default:
			return c
		}
	}
	return 0
}

// accept consumes c if it is the next token.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c || s.err != nil || c == 0 {
		return false
	}
	s.off++
	return true
}

// word consumes one of the literals null, true and false if it comes next.
func (s *scanner) word(w string) bool {
	if s.peek(); s.err != nil || len(s.b)-s.off < len(w) || string(s.b[s.off:s.off+len(w)]) != w {
		return false
	}
	s.off += len(w)
	return true
}

// end fails unless the text is used up.
func (s *scanner) end() {
	if s.peek(); s.err == nil && s.off < len(s.b) {
		s.fail("not JSON: %q at byte %d after the end of the document", rune(s.b[s.off]), s.off)
	}
}

// push adds a name or an index to the path and returns what pop needs.
func (s *scanner) push(name string) int {
	mark := len(s.path)
	if mark > 0 {
		s.path = append(s.path, '.')
	}
	s.path = append(s.path, clipped(name)...) // names come from the caller's text
	return mark
}

func (s *scanner) pushIndex(i int) int {
	mark := len(s.path)
	s.path = strconv.AppendInt(append(s.path, '['), int64(i), 10)
	s.path = append(s.path, ']')
	return mark
}

func (s *scanner) pop(mark int) { s.path = s.path[:mark] }

// object yields the names of the object that comes next; the loop body reads each
// value. It stops at the first error.
func (s *scanner) object() iter.Seq[string] {
	return func(yield func(string) bool) {
		if !s.accept('{') {
			s.want("an object")
			return
		}
		if s.accept('}') {
			return
		}
		for s.err == nil {
			if s.peek() != '"' {
				s.syntax("a quoted name")
				return
			}
			name := s.text()
			if s.err == nil && !s.accept(':') {
				s.syntax("a colon")
			}
			if s.err != nil {
				return
			}
			mark := s.push(name)
			ok := yield(name)
			s.pop(mark)
			if !ok || s.closes('}') {
				return
			}
		}
	}
}

// array yields the indices of the array that comes next; the loop body reads each
// element. More than limit elements are an error before the next one is read.
func (s *scanner) array(limit int) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !s.accept('[') {
			s.want("an array")
			return
		}
		if s.accept(']') {
			return
		}
		for i := 0; s.err == nil; i++ {
			if i >= limit {
				s.fail("more than %d elements", limit)
				return
			}
			mark := s.pushIndex(i)
			ok := yield(i)
			s.pop(mark)
			if !ok || s.closes(']') {
				return
			}
		}
	}
}

// closes consumes the comma or the closing bracket behind an element and reports
// whether the loop is over.
func (s *scanner) closes(bracket byte) bool {
	if s.accept(bracket) {
		return true
	}
	if s.err == nil && !s.accept(',') {
		s.syntax("a comma or " + strconv.QuoteRune(rune(bracket)))
	}
	return s.err != nil
}

// want fails with what was expected and what kind of value is there instead.
func (s *scanner) want(what string) {
	switch c := s.peek(); {
	case s.err != nil:
	case c == '{':
		s.fail("want %s, got an object", what)
	case c == '[':
		s.fail("want %s, got an array", what)
	case c == '"':
		s.fail("want %s, got a string", what)
	case c == '-' || c >= '0' && c <= '9':
		s.fail("want %s, got a number", what)
	case s.word("null"):
		s.fail("want %s, got null", what)
	case s.word("true") || s.word("false"):
		s.fail("want %s, got a boolean", what)
	default:
		s.syntax(what)
	}
}
