package engine

// reduce maps each row to one number.
type reduce struct {
	x, y *buffer
	f    func(row []float32) float32
}

func (k *reduce) run(m *memory, n int) {
	x, y, w := m.rows(k.x, n), m.rows(k.y, n), k.x.width
	for i := range y {
		y[i] = k.f(x[i*w : i*w+w])
	}
}

// emitReduce defines output 0 as [N, 1] or, without keepdims, [N].
func emitReduce(a *args, x *value, isInt bool, f func(row []float32) float32) error {
	keep, err := a.n.intAttr("keepdims", 1)
	if err != nil {
		return err
	}
	rank := 1
	if keep != 0 {
		rank = 2
	}
	y := &buffer{width: 1}
	a.emit(&reduce{x: x.buf, y: y, f: f}, false, y, x)
	a.define(0, value{buf: y, rank: rank, isInt: isInt})
	return nil
}

// compileReduce serves ReduceSum and ReduceMean over the columns. Axes are an
// attribute in older operator sets and an input since 13 and 18.
func compileReduce(f func(row []float32) float32) func(*args) error {
	return func(a *args) error {
		if err := a.arity(1, 2); err != nil {
			return err
		}
		x, err := a.matrix(0)
		if err != nil {
			return err
		}
		axes, err := axesOf(a)
		if err != nil {
			return err
		}
		if len(axes) != 1 || lastAxis(axes[0]) != nil {
			return unsupported("reduction over axes %v, only 1 (columns) is", axes)
		}
		return emitReduce(a, x, false, f)
	}
}

func sumRow(row []float32) float32 {
	var s float64
	for _, v := range row {
		s += float64(v)
	}
	return float32(s)
}

func meanRow(row []float32) float32 {
	var s float64
	for _, v := range row {
		s += float64(v)
	}
	return float32(s / float64(len(row)))
}

// argmaxRow is the index of the first maximum.
func argmaxRow(row []float32) float32 {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return float32(best)
}

func compileArgMax(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	axis, err := a.n.intAttr("axis", 0)
	if err != nil {
		return err
	}
	if err := lastAxis(axis); err != nil {
		return err
	}
	last, err := a.n.intAttr("select_last_index", 0)
	if err != nil {
		return err
	}
	if last != 0 {
		return unsupported("select_last_index")
	}
	return emitReduce(a, x, true, argmaxRow)
}
