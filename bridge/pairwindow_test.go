package bridge

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBoundsHoldAsOftenAsTheySay draws windows of models that are exactly as good as
// the rule, with differences that hang together: a bound that took them for
// independent would call one of them worse in every third window.
func TestBoundsHoldAsOftenAsTheySay(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const windows = 2000
	worse, better := 0, 0
	for range windows {
		var w pairWindow
		x := 0.0
		for range windowBlocks * blockPairs {
			x = 0.5*x + r.NormFloat64()
			w.add(x)
		}
		low, high := w.bounds()
		if low > 0 {
			worse++
		}
		if high < 0 {
			better++
		}
	}
	// 1 % each is 20; the blocks still hang together a little.
	if worse > 50 || better > 50 || worse+better < 5 {
		t.Errorf("%d windows of %d said worse and %d better, want about 20 each", worse, windows, better)
	}
}

func TestWindowOfNothing(t *testing.T) {
	var w pairWindow
	for range fewBlocks*blockPairs - 1 {
		w.add(-1)
	}
	if low, high := w.bounds(); w.better() || !math.IsInf(low, -1) || !math.IsInf(high, 1) {
		t.Errorf("too few cases: bounds %v, %v", low, high)
	}
	if w.add(-1); !w.better() {
		t.Error("128 cases that were all better do not count as that")
	}
	long := pairWindow{doubled: 2}
	for range 4*fewBlocks*blockPairs - 1 {
		long.add(-1)
	}
	if long.better() {
		t.Error("fewer cases than are asked for count")
	}
	if long.add(-1); !long.better() || long.pairs() != 4*fewBlocks*blockPairs || long.mean() != -1 {
		t.Errorf("%d cases that were all better by 1: better by %v", long.pairs(), -long.mean())
	}
	var same pairWindow
	for range windowBlocks * blockPairs {
		same.add(0)
	}
	if same.better() {
		t.Error("a model that says what the rule says is better")
	}
}
