package main

import "testing"

// Two kills at 5 % false alarms: one warned of before the horizon already, one never. The rule
// never says anything; a guess tells of the second alone, in the last sample but two.
func TestWarnings(t *testing.T) {
	a := &failureAnswers{interval: 50e6}
	var late []float64
	ask := func(run int32, left int, chance float64) {
		a.entity, a.left = append(a.entity, run), append(a.left, left)
		a.failed, a.model = append(a.failed, left > 0 && left <= 20), append(a.model, chance)
		a.rule, late = append(a.rule, 0.1), append(late, float64(b2i(run == 2 && left == 3)))
	}
	for i := range 100 { // a run that ends well, with one alarm
		ask(0, 0, float64(b2i(i == 7)))
	}
	for left := 80; left >= 1; left-- { // alarms at 3.5 s (too early to tell of it), 1.5 s and 0.4 s
		ask(1, left, 0.9*float64(b2i(left == 70 || left == 30 || left == 8)))
	}
	for left := 25; left >= 1; left-- {
		ask(2, left, 0)
	}
	for left := 80; left >= 40; left-- { // not followed to its kill
		ask(3, left, 0)
	}
	var e evaluation
	a.warnings(&e, func(metric string, v float64) row { return plain("failure", "oom", "val", metric, v, 0) }, []guess{{"late", late}})
	got := map[string]row{}
	for _, r := range e.rows {
		got[r.Metric] = r
	}
	for metric, want := range map[string][3]float64{
		"kills_warned": {0.5, 0, 0.5}, "median_lead_s": {0.75, 0, 0.075}, "median_lead_within_horizon_s": {0.2, 0, 0.075},
	} {
		r := got[metric]
		if !near(float64(r.Model), want[0]) || !near(float64(r.Rule), want[1]) || !near(float64(r.BestSimple), want[2]) || r.N != 2 {
			t.Errorf("%s: model, rule, guess %v %v %v of %d, want %v of 2", metric, r.Model, r.Rule, r.BestSimple, r.N, want)
		}
		if !(r.CILow <= r.Model && r.Model <= r.CIHigh && r.CILow < r.CIHigh) {
			t.Errorf("%s: interval %v … %v", metric, r.CILow, r.CIHigh)
		}
	}
}
