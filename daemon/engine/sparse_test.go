package engine

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSparseProducts: what is left out changes nothing.
func TestSparseProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	for range 400 {
		checkSparse(t, r, sparseShare+r.IntN(200), r.IntN(9), 0.02*float64(r.IntN(2)))
	}
}

// checkSparse compares the forms of a product of one output most of whose weights are 0.
func checkSparse(t *testing.T, r *rand.Rand, features, rows int, odd float64) {
	t.Helper()
	l := randomLayer(r, features, 1, rows, r.IntN(2) == 0, odd)
	for i := range l.weights {
		if r.IntN(2*sparseShare) > 0 {
			l.weights[i] = float32(math.Copysign(0, r.NormFloat64()))
		}
		l.g.panels[i][0] = l.weights[i]
	}
	if l.g.findTerms(); l.g.terms == nil {
		return
	}
	if err := l.check(l.g.sparse); err != nil {
		t.Errorf("%d rows of %d with %d weights, relu %v: %v", rows, features, len(l.g.terms), l.g.relu, err)
	}
}

// TestTerms: which products leave weights out.
func TestTerms(t *testing.T) {
	negZero := float32(math.Copysign(0, -1))
	for name, c := range map[string]struct {
		weights []float32
		width   int
		bias    float32
		want    int // -1 for none left out
	}{
		"one of eight":         {[]float32{0, 0, 0, 5, 0, negZero, 0, 0}, 1, 3, 1},
		"none of eight":        {vec(8), 1, 0, 0},
		"two of eight":         {[]float32{0, 0, 0, 5, 0, 2, 0, 0}, 1, 0, -1},
		"one of seven":         {[]float32{0, 0, 0, 5, 0, 0, 0}, 1, 0, -1},
		"two outputs":          {vec(32), 2, 0, -1},
		"a sum that may be −0": {[]float32{0, 0, 0, 5, 0, 0, 0, 0}, 1, negZero, -1},
	} {
		g := newGemm(&buffer{width: len(c.weights) / c.width}, &buffer{width: c.width}, c.weights, 1)
		g.bias[0][0] = c.bias
		g.findTerms()
		got := len(g.terms)
		if g.terms == nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s: %d terms, want %d", name, got, c.want)
		}
	}
}

// FuzzSparse looks for weights and rows on which leaving out shows.
func FuzzSparse(f *testing.F) {
	f.Add(uint64(1), uint8(203), uint8(1))
	f.Add(uint64(2), uint8(8), uint8(5))
	f.Fuzz(func(t *testing.T, seed uint64, features, rows uint8) {
		checkSparse(t, rand.New(rand.NewPCG(seed, 4)), 1+int(features), int(rows)%20, float64(seed%4)/50)
	})
}
