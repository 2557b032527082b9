package translate

import "github.com/mlbridge/mlbridge/bridge/nearest"

// field is one member of an object: how it is called, whether it may be missing,
// and how it is read and written. A kind's JSON is a table of these, and the
// table is the only place where its names stand.
type field[T any] struct {
	name string
	// optional members may be left out because that has one honest meaning, given
	// beside each: nothing there, no history, never.
	optional bool
	get      func(s *scanner, v *T)
	put      func(w *writer, v *T)
	// omit says when the member is not written at all; nil is "never".
	omit func(w *writer, v *T) bool
}

// read fills v from the object that comes next. Unknown, repeated and missing
// members are errors.
func read[T any](s *scanner, table []field[T], v *T) {
	var seen uint64 // one bit per row; no table has more than 64
	for name := range s.object() {
		i := find(table, name)
		switch {
		case i < 0:
			s.fail("unknown field%s", suggestion(table, name))
		case seen&(1<<i) != 0:
			s.fail("given twice")
		default:
			seen |= 1 << i
			table[i].get(s, v)
		}
		if s.err != nil {
			return
		}
	}
	for i := range table {
		if seen&(1<<i) == 0 && !table[i].optional {
			mark := s.push(table[i].name)
			s.fail("missing")
			s.pop(mark)
		}
	}
}

// write appends v as an object.
func write[T any](w *writer, table []field[T], v *T) {
	w.open('{')
	members(w, table, v)
	w.close('}')
}

// members appends v's members to the open object.
func members[T any](w *writer, table []field[T], v *T) {
	for i := range table {
		f := &table[i]
		if f.put == nil || f.omit != nil && f.omit(w, v) {
			continue
		}
		w.name(f.name)
		f.put(w, v)
	}
}

func find[T any](table []field[T], name string) int {
	for i := range table {
		if table[i].name == name {
			return i
		}
	}
	return -1
}

// suggestion names the field that was probably meant, if there is one.
func suggestion[T any](table []field[T], name string) string {
	names := make([]string, len(table))
	for i := range table {
		names[i] = table[i].name
	}
	if near := nearest.Name(name, names); near != "" {
		return ", did you mean " + near + "?"
	}
	return ""
}
