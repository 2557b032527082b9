package main

import (
	"math"
	"slices"
	"sort"
)

// sample is the questions of one set and part, in the order they were asked. All
// lists of values beside it have its length.
type sample struct {
	group  []int32 // what the bootstrap draws each question with
	groups int
	by     string
}

// newSample groups the questions: by entity where there are at least 20, else by
// blocks of consecutive questions within entities, about a hundred of them, since
// neighbouring questions share most of what they show.
func newSample(entity []int32) *sample {
	s := &sample{group: make([]int32, len(entity)), by: "entities"}
	distinct := 0
	for i, e := range entity {
		if i == 0 || e != entity[i-1] {
			distinct++
		}
	}
	block := math.MaxInt
	if distinct < 20 {
		s.by = "blocks"
		block = min(2000, max(50, len(entity)/100))
	}
	at := 0
	for i, e := range entity {
		if at++; i == 0 || e != entity[i-1] || at > block {
			s.groups++
			at = 1
		}
		s.group[i] = int32(s.groups - 1)
	}
	return s
}

// value is something measured, with the groups counted so many times; nil counts each once.
type value func(times []float64) float64

// measure prepares a list of values for being measured.
type measure func(values []float64) value

// mean is the mean of the values.
func (s *sample) mean(values []float64) value {
	sums, counts := make([]float64, s.groups), make([]float64, s.groups)
	for i, v := range values {
		sums[s.group[i]] += v
		counts[s.group[i]]++
	}
	return func(times []float64) float64 {
		var sum, count float64
		for g := range sums {
			t := 1.0
			if times != nil {
				t = times[g]
			}
			sum += t * sums[g]
			count += t * counts[g]
		}
		return sum / count
	}
}

// median is the median of the values.
func (s *sample) median(values []float64) value {
	each := make([]float64, len(values)) // how often each value is drawn
	return func(times []float64) float64 {
		if times == nil {
			return median(values)
		}
		for i, g := range s.group {
			each[i] = times[g]
		}
		return drawnMedian(values, each)
	}
}

// ranking is a measure of scores against what came true, highest score first.
func (s *sample) ranking(truth []bool, area func(next func() (positives, negatives float64, ok bool)) float64) measure {
	return func(scores []float64) value {
		order := make([]int32, len(scores))
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortFunc(order, func(a, b int32) int {
			switch {
			case scores[a] > scores[b]:
				return -1
			case scores[a] < scores[b]:
				return 1
			}
			return 0
		})
		return func(times []float64) float64 {
			at := 0
			return area(func() (p, n float64, ok bool) {
				if at == len(order) {
					return 0, 0, false
				}
				for tie := scores[order[at]]; at < len(order) && scores[order[at]] == tie; at++ {
					i := order[at]
					t := 1.0
					if times != nil {
						t = times[s.group[i]]
					}
					if truth[i] {
						p += t
					} else {
						n += t
					}
				}
				return p, n, true
			})
		}
	}
}

// roc is the area under the receiver operating characteristic, ties counting half.
func roc(next func() (p, n float64, ok bool)) float64 {
	var area, positives, negatives float64
	for p, n, ok := next(); ok; p, n, ok = next() {
		area += n * (positives + p/2)
		positives, negatives = positives+p, negatives+n
	}
	return area / (positives * negatives)
}

// pr is the average precision (the area under precision and recall, by steps).
func pr(next func() (p, n float64, ok bool)) float64 {
	var area, positives, all float64
	for p, n, ok := next(); ok; p, n, ok = next() {
		positives, all = positives+p, all+p+n
		if p > 0 {
			area += p * positives / all
		}
	}
	return area / positives
}

// falseAt95 is the share of negatives above the score that 95 % of the positives reach, NaN
// without any.
func falseAt95(next func() (p, n float64, ok bool)) float64 {
	var steps [][2]float64
	var positives, negatives float64
	for p, n, ok := next(); ok; p, n, ok = next() {
		positives, negatives = positives+p, negatives+n
		steps = append(steps, [2]float64{positives, negatives})
	}
	if positives == 0 {
		return math.NaN()
	}
	at := sort.Search(len(steps), func(i int) bool { return steps[i][0] >= 0.95*positives })
	return steps[at][1] / negatives
}

// guess is a list of values by a name.
type guess struct {
	name   string
	values []float64
}

// opponent is what a guess comes to.
type opponent struct {
	name string
	value
}

// lastValues are the guesses that what was seen last comes again: the value of an interval, a
// step of pages, the health of a component. Of threats none is told to whoever asks.
var lastValues = []string{"persistence", "last step", "1 - health"}

// compare measures the model, the rule (nil: none), the last value and the best of the
// simple guesses. lowIsGood says which way is better.
func (s *sample) compare(r row, m measure, lowIsGood bool, model, rule []float64, simple ...guess) row {
	var ruled value
	if rule != nil {
		ruled = m(rule)
	}
	opponents := make([]opponent, len(simple))
	for i, g := range simple {
		opponents[i] = opponent{g.name, m(g.values)}
	}
	r.N = len(model)
	return s.contest(r, lowIsGood, m(model), ruled, opponents...)
}

// contest compares what was measured. A single group has no intervals: every draw is the same.
func (s *sample) contest(r row, lowIsGood bool, ours, rule value, simple ...opponent) row {
	r.lowIsGood, r.By, r.Groups = lowIsGood, s.by, s.groups
	better := func(a, b float64) bool { return a < b == lowIsGood && a != b }
	r.Model = number(ours(nil))
	against, best := rule, math.NaN()
	if rule != nil {
		best = rule(nil)
		r.Rule = number(best)
	}
	for _, g := range simple {
		v := g.value(nil)
		if slices.Contains(lastValues, g.name) {
			r.LastValue = number(v)
		}
		if !r.BestSimple.known() || better(v, float64(r.BestSimple)) {
			r.BestSimple, r.BestSimpleName = number(v), g.name
			if against == nil || better(v, best) {
				against, best = g.value, v
			}
		}
	}
	if s.groups < 2 {
		return r.aim()
	}
	values, gains := make([]float64, rounds), make([]float64, rounds)
	for i, times := range draws(s.groups) {
		values[i] = ours(times)
		if against == nil {
			continue
		}
		theirs := against(times)
		if gains[i] = values[i] - theirs; lowIsGood {
			gains[i] = theirs - values[i]
		}
	}
	r.CILow, r.CIHigh = interval(values)
	if against != nil {
		r.GainLow, r.GainHigh = interval(gains)
	}
	return r.aim()
}
