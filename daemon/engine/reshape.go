package engine

import "slices"

// The operators of this file move no data: they give rows another form, or
// fold constants at load. Rows stay [N, width] or [N] throughout.

func compileIdentity(a *args) error {
	x := a.input(0)
	if x == nil {
		return malformed("input is missing")
	}
	a.alias(x, x.rank)
	return nil
}

// compileDropout is the identity at inference. Asked for training it is refused.
func compileDropout(a *args) error {
	if err := a.arity(1, 3); err != nil {
		return err
	}
	training, err := a.constant(2)
	if err != nil {
		return err
	}
	if training != nil && slices.ContainsFunc(training.ints, func(v int64) bool { return v != 0 }) {
		return unsupported("training mode")
	}
	return compileIdentity(a)
}

// compileCast: float and double are one type here (float32), integers are kept
// as float32; a cast of numbers to integers truncates.
func compileCast(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	to, err := a.n.intAttr("to", 0)
	if err != nil {
		return err
	}
	toInt := to == typeInt64 || to == typeInt32
	if !toInt && to != typeFloat && to != typeDouble {
		return unsupported("cast to element type %d", to)
	}
	x := a.input(0)
	if x == nil {
		return malformed("input is missing")
	}
	if x.konst != nil {
		return castConstant(a, x.konst, toInt)
	}
	if toInt && !x.isInt {
		return emitUnary(a, x, true, truncRow)
	}
	x.buf.aliased = true
	a.define(0, value{buf: x.buf, rank: x.rank, isInt: toInt})
	return nil
}

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

// compileFlatten at axis 1 makes [N] into [N, 1] and leaves [N, width] alone.
func compileFlatten(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.row(0)
	if err != nil {
		return err
	}
	axis, err := a.n.intAttr("axis", 1)
	if err != nil {
		return err
	}
	if axis != 1 && !(axis == -1 && x.rank == 2) {
		return unsupported("axis %d", axis)
	}
	a.alias(x, 2)
	return nil
}

// compileReshape keeps rows whole: targets [N, width] and, for one column, [N].
func compileReshape(a *args) error {
	if err := a.arity(2, 2); err != nil {
		return err
	}
	to, err := a.constantInts(1)
	if err != nil {
		return err
	}
	x := a.input(0)
	if x == nil {
		return malformed("input is missing")
	}
	if x.konst != nil {
		return reshapeConstant(a, x.konst, to)
	}
	// In the target a leading 0 copies N, and -1 is worked out.
	leads := func(d int64) bool { return d == -1 || d == 0 || d > 0 && d == a.c.batch }
	width := int64(x.width())
	switch {
	case len(to) == 1 && leads(to[0]) && width == 1:
		a.alias(x, 1)
	case len(to) == 2 && leads(to[0]) &&
		(to[1] == width || to[1] == -1 && to[0] != -1 || to[1] == 0 && x.rank == 2):
		a.alias(x, 2)
	default:
		return unsupported("reshape of rows of %d to %v", width, to)
	}
	return nil
}

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

func withDims(t *tensor, dims []int) *tensor {
	u := *t
	u.dims = dims
	return &u
}

// axesOf reads axes from the attribute (old operator sets) or input 1.
func axesOf(a *args) ([]int64, error) {
	axes, err := a.n.intsAttr("axes")
	if axes != nil || err != nil {
		return axes, err
	}
	return a.constantInts(1)
}

// compileSqueeze turns [N, 1] into [N]; on constants it drops ones.
func compileSqueeze(a *args) error {
	if err := a.arity(1, 2); err != nil {
		return err
	}
	axes, err := axesOf(a)
	if err != nil {
		return err
	}
	x := a.input(0)
	if x != nil && x.konst != nil {
		return squeezeConstant(a, x.konst, axes)
	}
	if x == nil || len(axes) != 1 || x.rank != 2 || x.width() != 1 || lastAxis(axes[0]) != nil {
		return unsupported("squeeze of anything but axis 1 of [N, 1]")
	}
	a.alias(x, 1)
	return nil
}

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

// compileUnsqueeze turns [N] into [N, 1]; on constants it inserts ones.
func compileUnsqueeze(a *args) error {
	if err := a.arity(1, 2); err != nil {
		return err
	}
	axes, err := axesOf(a)
	if err != nil {
		return err
	}
	x := a.input(0)
	if x != nil && x.konst != nil {
		return unsqueezeConstant(a, x.konst, axes)
	}
	if x == nil || len(axes) != 1 || x.rank != 1 || lastAxis(axes[0]) != nil {
		return unsupported("unsqueeze of anything but axis 1 of [N]")
	}
	a.alias(x, 2)
	return nil
}

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
