package engine

// pairwise applies an element-wise operator to two operands, each a row value or
// a constant row, either of which may be one column wide and is then spread
// over the row.
type pairwise struct {
	a, b operand
	y    *buffer
	op   *operation
}

// operand is a buffer, or a constant row when buf is nil.
type operand struct {
	buf   *buffer
	konst []float32
	step  int // 0 for one column spread over the row, else 1
}

// row returns the operand's part for row i.
func (o *operand) row(m *memory, i int) []float32 {
	if o.buf == nil {
		return o.konst
	}
	return m.row(o.buf, i)
}

func (k *pairwise) run(m *memory, n int) {
	y := m.rows(k.y, n)
	if k.a.buf != nil && k.b.buf != nil && k.a.buf.width == k.b.buf.width {
		k.op.apply(y, m.rows(k.a.buf, n), m.rows(k.b.buf, n), 1, 1)
		return
	}
	w := k.y.width
	for i := range n {
		k.op.apply(y[i*w:i*w+w], k.a.row(m, i), k.b.row(m, i), k.a.step, k.b.step)
	}
}

func addRow(y, a, b []float32, stepA, stepB int) {
	for i := range y {
		y[i] = a[i*stepA] + b[i*stepB]
	}
}

func subRow(y, a, b []float32, stepA, stepB int) {
	for i := range y {
		y[i] = a[i*stepA] - b[i*stepB]
	}
}

func mulRow(y, a, b []float32, stepA, stepB int) {
	for i := range y {
		y[i] = a[i*stepA] * b[i*stepB]
	}
}

func divRow(y, a, b []float32, stepA, stepB int) {
	for i := range y {
		y[i] = a[i*stepA] / b[i*stepB]
	}
}

// minRow and maxRow yield NaN where either side is NaN, as ONNX's Min and Max.
func minRow(y, a, b []float32, stepA, stepB int) {
	for i := range y {
		y[i] = min(a[i*stepA], b[i*stepB])
	}
}

func maxRow(y, a, b []float32, stepA, stepB int) {
	for i := range y {
		y[i] = max(a[i*stepA], b[i*stepB])
	}
}

// operation is an operator of two operands.
type operation struct {
	apply    func(y, a, b []float32, stepA, stepB int)
	constant stages // what a constant row as the second operand makes of it
	commutes bool   // or as the first
}

var (
	addition       = &operation{addRow, stages{{stage: shifted, negate: true}, {stage: added}}, true}
	subtraction    = &operation{subRow, stages{{stage: shifted}, {stage: added, negate: true}}, false}
	multiplication = &operation{mulRow, stages{{stage: scaled}}, true}
	division       = &operation{divRow, stages{{stage: scaled, divide: true}}, false}
	minimum        = &operation{minRow, stages{{stage: capped}}, true}
	maximum        = &operation{maxRow, stages{{stage: raised}}, true}
)

// compileBinary serves Sub, Mul and Div.
func compileBinary(op *operation) func(*args) error {
	return func(a *args) error {
		if err := a.arity(2, 2); err != nil {
			return err
		}
		v, err := emitBinary(a, a.input(0), a.input(1), op)
		if err != nil {
			return err
		}
		a.define(0, v)
		return nil
	}
}

// compileAdd fuses a constant row into the product before it where it can.
func compileAdd(a *args) error {
	if err := a.arity(2, 2); err != nil {
		return err
	}
	x, c := a.input(0), a.input(1)
	if x != nil && x.konst != nil {
		x, c = c, x
	}
	if g := a.fusable(x); g != nil && c != nil && c.konst != nil {
		bias, err := rowVector(c.konst, g.y.width, a.c.q)
		if err == nil {
			a.define(0, value{buf: x.buf, rank: x.rank})
			return g.addBias(1, bias)
		}
	}
	return compileBinary(addition)(a)
}

// compileVariadic serves Sum, Min and Max: pairs from left to right. Each is a step and
// counts as a node, as the name of an operand takes a few bytes of the file only.
func compileVariadic(op *operation) func(*args) error {
	return func(a *args) error {
		if err := a.arity(1, maxArity); err != nil {
			return err
		}
		if len(a.in) == 1 {
			return compileIdentity(a)
		}
		left := a.input(0)
		for i := 1; i < len(a.in); i++ {
			if err := a.c.q.addNode(); err != nil {
				return err
			}
			v, err := emitBinary(a, left, a.input(i), op)
			if err != nil {
				return err
			}
			left = &v
		}
		a.define(0, *left)
		return nil
	}
}

// emitBinary adds the step for l ∘ r.
func emitBinary(a *args, l, r *value, op *operation) (value, error) {
	if l == nil || r == nil {
		return value{}, malformed("an operand is missing")
	}
	if l.konst != nil && r.konst != nil {
		return value{}, unsupported("both operands are constants")
	}
	like := l
	if l.konst != nil {
		like = r
	}
	isInt := true
	for _, v := range []*value{l, r} {
		if v.konst == nil {
			isInt = isInt && v.isInt
			if v.rank != like.rank {
				return value{}, unsupported("operands of rank %d and %d", l.rank, r.rank)
			}
		} else {
			isInt = isInt && v.konst.isInt()
		}
	}
	if isInt {
		return value{}, unsupported("integer arithmetic")
	}
	if v, ok, err := emitConstant(a, l, r, op); ok || err != nil {
		return v, err
	}
	k := &pairwise{op: op}
	width, err := k.operands(a, l, r, like.rank)
	if err != nil {
		return value{}, err
	}
	y, err := a.buffer(width)
	if err != nil {
		return value{}, err
	}
	k.y = y
	// In place only over the first buffer read, and only if it is as wide as
	// the result; the planner checks the width.
	var reads []*value
	for _, v := range []*value{l, r} {
		if v.konst == nil {
			reads = append(reads, v)
		}
	}
	a.emit(k, true, y, reads...)
	return value{buf: y, rank: like.rank}, nil
}

// emitConstant adds the stage that op is with a constant of one number or a row as wide as
// the other operand, and reports whether it is one.
func emitConstant(a *args, l, r *value, op *operation) (value, bool, error) {
	x, c := l, r
	if l.konst != nil && op.commutes {
		x, c = r, l
	}
	if x.konst != nil || c.konst == nil {
		return value{}, false, nil
	}
	t := c.konst
	if t.size() != 1 && t.size() != x.width() || x.rank == 1 && len(t.dims) > 1 {
		return value{}, false, nil
	}
	row, err := rowVector(t, x.width(), a.c.q)
	if err != nil {
		return value{}, false, err
	}
	k, err := op.constant.emit(a, x, row)
	if err != nil {
		return value{}, false, err
	}
	return value{buf: k.y, rank: x.rank}, true, nil
}

// operands fills both sides and returns the width of the result.
func (k *pairwise) operands(a *args, l, r *value, rank int) (int, error) {
	width := 1
	for _, side := range []struct {
		v *value
		o *operand
	}{{l, &k.a}, {r, &k.b}} {
		if side.v.konst == nil {
			side.o.buf = side.v.buf
			width = max(width, side.v.width())
			continue
		}
		t := side.v.konst
		if rank == 1 && (t.size() != 1 || len(t.dims) > 1) {
			return 0, unsupported("constant of shape %v beside [N]", t.dims)
		}
		c, err := rowVector(t, t.size(), a.c.q)
		if err != nil {
			return 0, err
		}
		side.o.konst = c
		width = max(width, len(c))
	}
	for _, o := range []*operand{&k.a, &k.b} {
		w := len(o.konst)
		if o.buf != nil {
			w = o.buf.width
		}
		if w != 1 && w != width {
			return 0, unsupported("operands of %d and %d columns", w, width)
		}
		if w == width {
			o.step = 1
		}
	}
	return width, nil
}

// rowVector checks that t broadcasts over rows of the given width and returns
// its one or width numbers.
func rowVector(t *tensor, width int, q *quota) ([]float32, error) {
	for i, d := range t.dims {
		if i < len(t.dims)-1 && d != 1 {
			return nil, unsupported("constant of shape %v beside rows", t.dims)
		}
	}
	if len(t.dims) > 2 || t.size() != 1 && t.size() != width {
		return nil, unsupported("constant of shape %v beside rows of %d", t.dims, width)
	}
	return t.weights(q)
}
