package score_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/score"
)

func TestPairedValues(t *testing.T) {
	var p score.Paired
	if ml, rule := p.Values(); !math.IsNaN(ml) || !math.IsNaN(rule) {
		t.Errorf("nothing = %v and %v, want no numbers", ml, rule)
	}
	p.Add(1, 1, 3)
	p.Add(2, 2, 6)
	if ml, rule := p.Values(); ml != 1.5 || rule != 4.5 || p.N() != 2 {
		t.Errorf("means %v and %v of %d, want 1.5 and 4.5 of 2", ml, rule, p.N())
	}
	if ml, rule := p.Sums(); ml != 3 || rule != 9 {
		t.Errorf("sums %v and %v, want 3 and 9", ml, rule)
	}
	var r score.Paired
	r.AddRatio(1, 1, 4, 0, 0) // 1 of 4 against nothing tried
	r.AddRatio(1, 2, 2, 1, 2)
	if ml, rule := r.Values(); ml != 0.5 || rule != 0.5 {
		t.Errorf("ratios %v and %v, want 3/6 and 1/2", ml, rule)
	}
}

// TestDifferenceCoversTheTruth draws two ways that differ by 1 on average and looks
// whether about 95 of 100 intervals hold that 1.
func TestDifferenceCoversTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const runs = 100
	covered := 0
	for range runs {
		var p score.Paired
		for i := range 1000 {
			p.Add(uint64(i%5), 1+rng.NormFloat64(), rng.NormFloat64())
		}
		low, high, ok := p.Difference()
		if !ok || low >= high {
			t.Fatalf("interval %v … %v, %v", low, high, ok)
		}
		if low <= 1 && 1 <= high {
			covered++
		}
	}
	// 85 and 100 are more than four standard deviations from 95 down, none up.
	if covered < 85 {
		t.Errorf("%d of %d intervals hold the true difference", covered, runs)
	}
}

func TestDifferenceNeedsBlocks(t *testing.T) {
	var p score.Paired
	for i := range 100 { // five blocks of one agent
		p.Add(1, float64(i), 0)
	}
	if _, _, ok := p.Difference(); ok {
		t.Error("five blocks gave an interval")
	}
	events := score.Paired{Block: 1}
	for i := range 8 {
		events.Add(1, float64(i), 0)
	}
	if low, high, ok := events.Difference(); !ok || low < 0 || high > 7 || low > 3.5 || high < 3.5 {
		t.Errorf("eight events: %v … %v, %v; want an interval about 3.5", low, high, ok)
	}
}

// TestDifferenceRepeats: agents that have not filled a block come from a map; also those
// that differ in one thing alone have an order.
func TestDifferenceRepeats(t *testing.T) {
	for what, add := range map[string]func(p *score.Paired, agent uint64, v float64){
		"all":         func(p *score.Paired, agent uint64, v float64) { p.Add(agent, v, v*v) },
		"the model's": func(p *score.Paired, agent uint64, v float64) { p.Add(agent, v, 1) },
		"the rule's":  func(p *score.Paired, agent uint64, v float64) { p.Add(agent, 1, v) },
		"its weight":  func(p *score.Paired, agent uint64, v float64) { p.AddRatio(agent, 1, 1+v, 1, 1) },
		"the other's": func(p *score.Paired, agent uint64, v float64) { p.AddRatio(agent, 1, 1, 1, 1+v) },
	} {
		draw := func() (float64, float64) {
			var p score.Paired
			rng := rand.New(rand.NewPCG(5, 6))
			for agent := range uint64(40) {
				add(&p, agent, rng.Float64())
			}
			low, high, ok := p.Difference()
			if !ok || low >= high {
				t.Errorf("%s: %v … %v, %v of forty agents", what, low, high, ok)
			}
			return low, high
		}
		low, high := draw()
		for range 5 {
			if l, h := draw(); l != low || h != high {
				t.Errorf("%s: the same outcomes gave %v … %v and %v … %v", what, low, high, l, h)
			}
		}
	}
}

// TestDifferenceWhereAWayIsOftenIdle: draws in which nothing was divided by are left out.
func TestDifferenceWhereAWayIsOftenIdle(t *testing.T) {
	p := score.Paired{Block: 1}
	p.AddRatio(1, 4, 8, 0, 1) // about a third of the draws miss it
	for range 15 {
		p.AddRatio(1, 0, 0, 0, 1)
	}
	if low, high, ok := p.Difference(); low != 0.5 || high != 0.5 || !ok {
		t.Errorf("%v … %v, %v; want a half", low, high, ok)
	}
}

func TestAreas(t *testing.T) {
	var r score.Ranked
	if ml, _ := r.Areas(); !math.IsNaN(ml) {
		t.Errorf("area of nothing = %v, want none", ml)
	}
	// ml ranks one of six pairs wrongly; the rule says the same to all.
	r.Add(1, 0.9, 0.1, true)
	r.Add(1, 0.3, 0.1, true)
	r.Add(1, 0.5, 0.1, false)
	r.Add(1, 0.2, 0.1, false)
	r.Add(1, 0.1, 0.1, false)
	if ml, rule := r.Areas(); ml != 5.0/6 || rule != 0.5 {
		t.Errorf("areas %v and %v, want 5/6 and, all tied, 0.5", ml, rule)
	}
	if r.N() != 5 || r.Positives() != 2 {
		t.Errorf("%d of %d happened, want 2 of 5", r.Positives(), r.N())
	}
}

func TestAreasNeedBoth(t *testing.T) {
	for _, happened := range []bool{false, true} {
		var r score.Ranked
		r.Add(1, 0.5, 0.5, happened)
		r.Add(1, 0.7, 0.5, happened)
		if ml, rule := r.Areas(); !math.IsNaN(ml) || !math.IsNaN(rule) {
			t.Errorf("all %v: areas %v and %v, want none", happened, ml, rule)
		}
	}
}

// TestRankedDifference: the model is always right, the rule always wrong, whichever blocks
// are drawn; of seven agents there are seven blocks until one has more than twenty outcomes.
func TestRankedDifference(t *testing.T) {
	for _, c := range []struct {
		each int // outcomes of each of seven agents
		ok   bool
	}{{20, false}, {22, true}} {
		var r score.Ranked
		for i := range c.each {
			for agent := range uint64(7) {
				happened := i%2 == 1
				v := 0.0
				if happened {
					v = 1
				}
				r.Add(agent, v, -v, happened)
			}
		}
		low, high, ok := r.Difference()
		if ok != c.ok || ok && (low != 1 || high != 1) {
			t.Errorf("%d outcomes each: %v … %v, %v; want 1 where there are enough, %v", c.each, low, high, ok, c.ok)
		}
		row := r.Compare(score.Metric{HigherIsBetter: true}, c.ok)
		if *row.ML != 1 || *row.Rule != 0 || row.N != uint64(7*c.each) || row.Better != report.BetterML {
			t.Errorf("%d outcomes each: %v against %v of %d, %v better", c.each, *row.ML, *row.Rule, row.N, row.Better)
		}
	}
}

// TestMetricsAreAsTheyAre: without a factor values stay, without an interval none is given,
// and who is better depends on what is.
func TestMetricsAreAsTheyAre(t *testing.T) {
	var p score.Paired
	for i := range 400 {
		p.Add(uint64(i%4), 0.5, 0.25)
	}
	for _, higher := range []bool{false, true} {
		want := report.BetterRule
		if higher {
			want = report.BetterML
		}
		c := p.Compare(score.Metric{Name: "m", Unit: "u", Note: "n", HigherIsBetter: higher}, false)
		if *c.ML != 0.5 || *c.Rule != 0.25 || c.Difference != nil || c.Better != want || c.HigherIsBetter != higher || c.Note != "n" || c.Unit != "u" {
			t.Errorf("higher is better %v: %+v", higher, c)
		}
	}
}

func TestCompareScalesAndJudges(t *testing.T) {
	var p score.Paired
	for i := range 400 {
		p.Add(uint64(i%4), 0.25+float64(i%3)/100, 0.75)
	}
	c := p.Compare(score.Metric{Subsystem: "s", Name: "m", Unit: "%", Scale: 100}, true)
	if c.N != 400 || c.ML == nil || math.Abs(*c.ML-26) > 0.1 || *c.Rule != 75 || c.Better != report.BetterML {
		t.Errorf("comparison %+v, want 26 against 75 and the model better", c)
	}
	if d := c.Difference; d == nil || d.Low > d.High || d.High > -48 || d.Low < -50 {
		t.Errorf("difference %+v, want about -49 in percent", d)
	}
	var few score.Paired
	few.Add(1, 0, 1)
	if c := few.Compare(score.Metric{}, true); c.Better != report.BetterUnclear || c.Difference != nil {
		t.Errorf("one outcome: %+v, want no difference to be claimed", c)
	}
	var rare score.Paired
	for i := range 400 {
		rare.AddRatio(uint64(i%4), 0, 0, 1, 1)
	}
	rare.AddRatio(1, 1, 1, 1, 1)
	if low, high, ok := rare.Difference(); ok {
		t.Errorf("a ratio of one outcome has the interval %v … %v", low, high)
	}
	var idle score.Paired // the rule's, likewise
	for i := range 400 {
		idle.AddRatio(uint64(i%4), 1, 1, 0, 0)
	}
	idle.AddRatio(1, 1, 1, 1, 1)
	if low, high, ok := idle.Difference(); ok {
		t.Errorf("a ratio of one outcome of the rule's has the interval %v … %v", low, high)
	}
	if c := new(score.Paired).Compare(score.Metric{}, true); c.ML != nil || c.Better != report.BetterUnknown {
		t.Errorf("comparison of nothing %+v, want no values", c)
	}
}
