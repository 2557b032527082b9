package api

import (
	"fmt"
	"unicode/utf8"

	"github.com/mlbridge/mlbridge/ipc"
)

// jsonReader walks a JSON text (RFC 8259) once, front to back, without building a
// tree. encoding/json would do, but it takes "AgentID" for "agentId", lets the last
// of two equal names win, cannot say which unknown fields it passed over, and costs
// ten times as much.
//
// There are two kinds of error. A syntax error sticks: every later read gives zero
// and the body is refused. A fault is a well-formed value that does not fit its
// field; it is passed over, the first one of a slot is kept, and reading goes on.
type jsonReader struct {
	b       []byte
	off     int
	depth   int
	first   bool // just behind a [ or {: no comma is due
	unknown int  // members that nobody asked for
	fault   error
	err     error
	key     []byte // of the member that member has just found
	scratch []byte // for strings with escapes
	half    bool   // the last string had half a surrogate pair
	within  string // the list or object of a question that is being read, "" in none
	at      int    // place in that list, -1 in an object
}

func (r *jsonReader) reset(b []byte) {
	*r = jsonReader{b: b, scratch: r.scratch[:0]}
}

// keepScratch is how much storage for strings stays for the next body.
const keepScratch = 4 << 10

// release lets go of the body, which belongs to the caller.
func (r *jsonReader) release() {
	r.b, r.key = nil, nil
	if cap(r.scratch) > keepScratch {
		r.scratch = nil
	}
}

// syntax refuses the body at the current position.
func (r *jsonReader) syntax(want string) {
	if r.err == nil {
		if r.off >= len(r.b) {
			r.err = invalidf("bad JSON: the body ends at position %d, want %s", len(r.b), want)
		} else {
			r.err = invalidf("bad JSON at position %d: want %s, got %q", r.off, want, r.b[r.off])
		}
	}
}

// bad notes that a value does not fit its field, which is "" for a whole question.
func (r *jsonReader) bad(field, format string, args ...any) {
	if r.fault != nil || r.err != nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	if place := r.place(field); place != "" {
		text = place + ": " + text
	}
	r.fault = invalidf("%s", text)
}

// place is where in the question a field is.
func (r *jsonReader) place(field string) string {
	switch {
	case r.within == "":
		return field
	case r.at < 0:
		return r.within + "." + field
	case field == r.within:
		return fmt.Sprintf("%s[%d]", field, r.at)
	}
	return fmt.Sprintf("%s[%d].%s", r.within, r.at, field)
}

// takeFault gives the first fault since the last call.
func (r *jsonReader) takeFault() error {
	err := r.fault
	r.fault = nil
	return err
}

// peek skips white space and gives the next byte, 0 at the end or after an error.
func (r *jsonReader) peek() byte {
	if r.err != nil {
		return 0
	}
	for r.off < len(r.b) {
		switch c := r.b[r.off]; c {
		case ' ', '\t', '\n', '\r':
			r.off++
		default:
			return c
		}
	}
	return 0
}

// open enters an array or object when one starts here; otherwise the value is
// passed over and noted as a fault of what.
func (r *jsonReader) open(bracket byte, what string) bool {
	if r.peek() != bracket {
		if bracket == '{' {
			r.mismatch(what, "an object")
		} else {
			r.mismatch(what, "an array")
		}
		return false
	}
	return r.enter()
}

func (r *jsonReader) enter() bool {
	if r.depth == maxDepth {
		r.err = invalidf("bad JSON at position %d: nested deeper than %d levels", r.off, maxDepth)
		return false
	}
	r.depth++
	r.off++
	r.first = true
	return true
}

// more moves to the next element of the array or object that was entered, or past
// its closing bracket.
func (r *jsonReader) more(closing byte) bool {
	c := r.peek()
	first := r.first
	r.first = false
	switch {
	case r.err != nil:
		return false
	case c == closing:
		r.off++
		r.depth--
		return false
	case first:
		return true
	case c != ',':
		r.syntax("a comma or " + string(closing))
		return false
	}
	r.off++
	return true
}

// element reports whether the array that was entered has another element.
func (r *jsonReader) element() bool { return r.more(']') }

// member moves to the value of the next member of the object that was entered and
// leaves its name in r.key, valid until the next string is read.
func (r *jsonReader) member() bool {
	if !r.more('}') {
		return false
	}
	if r.peek() != '"' {
		r.syntax("a name in quotes")
		return false
	}
	r.key = r.string()
	if r.peek() != ':' {
		r.syntax("a colon")
		return false
	}
	r.off++
	return r.err == nil
}

// null consumes a null and reports whether there was one.
func (r *jsonReader) null() bool {
	return r.peek() == 'n' && r.word("null")
}

// word consumes one of the three bare words.
func (r *jsonReader) word(w string) bool {
	if len(r.b)-r.off < len(w) || string(r.b[r.off:r.off+len(w)]) != w {
		r.syntax("a value")
		return false
	}
	r.off += len(w)
	return true
}

// ignore passes over a member that nobody asked for.
func (r *jsonReader) ignore() {
	r.unknown++
	r.skip()
}

// mismatch passes over a value of the wrong type.
func (r *jsonReader) mismatch(field, want string) {
	got := "nothing"
	switch c := r.peek(); {
	case c == '"':
		got = "a string"
	case c == '{':
		got = "an object"
	case c == '[':
		got = "an array"
	case c == 't' || c == 'f':
		got = "a boolean"
	case c == 'n':
		got = "null"
	case c == '-' || isDigit(c):
		got = "a number"
	}
	r.skip()
	r.bad(field, "want %s, got %s", want, got)
}

// skip passes over one value of any type, checking its grammar.
func (r *jsonReader) skip() {
	switch c := r.peek(); {
	case r.err != nil:
	case c == '"':
		r.string()
	case c == '{':
		for r.enter(); r.member(); {
			r.skip()
		}
	case c == '[':
		for r.enter(); r.element(); {
			r.skip()
		}
	case c == 't':
		r.word("true")
	case c == 'f':
		r.word("false")
	case c == 'n':
		r.word("null")
	default:
		r.number()
	}
}

// end checks that only white space follows.
func (r *jsonReader) end() error {
	if r.peek() != 0 || (r.err == nil && r.off < len(r.b)) {
		r.syntax("the end of the body")
	}
	return r.err
}

// component reads a string of 1 to ipc.MaxComponentBytes bytes.
func (r *jsonReader) component(field, old string) string {
	if r.peek() != '"' {
		r.mismatch(field, "a string")
		return ""
	}
	s := r.string()
	switch {
	case len(s) < 1 || len(s) > ipc.MaxComponentBytes:
		r.bad(field, "%d bytes, want 1-%d", len(s), ipc.MaxComponentBytes)
	case !utf8.Valid(s):
		r.bad(field, "not UTF-8")
	case r.half:
		r.bad(field, "half a surrogate pair")
	case string(s) == old: // components ask again and again: keep the string
		return old
	default:
		return string(s)
	}
	return ""
}
