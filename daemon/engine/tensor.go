package engine

import (
	"encoding/binary"
	"math"
)

// Element types of TensorProto.DataType that the subset knows.
const (
	typeFloat  = 1
	typeInt32  = 6
	typeInt64  = 7
	typeBool   = 9
	typeDouble = 11
)

// maxRank is the highest rank of a constant. Rows are rank 2 and the weights
// around them at most one more (Unsqueeze of a matrix in exported graphs).
const maxRank = 4

// tensor is a constant of the file. Exactly one of the slices is used,
// depending on typ; the integer types share ints.
type tensor struct {
	name    string
	dims    []int
	typ     int64
	floats  []float32
	doubles []float64
	ints    []int64
}

// parseTensor reads a TensorProto. All data must be inside the file.
func parseTensor(b []byte, q *quota) (*tensor, error) {
	if err := q.addTensor(); err != nil {
		return nil, err
	}
	var raw []byte
	var dims, i32, i64 []int64
	t := &tensor{}
	hasRaw := false
	r := reader{b: b, q: q}
	for r.next() {
		switch r.num {
		case 1:
			dims = r.ints(dims)
		case 2:
			t.typ = r.int()
		case 4:
			t.floats = r.floats(t.floats)
		case 5:
			i32 = r.ints(i32)
		case 7:
			i64 = r.ints(i64)
		case 8:
			t.name = r.string()
		case 9:
			raw, hasRaw = r.bytes(), true
		case 10:
			t.doubles = r.doubles(t.doubles)
		case 3, 6, 11:
			r.fail(unsupported("tensor %s: segments, strings and unsigned data", quote(t.name)))
		case 13:
			r.fail(unsupported("tensor %s: external data", quote(t.name)))
		case 14:
			if r.int() != 0 {
				r.fail(unsupported("tensor %s: external data", quote(t.name)))
			}
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	t.ints = i64
	if t.typ == typeInt32 || t.typ == typeBool {
		t.ints = i32
	}
	count, err := t.setDims(dims, q.lim.Elements)
	if err != nil {
		return nil, err
	}
	if hasRaw {
		if err := t.setRaw(raw, q); err != nil {
			return nil, err
		}
	}
	return t, t.check(count)
}

// setDims validates dims and returns the number of elements they promise.
func (t *tensor) setDims(dims []int64, limit int) (int, error) {
	if len(dims) > maxRank {
		return 0, unsupported("tensor %s of rank %d", quote(t.name), len(dims))
	}
	count := 1
	for _, d := range dims {
		if d < 0 {
			return 0, malformed("tensor %s: dimension %d", quote(t.name), d)
		}
		// Division keeps the product in range without overflowing first.
		if d > 0 && count > limit/int(min(d, int64(limit)+1)) {
			return 0, tooMany("numbers in tensors and attributes", limit)
		}
		count *= int(d)
		t.dims = append(t.dims, int(d))
	}
	return count, nil
}

// setRaw decodes raw_data, which is little endian whatever the host is.
func (t *tensor) setRaw(raw []byte, q *quota) error {
	if len(t.floats)+len(t.doubles)+len(t.ints) > 0 {
		return malformed("tensor %s has raw and typed data", quote(t.name))
	}
	size := map[int64]int{typeFloat: 4, typeInt32: 4, typeInt64: 8, typeBool: 1, typeDouble: 8}[t.typ]
	if size == 0 {
		return unsupported("tensor %s of element type %d", quote(t.name), t.typ)
	}
	if len(raw)%size != 0 {
		return malformed("tensor %s: %d bytes of raw data", quote(t.name), len(raw))
	}
	n := len(raw) / size
	if err := q.addElements(n); err != nil {
		return err
	}
	switch t.typ {
	case typeFloat:
		t.floats = make([]float32, n)
		for i := range t.floats {
			t.floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case typeDouble:
		t.doubles = make([]float64, n)
		for i := range t.doubles {
			t.doubles[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	case typeInt32:
		t.ints = make([]int64, n)
		for i := range t.ints {
			t.ints[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	case typeInt64:
		t.ints = make([]int64, n)
		for i := range t.ints {
			t.ints[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	case typeBool:
		t.ints = make([]int64, n)
		for i := range t.ints {
			t.ints[i] = int64(raw[i])
		}
	}
	return nil
}

// check verifies that exactly the promised elements came in the right field.
func (t *tensor) check(count int) error {
	var have int
	switch t.typ {
	case typeFloat:
		have = len(t.floats)
	case typeDouble:
		have = len(t.doubles)
	case typeInt32, typeInt64, typeBool:
		have = len(t.ints)
	default:
		return unsupported("tensor %s of element type %d", quote(t.name), t.typ)
	}
	if have != count || len(t.floats)+len(t.doubles)+len(t.ints) != have {
		return malformed("tensor %s: shape %v wants %d numbers, data has %d", quote(t.name), t.dims, count, have)
	}
	return nil
}

// size is the number of elements.
func (t *tensor) size() int { return len(t.floats) + len(t.doubles) + len(t.ints) }

// isInt reports whether the elements are integers (or booleans).
func (t *tensor) isInt() bool { return t.typ != typeFloat && t.typ != typeDouble }

// numbers returns the elements as float32, infinities and NaN included.
// Doubles and integers are rounded to the nearest float32.
func (t *tensor) numbers() []float32 {
	if t.typ == typeFloat {
		return t.floats
	}
	out := make([]float32, 0, t.size())
	for _, v := range t.doubles {
		out = append(out, float32(v))
	}
	for _, v := range t.ints {
		out = append(out, float32(v))
	}
	return out
}

// weights is numbers for values that enter arithmetic: non-empty and finite.
// A NaN or an infinity among them would silently poison every row. Each use is
// charged, because a use may make a copy.
func (t *tensor) weights(q *quota) ([]float32, error) {
	if err := q.addWeights(t.size()); err != nil {
		return nil, err
	}
	w := t.numbers()
	if len(w) == 0 {
		return nil, malformed("tensor %s is empty", quote(t.name))
	}
	return w, finite("tensor "+quote(t.name), w)
}

// finite refuses NaN and infinities in values that what names.
func finite(what string, values []float32) error {
	for i, v := range values {
		if v-v != 0 { // true for NaN and both infinities only
			return malformed("%s: element %d is %v", what, i, v)
		}
	}
	return nil
}
