package engine

import "slices"

// The operators of this file move no data: they give rows another form. Rows
// stay [N, width] or [N] throughout. On constants they are folded, see fold.go.

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
