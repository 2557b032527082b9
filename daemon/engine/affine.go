package engine

import "math"

// affine is y = (x − shift)·scale + add, column by column: BatchNormalization
// and Scaler. The subtraction comes first, as both operators define it;
// folding it into add would lose digits where the mean is large.
type affine struct {
	x, y              *buffer
	shift, scale, add []float32
}

func (k *affine) run(m memory, n int) {
	x, y := m.rows(k.x, n), m.rows(k.y, n)
	w := k.x.width
	shift, scale, add := k.shift[:w], k.scale[:w], k.add[:w]
	for range n {
		xr, yr := x[:w], y[:w]
		for j := range yr {
			yr[j] = (xr[j]-shift[j])*scale[j] + add[j]
		}
		x, y = x[w:], y[w:]
	}
}

// emitAffine spreads vectors of one number over the row and checks them.
func emitAffine(a *args, x *value, vectors [3][]float32) error {
	w := x.width()
	if err := a.c.q.addWeights(3 * w); err != nil {
		return err
	}
	y, err := a.buffer(w)
	if err != nil {
		return err
	}
	k := &affine{x: x.buf, y: y}
	for i, dst := range []*[]float32{&k.shift, &k.scale, &k.add} {
		v := vectors[i]
		if len(v) != 1 && len(v) != w {
			return malformed("%d parameters for %d columns", len(v), w)
		}
		if err := finite("parameter", v); err != nil {
			return err
		}
		*dst = make([]float32, w)
		for j := range w {
			(*dst)[j] = v[j%len(v)]
		}
	}
	a.emit(k, true, y, x)
	a.define(0, value{buf: y, rank: 2})
	return nil
}

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
	return emitAffine(a, x, [3][]float32{p[2], scale, p[1]})
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
	return emitAffine(a, x, [3][]float32{offset, scale, {0}})
}

// compileNormalizer divides rows by their maximum, L1 or L2 norm; rows of norm
// zero stay as they are.
func compileNormalizer(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	norm, err := a.n.stringAttr("norm", "MAX")
	if err != nil {
		return err
	}
	f := map[string]func([]float32) float64{"MAX": maxNorm, "L1": l1Norm, "L2": l2Norm}[norm]
	if f == nil {
		return unsupported("norm %s", quote(norm))
	}
	w := x.width()
	return emitUnary(a, x, false, func(y, x []float32) {
		for ; len(x) >= w; x, y = x[w:], y[w:] {
			norm := f(x[:w])
			if norm == 0 {
				norm = 1
			}
			for j, v := range x[:w] {
				y[j] = float32(float64(v) / norm)
			}
		}
	})
}

func maxNorm(x []float32) float64 {
	top := x[0]
	for _, v := range x[1:] {
		top = max(top, v)
	}
	return float64(top) // the signed maximum, as ONNX defines it
}

func l1Norm(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += math.Abs(float64(v))
	}
	return s
}

func l2Norm(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}
