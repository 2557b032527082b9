package main

import (
	"math"
	"testing"
)

// Of thirty components each is asked about four times; a third fail, and of these the model
// tells a time that is off by a tenth more for each.
func TestIntervalsOfFailures(t *testing.T) {
	a := &failureAnswers{}
	for c := range 30 {
		for q := range 4 {
			failed := c%3 == 0
			a.entity, a.failed = append(a.entity, int32(c)), append(a.failed, failed)
			a.left = append(a.left, 10*(1+q))
			a.told = append(a.told, float64(10*(1+q))*(1+float64(c)/30))
			for _, list := range []*[]float64{&a.model, &a.rule, &a.confidence, &a.ruleConfidence, &a.sick, &a.falling, &a.recently, &a.flags} {
				*list = append(*list, float64(c)/30)
			}
		}
	}
	e := &evaluation{}
	a.judge(e, "lanl", "test")
	rows := make(map[string]row)
	for _, r := range e.rows {
		rows[r.Metric] = r
	}
	// Ten of thirty: a standard error of sqrt(1/3 * 2/3 / 30) = 0.086.
	r := rows["base_rate"]
	if !near(float64(r.Model), 1./3) || r.By != "entities" || r.Groups != 30 || !(r.CILow > 0.1 && r.CILow < 0.27 && r.CIHigh > 0.4 && r.CIHigh < 0.6) || r.GainLow.known() {
		t.Errorf("base rate %+v, want a third and an interval by component", r)
	}
	// Errors of 0, 0.1 … 0.9, the constant's mostly of a half or more.
	r = rows["time_median_relative_error"]
	if !near(float64(r.Model), 0.45) || r.N != 40 || r.By != "blocks" || r.Groups != 10 || !(r.CILow >= 0.1 && r.CILow < 0.4 && r.CIHigh > 0.5 && r.CIHigh <= 0.8) {
		t.Errorf("error of the time %+v, want 0.45 and an interval by the ten that failed", r)
	}
	if gain := r.BestSimple - r.Model; !near(float64(gain), 0.3125-0.45) || !(r.GainLow < gain && gain < r.GainHigh) {
		t.Errorf("gain of %v over the constant, between %v and %v", gain, r.GainLow, r.GainHigh)
	}
	for _, r := range e.rows {
		if !r.CILow.known() {
			t.Errorf("%s has no interval", r.Metric)
		}
	}
}

// A draw without a failure says nothing about the time.
func TestMedianOfDraws(t *testing.T) {
	s := &sample{group: []int32{2, 2, 5}, groups: 6}
	m := s.median([]float64{1, 3, 9})
	for _, c := range []struct {
		times []float64
		want  float64
	}{{nil, 3}, {[]float64{9, 9, 1, 9, 9, 0}, 2}, {[]float64{0, 0, 1, 0, 0, 4}, 9}} {
		if got := m(c.times); got != c.want {
			t.Errorf("drawn %v: %v, want %v", c.times, got, c.want)
		}
	}
	if got := m(make([]float64, 6)); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}
