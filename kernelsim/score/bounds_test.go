package score

import (
	"math/rand/v2"
	"testing"
)

// TestBlocksAreJoinedInPairs: memory stays bounded, and no outcome is lost.
func TestBlocksAreJoinedInPairs(t *testing.T) {
	p := Paired{Block: 1}
	for i := range maxBlocks + 3 {
		p.AddRatio(1, float64(i%2), 1, 2, 3)
	}
	if len(p.closed) != maxBlocks/2+3 {
		t.Fatalf("%d blocks of %d outcomes, want %d", len(p.closed), p.N(), maxBlocks/2+3)
	}
	for i, b := range p.closed[:maxBlocks/2] {
		if want := (block{2, 1, 2, 4, 6}); b != want {
			t.Fatalf("block %d is %v, want %v, the sum of two", i, b, want)
		}
	}
}

// TestIntervalCutsBothEnds: of 1000 differences 25 on either side, of fewer in proportion;
// less than a quarter of those drawn say nothing.
func TestIntervalCutsBothEnds(t *testing.T) {
	for _, c := range []struct {
		n         int
		low, high float64
		ok        bool
	}{{1000, 25, 974, true}, {250, 6, 243, true}, {249, 0, 0, false}} {
		diffs := make([]float64, c.n)
		for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(c.n) {
			diffs[i] = float64(at)
		}
		if low, high, ok := interval(diffs); low != c.low || high != c.high || ok != c.ok {
			t.Errorf("of %d: %v … %v, %v; want %v … %v, %v", c.n, low, high, ok, c.low, c.high, c.ok)
		}
	}
}

func TestRankedIsBounded(t *testing.T) {
	var r Ranked
	for range maxRanked + 1 {
		r.Add(1, 1, 0, true)
	}
	if r.N() != maxRanked || r.Positives() != maxRanked {
		t.Errorf("%d outcomes kept, %d happened, want %d", r.N(), r.Positives(), maxRanked)
	}
}
