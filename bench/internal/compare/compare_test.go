package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRank walks the table of the sign test's intervals (n, two-sided 99 % and 95 %).
func TestRank(t *testing.T) {
	for _, c := range []struct {
		n          int
		confidence float64
		want       int
	}{
		{5, 0.95, 0},
		{6, 0.95, 1},
		{8, 0.95, 1},
		{9, 0.95, 2},
		{12, 0.95, 3},
		{20, 0.95, 6},
		{7, 0.99, 0},
		{8, 0.99, 1},
		{11, 0.99, 1},
		{12, 0.99, 2},
		{15, 0.99, 3},
		{20, 0.99, 4},
		{0, 0.99, 0},
	} {
		if got := rank(c.n, c.confidence); got != c.want {
			t.Errorf("rank(%d, %v) = %d, want %d", c.n, c.confidence, got, c.want)
		}
	}
	if got := MinPairs(0.99); got != 8 {
		t.Errorf("MinPairs(0.99) = %d, want 8", got)
	}
}

func TestJudge(t *testing.T) {
	rule := Rule{Confidence: 0.99, Least: 0.05}
	repeat := func(n int, v float64) (d []float64) {
		for range n {
			d = append(d, v)
		}
		return d
	}
	spread := func(n int, from, to float64) (d []float64) {
		for i := range n {
			d = append(d, from+(to-from)*float64(i)/float64(n-1))
		}
		return d
	}
	for _, c := range []struct {
		name string
		d    []float64
		want Verdict
	}{
		{"nothing measured", nil, Unclear},
		{"too few pairs", repeat(7, 0.2), Unclear},
		{"plainly slower", spread(12, 0.10, 0.30), Worse},
		{"plainly faster", spread(12, -0.30, -0.10), Better},
		{"slower, one wild pair", append(spread(11, 0.10, 0.30), -5), Worse},
		{"two wild pairs are too many for twelve", append(spread(10, 0.10, 0.30), -5, -5), Unclear},
		{"the same", spread(12, -0.04, 0.04), Same},
		{"the same to the last count", repeat(12, 0), Same},
		{"slower by less than matters", spread(12, 0.01, 0.04), Same},
		{"surely slower, not surely by what matters", spread(12, 0.01, 0.07), Same},
		{"nothing but noise", spread(12, -0.3, 0.3), Unclear},
		{"noise that leans", spread(12, -0.2, 0.4), Unclear},
	} {
		if got := rule.Judge(c.d); got.Verdict != c.want {
			t.Errorf("%s: %v (median %v in [%v, %v]), want %v", c.name, got.Verdict, got.Median, got.Low, got.High, c.want)
		}
	}
}

// TestJudgeExactly: what is measured exactly, such as allocations, must be told from
// zero even where the least change is zero as well.
func TestJudgeExactly(t *testing.T) {
	rule := Rule{Confidence: 0.99}
	if got := rule.Judge(make([]float64, 8)).Verdict; got != Same {
		t.Errorf("eight equal pairs: %v", got)
	}
	if got := rule.Judge([]float64{1, 1, 1, 1, 1, 1, 1, 1}).Verdict; got != Worse {
		t.Errorf("one more every time: %v", got)
	}
}

// TestJudgeFalseAlarms draws pairs without any difference, with noise of the size of
// the least change and far worse on one of ten. The seed is fixed, so the counts are.
func TestJudgeFalseAlarms(t *testing.T) {
	rule := Rule{Confidence: 0.99, Least: 0.05}
	rng := rand.New(rand.NewPCG(1, 2))
	noise := func() float64 {
		v := 0.05 * rng.NormFloat64()
		if rng.IntN(10) == 0 {
			v *= 20
		}
		return v
	}
	draw := func(shift float64) []float64 {
		d := make([]float64, 12)
		for i := range d {
			d[i] = shift + noise()
		}
		return d
	}
	const runs = 10_000
	alarms, found := 0, 0
	for range runs {
		if rule.Judge(draw(0)).Verdict == Worse {
			alarms++
		}
		if rule.Judge(draw(0.2)).Verdict == Worse {
			found++
		}
	}
	// Half of the error is on the side of worse, and less than that reaches Least.
	if most := runs * 5 / 1000; alarms > most {
		t.Errorf("%d false alarms in %d comparisons, at most %d expected", alarms, runs, most)
	}
	if found < runs*8/10 {
		t.Errorf("a shift of four times the noise was found %d times in %d", found, runs)
	}
}

func TestJudgeMedian(t *testing.T) {
	got := Rule{Confidence: 0.5, Least: 1}.Judge([]float64{3, 1, 2, 10})
	if got.Median != 2.5 || got.Pairs != 4 || math.IsInf(got.Low, 0) {
		t.Errorf("Judge = %+v, want a median of 2.5 of 4 pairs", got)
	}
}
