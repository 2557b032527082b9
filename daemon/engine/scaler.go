package engine

import "math"

// compileBatchNorm: scale·(x − mean)/√(var + epsilon) + bias, with the running
// statistics of the file.
func compileBatchNorm(a *args) error {
	if err := a.arity(5, 5); err != nil {
		return err
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	training, err := a.n.intAttr("training_mode", 0)
	if err != nil {
		return err
	}
	if training != 0 {
		return unsupported("training mode")
	}
	epsilon, err := a.n.floatAttr("epsilon", 1e-5)
	if err != nil {
		return err
	}
	var p [4][]float32 // scale, bias, mean, variance
	for i := range p {
		t, err := a.constant(i + 1)
		if err != nil {
			return err
		}
		if t == nil || t.size() != x.width() {
			return malformed("parameter %d does not have one number per column", i+1)
		}
		if p[i], err = t.weights(a.c.q); err != nil {
			return err
		}
	}
	scale := make([]float32, x.width())
	for j := range scale {
		scale[j] = float32(float64(p[0][j]) / math.Sqrt(float64(p[3][j])+float64(epsilon)))
	}
	return emitAffine(a, x, p[2], scale, p[1])
}

// compileScaler: (x − offset)·scale.
func compileScaler(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	offset, err := a.n.floatsAttr("offset")
	if err != nil {
		return err
	}
	scale, err := a.n.floatsAttr("scale")
	if err != nil {
		return err
	}
	return emitAffine(a, x, offset, scale)
}

// emitAffine adds the step for (x − shift)·scale, or with a third vector for that plus
// it. Vectors of one number are for all columns.
func emitAffine(a *args, x *value, vectors ...[]float32) error {
	for _, v := range vectors {
		if len(v) != 1 && len(v) != x.width() {
			return malformed("%d parameters for %d columns", len(v), x.width())
		}
		if err := finite("parameter", v); err != nil {
			return err
		}
	}
	k, err := affineAt(a, x, shifted)
	if err != nil {
		return err
	}
	for i, v := range vectors {
		if err := k.set(a.c.q, shifted+stage(i), v); err != nil {
			return err
		}
	}
	a.define(0, value{buf: k.y, rank: 2})
	return nil
}
