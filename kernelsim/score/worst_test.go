package score_test

import (
	"math"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/kernelsim/score"
)

// TestWorstKeepsTheWorstMoment: a model that is behind in the middle and ahead in the
// end was behind; whether more is better or worse.
func TestWorstKeepsTheWorstMoment(t *testing.T) {
	var cost, gain score.Worst
	if got := worst(t, &cost)[0]; !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
	add := func(n int, ml, rule float64) {
		for range n {
			cost.Cost(ml, rule)
			gain.Gain(rule, ml) // the other way round
		}
	}
	add(1000, 1, 1)
	if c, g := worst(t, &cost)[0], worst(t, &gain)[0]; c != 0 || g != 0 {
		t.Errorf("equals: %v, %v", c, g)
	}
	add(1000, 2, 1) // 3000 against 2000
	add(5000, 0, 1)
	if got := worst(t, &cost)[0]; got != 0.5 {
		t.Errorf("cost: %v, want 0.5", got)
	}
	if got := worst(t, &gain)[0]; math.Abs(got-1./3) > 1e-12 { // 2000 gained against 3000
		t.Errorf("gain: %v, want 1/3", got)
	}
	if rows := cost.Effects("s", "x"); len(rows) != 1 || rows[0].Value != 50 || rows[0].Unit != "%" {
		t.Errorf("%+v", rows)
	}
	cost.Turn()
	for range 1000 {
		cost.Cost(1.1, 1)
	}
	if got := worst(t, &cost); len(got) != 2 || math.Abs(got[1]-0.1) > 1e-9 || got[0] != 0.5 {
		t.Errorf("since the start and since the turn %v, want 0.5 and 0.1", got)
	}
}

// worst is what the report says, as shares, since the start and since the turn; NaN for
// no value.
func worst(t *testing.T, w *score.Worst) (out []float64) {
	t.Helper()
	for _, row := range w.Effects("s", "x") {
		if math.IsNaN(row.Value) != strings.Contains(row.Note, "fewer than") {
			t.Errorf("%v: %s", row.Value, row.Note)
		}
		out = append(out, row.Value/100)
	}
	return out
}

// TestWorstCountsFromFiveHundredOutcomes: and from where the rule has any effect; a moment
// at which the model was ahead is the worst where there is no other.
func TestWorstCountsFromFiveHundredOutcomes(t *testing.T) {
	for _, c := range []struct {
		name     string
		n        int
		ml, rule float64
		want     float64
		note     string
	}{
		{"too few", 499, 2, 1, math.NaN(), "since the start; fewer than 500 outcomes, or nothing of the rule to compare with"},
		{"enough", 500, 2, 1, 1, "since the start, after 500 outcomes; below 0: better even then"},
		{"the first of equal moments", 700, 2, 1, 1, "since the start, after 500 outcomes; below 0: better even then"},
		{"ahead all along", 700, 1, 2, -0.5, "since the start, after 500 outcomes; below 0: better even then"},
		{"nothing of the rule's", 700, 1, 0, math.NaN(), "since the start; fewer than 500 outcomes, or nothing of the rule to compare with"},
	} {
		var w score.Worst
		for range c.n {
			w.Cost(c.ml, c.rule)
		}
		if got := worst(t, &w)[0]; got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if note := w.Effects("s", "x")[0].Note; note != c.note {
			t.Errorf("%s: %q, want %q", c.name, note, c.note)
		}
	}
}

// TestTurnsBeginAnew: what is since the turn is since the last one; what is since the start
// goes on.
func TestTurnsBeginAnew(t *testing.T) {
	var w score.Worst
	cost := func(ml float64) {
		for range 500 {
			w.Cost(ml, 1)
		}
	}
	cost(1)
	w.Turn()
	cost(4)
	w.Turn()
	cost(2)
	if got := worst(t, &w); len(got) != 2 || got[1] != 1 || got[0] != 1.5 { // 2500 against 1000 at its worst
		t.Errorf("since the start and since the turn %v, want 1.5 and 1", got)
	}
}
