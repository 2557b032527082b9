package engine

import (
	"errors"
	"math"
)

// unary applies a function to every element of x, whole rows at a time so that
// the call through the function value is paid once per run.
type unary struct {
	x, y  *buffer
	apply func(y, x []float32)
}

func (u *unary) run(m *memory, n int) { u.apply(m.rows(u.y, n), m.rows(u.x, n)) }

func copyRow(y, x []float32) { copy(y, x) }

func reluRow(y, x []float32) {
	for i := range min(len(x), len(y)) {
		y[i] = relu(x[i])
	}
}

func negRow(y, x []float32) {
	for i := range min(len(x), len(y)) {
		y[i] = -x[i]
	}
}

func truncRow(y, x []float32) {
	for i := range min(len(x), len(y)) {
		y[i] = float32(math.Trunc(float64(x[i])))
	}
}

// each lifts a scalar function.
func each(f func(float32) float32) func(y, x []float32) {
	return func(y, x []float32) {
		for i := range min(len(x), len(y)) {
			y[i] = f(x[i])
		}
	}
}

// emitUnary adds the step for output 0, in place where the planner can.
func emitUnary(a *args, x *value, isInt bool, apply func(y, x []float32)) error {
	y, err := a.buffer(x.width())
	if err != nil {
		return err
	}
	a.emit(&unary{x: x.buf, y: y, apply: apply}, true, y, x)
	a.define(0, value{buf: y, rank: x.rank, isInt: isInt})
	return nil
}

// compileUnary serves the operators without attributes.
func compileUnary(apply func(y, x []float32)) func(*args) error {
	return func(a *args) error {
		if err := a.arity(1, 1); err != nil {
			return err
		}
		x, err := a.row(0)
		if err != nil {
			return err
		}
		return emitUnary(a, x, false, apply)
	}
}

// compileRelu fuses into the product before it where it can.
func compileRelu(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.row(0)
	if err != nil {
		return err
	}
	if g := a.fusable(x); g != nil {
		g.relu = true
		a.define(0, value{buf: x.buf, rank: x.rank})
		return nil
	}
	return emitUnary(a, x, false, reluRow)
}

// compileLeaky: alpha·x below zero.
func compileLeaky(a *args) error {
	return compileAlpha(a, 0.01, func(alpha, x float32) float32 {
		if x < 0 {
			return alpha * x
		}
		return x
	})
}

// compileElu: alpha·(e^x − 1) below zero.
func compileElu(a *args) error {
	return compileAlpha(a, 1, func(alpha, x float32) float32 {
		if x < 0 {
			return float32(float64(alpha) * math.Expm1(float64(x)))
		}
		return x
	})
}

func compileAlpha(a *args, def float32, f func(alpha, x float32) float32) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.row(0)
	if err != nil {
		return err
	}
	alpha, err := a.n.floatAttr("alpha", def)
	if err != nil {
		return err
	}
	return emitUnary(a, x, false, each(func(v float32) float32 { return f(alpha, v) }))
}

// compileClip bounds values by min and max, attributes before opset 11 and
// inputs since. Infinite bounds are legal: they are how "no bound" is written.
func compileClip(a *args) error {
	if err := a.arity(1, 3); err != nil {
		return err
	}
	x, err := a.row(0)
	if err != nil {
		return err
	}
	low, err := clipBound(a, "min", 1, -inf32)
	if err != nil {
		return err
	}
	high, err := clipBound(a, "max", 2, inf32)
	if err != nil {
		return err
	}
	k, err := affineAt(a, x, raised)
	if err != nil {
		return err
	}
	if err := errors.Join(k.set(a.c.q, raised, []float32{low}), k.set(a.c.q, capped, []float32{high})); err != nil {
		return err
	}
	a.define(0, value{buf: k.y, rank: x.rank, isInt: x.isInt})
	return nil
}

func clipBound(a *args, attr string, input int, def float32) (float32, error) {
	at, err := a.n.attr(attr, 2)
	if err != nil {
		return 0, err
	}
	bound := def
	if at != nil {
		bound = at.f
	}
	t, err := a.constant(input)
	if err != nil {
		return 0, err
	}
	if t != nil {
		if t.size() != 1 {
			return 0, malformed("bound of %d numbers", t.size())
		}
		bound = t.numbers()[0]
	}
	if bound != bound {
		return 0, malformed("bound is NaN")
	}
	return bound, nil
}

// compileRowwise serves operators that work on whole rows of [N, width].
func compileRowwise(f func(y, x []float32, width int)) func(*args) error {
	return func(a *args) error {
		if err := a.arity(1, 1); err != nil {
			return err
		}
		x, err := a.matrix(0)
		if err != nil {
			return err
		}
		// Before opset 13 the default axis was 1, since then the last; the two
		// agree on rank 2.
		axis, err := a.n.intAttr("axis", -1)
		if err != nil {
			return err
		}
		if err := lastAxis(axis); err != nil {
			return err
		}
		width := x.width()
		return emitUnary(a, x, false, func(y, x []float32) { f(y, x, width) })
	}
}

func softmaxRows(y, x []float32, width int) {
	copy(y, x)
	for ; len(y) >= width; y = y[width:] {
		softmax(y[:width])
	}
}

// logSoftmaxRows is x − max − ln Σ e^(x−max).
func logSoftmaxRows(y, x []float32, width int) {
	for ; len(x) >= width; x, y = x[width:], y[width:] {
		top := x[0]
		for _, v := range x[1:width] {
			top = max(top, v)
		}
		var total float64
		for _, v := range x[:width] {
			total += math.Exp(float64(v) - float64(top))
		}
		shift := float64(top) + math.Log(total)
		for i, v := range x[:width] {
			y[i] = float32(float64(v) - shift)
		}
	}
}
