package main

import (
	"math"
	"testing"
)

func TestIntervalsAreTheSameEveryTime(t *testing.T) {
	values := make([]float64, 40)
	for i := range values {
		values[i] = float64(i)
	}
	s := units(len(values))
	of := func(_ int, times []float64) float64 { return s.mean(values)(times) }
	r := s.bounded(plain("threat", "adfa", "test", "x", 19.5, 40), of)
	if again := s.bounded(r, of); r.CILow != again.CILow || r.CIHigh != again.CIHigh || r.By != "entities" || r.Groups != 40 {
		t.Errorf("%+v, again %+v", r, again)
	}
	// The mean's standard error is 11.5 / √40 = 1.8.
	if !(r.CILow > 14.5 && r.CILow < 17.5 && r.CIHigh > 21.5 && r.CIHigh < 24.5) {
		t.Errorf("mean of 0 … 39 within %v and %v", r.CILow, r.CIHigh)
	}
	if r := units(1).bounded(plain("threat", "adfa", "test", "x", 1, 1), of); r.CILow.known() {
		t.Errorf("a single entity has an interval: %+v", r)
	}
}

func TestDrawnMedian(t *testing.T) {
	values := []float64{5, 1, 3}
	for _, c := range []struct {
		times []float64
		want  float64
	}{{nil, 3}, {[]float64{1, 1, 1}, 3}, {[]float64{2, 0, 1}, 5}, {[]float64{0, 1, 1}, 2}} {
		if got := drawnMedian(values, c.times); got != c.want {
			t.Errorf("median of %v, %v times: %v, want %v", values, c.times, got, c.want)
		}
	}
	if got := drawnMedian(values, make([]float64, 3)); !math.IsNaN(got) {
		t.Errorf("median of nothing is %v", got)
	}
}

// The first group is sure by half too much, the second right.
func TestCalibrationOfDraws(t *testing.T) {
	n := 400
	s := &sample{group: make([]int32, n), groups: 2, by: "blocks"}
	confidence, right := make([]float64, n), make([]float64, n)
	for i := range confidence {
		s.group[i] = int32(i % 2)
		confidence[i], right[i] = 0.5, float64(i%2)/2
	}
	r, list := s.calibrated(plain("threat", "adfa", "test", "ece", 0, n), confidence, right)
	if !near(float64(r.Model), 0.25) || len(list) != 10 || !r.lowIsGood {
		t.Errorf("ece %v in %d bins, want 0.25 in 10", r.Model, len(list))
	}
	if !near(float64(r.CILow), 0) || !near(float64(r.CIHigh), 0.5) {
		t.Errorf("of draws of the one or the other group: %v to %v, want 0 and 0.5", r.CILow, r.CIHigh)
	}
}

func TestTheScoreThatAttacksReach(t *testing.T) {
	// 40 windows of attack in twenty traces, scores out of order, and harmless ones between.
	a := &windowAnswers{}
	for i := range 80 {
		a.trace = append(a.trace, int32(i/4))
		a.attack = append(a.attack, i%2 == 0)
		score := 100.0 // harmless ones do not count
		if i%2 == 0 {
			score = float64((i/2*7 + 3) % 40)
		}
		a.model = append(a.model, score)
	}
	r := reached(a, a.model)
	if got := r.score(nil); got != 2 { // 38 of 40 are 2 or more
		t.Errorf("95 %% reach %v, want 2", got)
	}
	times := make([]float64, r.groups)
	for i := range times {
		times[i] = 1
	}
	if got := r.score(times); got != 2 {
		t.Errorf("each once: %v, want 2", got)
	}
	for i, v := range r.scores {
		if v == 0 {
			times[r.group[i]] = 0 // and its other window
		}
	}
	if got := r.score(times); got != 2 {
		t.Errorf("without the trace of the lowest: %v, want 2, below which one of 38 is", got)
	}
	for i, v := range r.scores {
		if v == 1 {
			times[r.group[i]] = 10
		}
	}
	if got := r.score(times); got != 1 {
		t.Errorf("with the trace of 1 ten times: %v, want 1", got)
	}
	if reached(&windowAnswers{attack: []bool{false}, trace: []int32{0}}, []float64{1}) != nil {
		t.Error("no attack has a score that it reaches")
	}
}

// Two traces set the bound, 0.2 and 0.8; half of the harmless are above 0.5.
func TestABoundIsAsSureAsItsTraces(t *testing.T) {
	val := &windowAnswers{}
	for i := range 100 {
		val.trace, val.attack, val.model = append(val.trace, int32(i/50)), append(val.attack, true), append(val.model, 0.2+0.6*float64(i/50))
	}
	test := &windowAnswers{}
	for i := range 3000 {
		score := float64(i%2)*0.3 + 0.3 // 0.3 and 0.6
		if i < 300 {
			score = 0.9
		}
		test.trace, test.attack = append(test.trace, int32(i/50)), append(test.attack, i < 300)
		test.model, test.rule = append(test.model, score), append(test.rule, 0)
	}
	var e evaluation
	test.judgeBound(&e, func(metric string, v float64) row { return plain("threat", "adfa", "test", metric, v, 1) }, reached(val, val.model), 0.5)
	if len(e.rows) != 2 {
		t.Fatalf("rows %+v", e.rows)
	}
	// At 0.2 all are flagged; a draw of the second trace alone has none flagged.
	if r := e.rows[0]; r.Metric != "flagged_at_vals_bound" || r.Model != 1 || r.Rule != 0 || r.CILow != 0 || r.CIHigh != 1 || r.By != "entities" || r.Groups != 54 || r.Met == nil || *r.Met {
		t.Errorf("%+v", r)
	}
	if r := e.rows[1]; r.Metric != "found_at_vals_bound" || r.Model != 1 || r.CILow != 1 {
		t.Errorf("%+v", r)
	}
}

func TestTypesOfTraces(t *testing.T) {
	a := &windowAnswers{
		trace: []int32{0, 0, 0, 1, 2, 2, 3},
		kind:  []int{0, 0, 0, 1, 2, 2, 3},   // kinds 2 and 3 are one type
		types: []uint8{1, 1, 1, 1, 0, 2, 4}, // none is no vote
	}
	types := a.typesOfTraces(a.types)
	if got := types.macroF1(nil); !near(got, (1+2.0/3)/5) {
		t.Errorf("macro F1 %v, want 1 of the first type and 2/3 of the second, of five", got)
	}
	if got := types.macroF1([]float64{1, 2, 0}); !near(got, 2.0/5) {
		t.Errorf("macro F1 without the wrong one %v, want two fifths", got)
	}
}

func TestFetchedByGroup(t *testing.T) {
	f := fetched{faults: []float64{4, 6}, covered: []float64{1, 6}, issues: []float64{2, 0}, useful: []float64{1, 0}}
	if f.coverage(nil) != 0.7 || f.accuracy(nil) != 0.5 || f.coverage([]float64{2, 0}) != 0.25 || f.accuracy([]float64{0, 2}) != 0 {
		t.Errorf("coverage %v and %v, accuracy %v and %v", f.coverage(nil), f.coverage([]float64{2, 0}), f.accuracy(nil), f.accuracy([]float64{0, 2}))
	}
	a, b := fault{n: 1, pages: [4]uint64{7 << 12}, chances: [4]float32{1}, next: 5 << 12}, fault{next: 7 << 12, group: 1}
	got := prefetch([]fault{a, b}, &fetchBounds{})
	if got.covered[0] != 0 || got.covered[1] != 1 || got.useful[0] != 1 || got.issues[1] != 0 {
		t.Errorf("a fault counts in its own group, an issue in that of its own: %+v", got)
	}
}

// The rule's types are judged as the model's are, on the same attacks.
func TestTypesBesideTheRules(t *testing.T) {
	a := &windowAnswers{
		trace: []int32{0, 1, 2}, kind: []int{0, 1, 6}, attack: []bool{false, true, true},
		types: []uint8{0, 1, 5}, ruleTypes: []uint8{0, 1, 1},
	}
	a.model, a.rule, a.few = []float64{0, 1, 1}, []float64{0, 1, 1}, []float64{0, 1, 1}
	a.confidence, a.ruleConfidence = []float64{1, 1, 1}, []float64{1, 1, 1}
	var e evaluation
	a.judgeAttacks(&e, "test", nil, math.NaN())
	for _, r := range e.rows {
		if r.Metric == "type_macro_f1" {
			if !near(float64(r.Model), 2.0/5) || !near(float64(r.Rule), 2.0/3/5) || r.N != 2 || !r.GainLow.known() || r.Met == nil {
				t.Errorf("%+v", r)
			}
			return
		}
	}
	t.Error("types are not judged")
}
