package engine

import "math"

// What is known of values at load, from the weights alone: how far from zero they can be.

// roundOff is what a bound grows by for the roundings of a step: one of at most 2^14
// products and as many sums, each by 2^-24 of itself or, where it is next to nothing, by
// less than the smallest number there is.
func roundOff(most float64) float64 { return 1.01*most + 1e-30 }

// bound gives the most that a value of what the step writes can be from zero, and +Inf where
// it may be NaN or infinite or where this is not known. of has the bounds of what it reads.
func bound(k kernel, of map[*buffer]float64) float64 {
	most := math.Inf(1)
	switch k := k.(type) {
	case *columns:
		most = of[k.x]
	case *affine:
		most = k.bound(of[k.x])
	case *gemm:
		most = k.bound(of[k.x])
	case *pairwise:
		a, b := k.a.bound(of), k.b.bound(of)
		switch k.op {
		case addition, subtraction:
			most = a + b
		case multiplication:
			most = a * b
		case minimum, maximum:
			most = max(a, b)
		}
	}
	return finiteBound(roundOff(most))
}

// finiteBound is +Inf for what sums on the way may leave the range of a float32.
func finiteBound(most float64) float64 {
	if !(most <= math.MaxFloat32/2) { // NaN is 0·Inf
		return math.Inf(1)
	}
	return most
}

func (o *operand) bound(of map[*buffer]float64) float64 {
	if o.buf != nil {
		return of[o.buf]
	}
	var most float64
	for _, v := range o.konst {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}

// bound: sums on the way are not larger than the sum of all sizes.
func (g *gemm) bound(in float64) float64 {
	var most float64
	for i, bias := range g.bias {
		for j, b := range bias {
			sum := math.Abs(float64(b))
			for _, w := range g.panels[i*g.x.width:][:g.x.width] {
				sum += math.Abs(float64(w[j])) * in
			}
			most = max(most, sum)
		}
	}
	return most
}

// bound: a product that leaves the range comes back where the row is cut, but 0·Inf does
// not, so the difference before it must not leave it.
func (k *affine) bound(in float64) float64 {
	var most float64
	for j := range k.parameters() {
		p, j := &k.panels[j/panelWidth], j%panelWidth
		d := finiteBound(roundOff(in + math.Abs(float64(p.shift[j]))))
		scale := math.Abs(float64(p.scale[j]))
		if math.IsInf(d, 1) || k.divide && scale == 0 {
			return math.Inf(1)
		}
		if k.divide {
			d /= scale
		} else {
			d *= scale
		}
		d = roundOff(d + math.Abs(float64(p.add[j])))
		low, high := float64(p.low[j]), float64(p.high[j])
		most = max(most, math.Abs(min(max(-d, low), high)), math.Abs(min(max(d, low), high)))
	}
	return most
}
