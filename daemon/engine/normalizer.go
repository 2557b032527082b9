package engine

import "math"

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
