package engine

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBoundsHold: no value of ordinary rows is beyond the bound of its step, and none is NaN.
func TestBoundsHold(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	bounded := 0
	for range 3000 {
		width, n := 1+r.IntN(20), 1+r.IntN(6)
		x, y := &buffer{width: width}, &buffer{width: width, slot: 1}
		in := math.Ldexp(1, r.IntN(128)-20)
		k := randomBounded(r, x, y)
		most := bound(k, map[*buffer]float64{x: in})
		if math.IsInf(most, 1) {
			continue
		}
		bounded++
		rows := make([]float32, n*width)
		for i := range rows {
			rows[i] = float32(in) * []float32{1, -1, 0, 2*r.Float32() - 1}[r.IntN(4)]
		}
		m := &memory{slots: [][]float32{rows, make([]float32, n*y.width)}}
		k.run(m, n)
		for i, v := range m.slots[1] {
			if !(math.Abs(float64(v)) <= most) {
				t.Fatalf("%T of rows within %v: value %d is %v, the bound %v", k, in, i, v, most)
			}
		}
	}
	if bounded < 500 {
		t.Errorf("%d of 3000 steps are bounded, too few to speak of", bounded)
	}
}

// randomBounded is a step of a kind that bounds are known of, with weights of any size.
func randomBounded(r *rand.Rand, x, y *buffer) kernel {
	wild := func(n int) []float32 {
		v, size := make([]float32, n), math.Ldexp(1, r.IntN(100)-40)
		for i := range v {
			if r.IntN(8) > 0 {
				v[i] = float32(r.NormFloat64() * size)
			}
		}
		return v
	}
	switch r.IntN(4) {
	case 0:
		y.width = 1 + r.IntN(12)
		g := newGemm(x, y, wild(x.width*y.width), 1)
		if err := g.addBias(1, wild(y.width)); err != nil {
			panic(err)
		}
		g.relu = r.IntN(2) == 0
		return g
	case 1:
		k := newAffine(x, y)
		k.divide = r.IntN(2) == 0
		for s := range capped + 1 {
			if r.IntN(2) == 0 {
				if err := k.set(newQuota(Limits{}, 0), s, wild([]int{1, x.width}[r.IntN(2)])); err != nil {
					panic(err)
				}
			}
		}
		return k
	case 2:
		y.width = 1
		return &columns{x: x, y: y, pick: []int32{int32(r.IntN(x.width))}}
	}
	op := []*operation{addition, subtraction, multiplication, division, minimum, maximum}[r.IntN(6)]
	k := &pairwise{a: operand{buf: x, step: 1}, b: operand{buf: x, step: 1}, y: y, op: op}
	if r.IntN(2) == 0 {
		k.b = operand{konst: wild(x.width), step: 1}
	}
	return k
}

// TestNoBound: what may become infinite, or no number.
func TestNoBound(t *testing.T) {
	x, y := &buffer{width: 9}, &buffer{width: 9}
	affine := func(divide bool, set map[stage]float32) *affine {
		k := newAffine(x, y)
		k.divide = divide
		for s, v := range set {
			if err := k.set(newQuota(Limits{}, 0), s, []float32{v}); err != nil {
				t.Fatal(err)
			}
		}
		return k
	}
	cut := map[stage]float32{raised: -4, capped: 4}
	with := func(s stage, v float32) map[stage]float32 {
		return map[stage]float32{raised: -4, capped: 4, s: v}
	}
	for _, c := range []struct {
		name string
		k    kernel
		in   float64
		want float64 // about
	}{
		{"cut", affine(false, cut), farthest, 4},
		{"cut, of what may be no number", affine(false, cut), math.Inf(1), math.Inf(1)},
		{"scaled beyond all and cut", affine(false, with(scaled, 1e38)), farthest, 4},
		{"scaled beyond all", affine(false, map[stage]float32{scaled: 1e38}), farthest, math.Inf(1)},
		{"shifted beyond all", affine(false, with(shifted, math.MaxFloat32)), farthest, math.Inf(1)},
		{"divided by 0", affine(true, with(scaled, 0)), 1, math.Inf(1)},
		{"cut from below only", affine(false, map[stage]float32{raised: -4, scaled: 1e38}), farthest, math.Inf(1)},
		{"raised to infinity", affine(false, map[stage]float32{raised: inf32}), 1, math.Inf(1)},
		{"cut to far from zero", affine(false, map[stage]float32{raised: 90, capped: 100}), 1, 90},
		{"a function", &unary{x: x, y: y, apply: negRow}, 1, math.Inf(1)},
	} {
		got := bound(c.k, map[*buffer]float64{x: c.in})
		if got != c.want && !(got >= c.want && got <= 1.05*c.want) {
			t.Errorf("%s: bound %v, want about %v", c.name, got, c.want)
		}
	}
}
