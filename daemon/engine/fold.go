package engine

import "slices"

// What graphs do to constants before they use them is done once, at load.

// castConstant folds a cast. Only integers become floats: the reverse has no
// honest use in a weight path and no agreed result out of range.
func castConstant(a *args, t *tensor, toInt bool) error {
	if t.isInt() == toInt {
		a.define(0, value{konst: t})
		return nil
	}
	if toInt {
		return unsupported("cast of a constant to integers")
	}
	w, err := t.weights(a.c.q)
	if err != nil {
		return err
	}
	a.define(0, value{konst: &tensor{name: t.name, dims: t.dims, typ: typeFloat, floats: w}})
	return nil
}

// compileConstant: the tensor or scalar attribute forms.
func compileConstant(a *args) error {
	for name, at := range a.n.attrs {
		t := &tensor{name: a.n.out[0], typ: typeFloat}
		switch {
		case name == "value" && at.t != nil:
			t = at.t
		case name == "value_float" && at.has == 2:
			t.floats = []float32{at.f}
		case name == "value_floats" && at.has == 7:
			t.floats, t.dims = at.floats, []int{len(at.floats)}
		case name == "value_int" && at.has == 3:
			t.typ, t.ints = typeInt64, []int64{at.i}
		case name == "value_ints" && at.has == 8:
			t.typ, t.ints, t.dims = typeInt64, at.ints, []int{len(at.ints)}
		default:
			return unsupported("attribute %s", quote(name))
		}
		if len(a.n.attrs) != 1 {
			return malformed("more than one value")
		}
		a.define(0, value{konst: t})
		return nil
	}
	return malformed("no value")
}

// compileTranspose folds the transposition of a constant matrix (x·Wᵀ in
// exported graphs).
func compileTranspose(a *args) error {
	t, err := a.constant(0)
	if err != nil {
		return err
	}
	perm, err := a.n.intsAttr("perm")
	if err != nil {
		return err
	}
	if t == nil || len(t.dims) != 2 || perm != nil && !slices.Equal(perm, []int64{1, 0}) {
		return unsupported("transposition of anything but a constant matrix")
	}
	if t, err = transpose(t, a.c.q); err != nil {
		return err
	}
	a.define(0, value{konst: t})
	return nil
}

// transpose returns the transposed copy of a matrix of numbers.
func transpose(t *tensor, q *quota) (*tensor, error) {
	w, err := t.weights(q)
	if err != nil {
		return nil, err
	}
	if err := q.addWeights(len(w)); err != nil {
		return nil, err
	}
	rows, cols := t.dims[0], t.dims[1]
	out := make([]float32, len(w))
	for i := range rows {
		for j := range cols {
			out[j*rows+i] = w[i*cols+j]
		}
	}
	return &tensor{name: t.name, dims: []int{cols, rows}, typ: typeFloat, floats: out}, nil
}

// reshapeConstant gives t the dimensions to, where 0 copies and one -1 is
// worked out.
func reshapeConstant(a *args, t *tensor, to []int64) error {
	if len(to) > maxRank {
		return unsupported("rank %d", len(to))
	}
	dims, known, free := make([]int, len(to)), 1, -1
	for i, d := range to {
		switch {
		case d == -1 && free < 0:
			free = i
			continue
		case d == 0 && i < len(t.dims):
			dims[i] = t.dims[i]
		case d > 0 && d <= int64(t.size()):
			dims[i] = int(d)
		default:
			return malformed("reshape of %v to %v", t.dims, to)
		}
		if known *= dims[i]; known > t.size() {
			return malformed("reshape of %v to %v", t.dims, to)
		}
	}
	if free >= 0 && known > 0 {
		dims[free] = t.size() / known
		known *= dims[free]
	}
	if known != t.size() {
		return malformed("reshape of %v to %v", t.dims, to)
	}
	a.define(0, value{konst: withDims(t, dims)})
	return nil
}

// withDims shares the numbers of t under other dimensions.
func withDims(t *tensor, dims []int) *tensor {
	u := *t
	u.dims = dims
	return &u
}

// squeezeConstant drops dimensions of one, all of them without axes.
func squeezeConstant(a *args, t *tensor, axes []int64) error {
	drop := map[int]bool{}
	for _, axis := range axes {
		i, err := positiveAxis(axis, len(t.dims))
		if err != nil {
			return err
		}
		drop[i] = true
	}
	var dims []int
	for i, d := range t.dims {
		if drop[i] && d != 1 {
			return malformed("squeeze of dimension %d", d)
		}
		if !drop[i] && (d != 1 || len(axes) > 0) {
			dims = append(dims, d)
		}
	}
	a.define(0, value{konst: withDims(t, dims)})
	return nil
}

// unsqueezeConstant inserts dimensions of one.
func unsqueezeConstant(a *args, t *tensor, axes []int64) error {
	rank := len(t.dims) + len(axes)
	if rank > maxRank {
		return unsupported("rank %d", rank)
	}
	insert := map[int]bool{}
	for _, axis := range axes {
		i, err := positiveAxis(axis, rank)
		if err != nil {
			return err
		}
		insert[i] = true
	}
	if len(insert) != len(axes) {
		return malformed("an axis twice")
	}
	var dims []int
	rest := t.dims
	for i := range rank {
		if insert[i] {
			dims = append(dims, 1)
		} else {
			dims, rest = append(dims, rest[0]), rest[1:]
		}
	}
	a.define(0, value{konst: withDims(t, dims)})
	return nil
}
