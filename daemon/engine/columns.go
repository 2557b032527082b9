package engine

// concat writes its inputs side by side.
type concat struct {
	parts []*buffer
	y     *buffer
}

func (k *concat) run(m *memory, n int) {
	y, w := m.rows(k.y, n), k.y.width
	at := 0
	for _, p := range k.parts {
		x := m.rows(p, n)
		for i := range n {
			copy(y[i*w+at:i*w+at+p.width], x[i*p.width:])
		}
		at += p.width
	}
}

// columns picks columns of x by index.
type columns struct {
	x, y *buffer
	pick []int32
}

func (k *columns) run(m *memory, n int) {
	x, y := m.rows(k.x, n), m.rows(k.y, n)
	for range n {
		for j, c := range k.pick {
			y[j] = x[c]
		}
		x, y = x[k.x.width:], y[len(k.pick):]
	}
}

// compileConcat joins row values along axis 1.
func compileConcat(a *args) error {
	if err := a.arity(1, maxArity); err != nil {
		return err
	}
	axis, err := a.n.intAttr("axis", 1)
	if err != nil {
		return err
	}
	if err := lastAxis(axis); err != nil {
		return err
	}
	k, width, isInt := &concat{}, 0, true
	var reads []*value
	for i := range a.in {
		x, err := a.matrix(i)
		if err != nil {
			return err
		}
		k.parts = append(k.parts, x.buf)
		reads = append(reads, x)
		width += x.width() // both bounded by the limits, no overflow
		isInt = isInt && x.isInt
	}
	if k.y, err = a.buffer(width); err != nil {
		return err
	}
	a.emit(k, false, k.y, reads...)
	a.define(0, value{buf: k.y, rank: 2, isInt: isInt})
	return nil
}

// emitColumns picks columns; indices may count from the end.
func emitColumns(a *args, x *value, indices []int64, rank int) error {
	k := &columns{x: x.buf}
	width := int64(x.width())
	var err error
	if k.y, err = a.buffer(len(indices)); err != nil {
		return err
	}
	if err := a.c.q.addWeights(len(indices)); err != nil {
		return err
	}
	for _, c := range indices {
		if c < 0 {
			c += width
		}
		if c < 0 || c >= width {
			return malformed("column index outside 0..%d", width-1)
		}
		k.pick = append(k.pick, int32(c))
	}
	a.emit(k, false, k.y, x)
	a.define(0, value{buf: k.y, rank: rank, isInt: x.isInt})
	return nil
}

// compileGather on axis 1 with constant indices: a list keeps [N, k], a scalar
// gives [N].
func compileGather(a *args) error {
	if err := a.arity(2, 2); err != nil {
		return err
	}
	axis, err := a.n.intAttr("axis", 0)
	if err != nil {
		return err
	}
	if err := lastAxis(axis); err != nil {
		return err
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	indices, err := a.constantInts(1)
	if err != nil {
		return err
	}
	rank := 2
	if t := a.input(1); t != nil && len(t.konst.dims) == 0 {
		rank = 1
	}
	return emitColumns(a, x, indices, rank)
}

// compileExtractor is ai.onnx.ml.ArrayFeatureExtractor: columns of rows by
// constant index, or, in the label path of classifiers, a constant table
// indexed by a row value.
func compileExtractor(a *args) error {
	if err := a.arity(2, 2); err != nil {
		return err
	}
	if x := a.input(0); x != nil && x.konst != nil {
		return emitLookup(a, x.konst)
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	t, err := a.constant(1)
	if t == nil || err != nil || !t.isInt() {
		return unsupported("indices are not constant integers")
	}
	return emitColumns(a, x, t.ints, 2)
}

// emitLookup maps an index per row through a table. ONNX gives the result the
// form [1, N], which the graph then reshapes; here it is [N] at once. An index
// outside the table takes the nearest entry: ArgMax never produces one.
func emitLookup(a *args, table *tensor) error {
	x, err := a.row(1)
	if err != nil {
		return err
	}
	if !x.isInt || x.width() != 1 {
		return unsupported("indices are not one integer per row")
	}
	entries, err := labels(table.ints, a.c.q)
	if err != nil || len(entries) == 0 {
		return unsupported("a table that is not of exact integers")
	}
	y := &buffer{width: 1}
	last := float32(len(entries) - 1)
	look := func(y, x []float32) {
		for i := range min(len(x), len(y)) {
			v := x[i]
			if !(v > 0) { // NaN included
				v = 0
			}
			y[i] = entries[int(min(v, last))]
		}
	}
	a.emit(&unary{x: x.buf, y: y, apply: look}, true, y, x)
	a.define(0, value{buf: y, rank: 1, isInt: true})
	return nil
}

// labels converts integer labels, each exact in float32.
func labels(ints []int64, q *quota) ([]float32, error) {
	if err := q.addWeights(len(ints)); err != nil {
		return nil, err
	}
	out := make([]float32, len(ints))
	for i, v := range ints {
		var err error
		if out[i], err = label(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}
