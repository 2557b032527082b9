package score_test

import (
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/kernelsim/score"
)

// TestWorstKeepsTheWorstMoment: a model that is behind in the middle and ahead in the
// end was behind; whether more is better or worse.
func TestWorstKeepsTheWorstMoment(t *testing.T) {
	var cost, gain score.Worst
	if !math.IsNaN(cost.Value()) {
		t.Errorf("of nothing: %v", cost.Value())
	}
	add := func(n int, ml, rule float64) {
		for range n {
			cost.Cost(ml, rule)
			gain.Gain(rule, ml) // the other way round
		}
	}
	add(1000, 1, 1)
	if cost.Value() != 0 || gain.Value() != 0 {
		t.Errorf("equals: %v, %v", cost.Value(), gain.Value())
	}
	add(1000, 2, 1) // 3000 against 2000
	add(5000, 0, 1)
	if got := cost.Value(); got != 0.5 {
		t.Errorf("cost: %v, want 0.5", got)
	}
	if got := gain.Value(); math.Abs(got-1./3) > 1e-12 { // 2000 gained against 3000
		t.Errorf("gain: %v, want 1/3", got)
	}
	if rows := cost.Effects("s", "x"); len(rows) != 1 || rows[0].Value != 50 || rows[0].Unit != "%" || !math.IsNaN(cost.SinceTurn()) {
		t.Errorf("%+v", rows)
	}
	cost.Turn()
	for range 1000 {
		cost.Cost(1.1, 1)
	}
	if got := cost.SinceTurn(); math.Abs(got-0.1) > 1e-9 || cost.Value() != 0.5 || len(cost.Effects("s", "x")) != 2 {
		t.Errorf("since the turn %v, since the start %v; want 0.1 and 0.5", got, cost.Value())
	}
}
