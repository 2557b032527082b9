package api

// fields is the list of an object's known members, at most 32, in the order that
// the readers' switches use.
type fields []string

// seen marks which of them an object has had, a bit each, and in the upper half those that
// were null.
type seen uint64

// index finds the member in r.key, -1 for an unknown one, which is passed over. A
// null is the same as an absent member; a second one of the same name is a fault.
func (r *jsonReader) index(names fields, had *seen) int {
	for i, name := range names {
		if string(r.key) != name {
			continue
		}
		bit, null := seen(1)<<i, seen(1)<<32<<i
		if *had&(bit|null) != 0 {
			r.skip()
			r.bad(name, "given twice")
			return -1
		}
		if r.null() {
			*had |= null
			return -1
		}
		*had |= bit
		return i
	}
	r.ignore()
	return -1
}

// require notes the first of the names in the set need that had lacks.
func (r *jsonReader) require(names fields, had, need seen) {
	missing := need &^ had
	if missing == 0 {
		return
	}
	for i, name := range names {
		if missing&(1<<i) != 0 {
			r.bad(name, "missing")
			return
		}
	}
}

// list enters the array of a field.
func (r *jsonReader) list(field string) bool {
	if !r.open('[', field) {
		return false
	}
	r.within, r.at = field, -1
	return true
}

// next moves to the next element of the list that was entered. What is over max is passed
// over and noted.
func (r *jsonReader) next(max int) bool {
	for r.element() {
		if r.at++; r.at < max {
			return true
		}
		r.skip()
		field := r.within
		r.within = "" // it is the list that is wrong, not this element
		r.bad(field, "more than %d elements", max)
		r.within = field
	}
	r.within = ""
	return false
}

// f32s reads an array of at most max numbers into the storage of dst.
func (r *jsonReader) f32s(dst []float32, field string, max int) []float32 {
	dst = dst[:0]
	if !r.list(field) {
		return dst
	}
	for r.next(max) {
		dst = append(dst, r.f32(field))
	}
	return dst
}

// u64s reads an array of at most max integers into the storage of dst.
func (r *jsonReader) u64s(dst []uint64, field string, max int) []uint64 {
	return r.integers(dst, field, max, r.u64)
}

// integers reads an array whose elements one reads.
func (r *jsonReader) integers(dst []uint64, field string, max int, one func(string) uint64) []uint64 {
	dst = dst[:0]
	if !r.list(field) {
		return dst
	}
	for r.next(max) {
		dst = append(dst, one(field))
	}
	return dst
}

// small reads an array of at most max integers, each at most hi.
func (r *jsonReader) small(dst []uint8, field string, max int, hi uint64) []uint8 {
	dst = dst[:0]
	if !r.list(field) {
		return dst
	}
	for r.next(max) {
		dst = append(dst, uint8(r.uint(field, hi)))
	}
	return dst
}
