package main

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"
)

// rounds of the bootstrap (Efron, Bootstrap methods, Annals of Statistics 7, 1979), and its
// seed: the same intervals every time.
const (
	rounds = 200
	seed   = 20261128
)

// draws are, round by round, how often each of so many groups is drawn, with replacement. The
// list is used again in the next round.
func draws(groups int) iter.Seq2[int, []float64] {
	return func(yield func(int, []float64) bool) {
		random, times := rand.New(rand.NewPCG(seed, 1)), make([]float64, groups)
		for i := range rounds {
			clear(times)
			for range groups {
				times[random.IntN(groups)]++
			}
			if !yield(i, times) {
				return
			}
		}
	}
}

// bounded gives a row the interval of what f makes of each round's draws. A single group has
// none: every draw is the same.
func (s *sample) bounded(r row, f func(round int, times []float64) float64) row {
	r.By, r.Groups = s.by, s.groups
	if s.groups < 2 {
		return r
	}
	values := make([]float64, rounds)
	for i, times := range draws(s.groups) {
		values[i] = f(i, times)
	}
	r.CILow, r.CIHigh = interval(values)
	return r
}

// units is a sample of entities, or traces or kills, each drawn by itself.
func units(n int) *sample {
	s := &sample{group: make([]int32, n), groups: n, by: "entities"}
	for i := range s.group {
		s.group[i] = int32(i)
	}
	return s
}

// drawnMedian is the median of values, each taken so often, once where times is nil; NaN of none.
func drawnMedian(values, times []float64) float64 {
	if times == nil {
		return median(values)
	}
	var all []float64
	for i, v := range values {
		for range int(times[i]) {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return math.NaN()
	}
	return median(all)
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func interval(values []float64) (low, high number) {
	values = slices.DeleteFunc(values, math.IsNaN) // a draw without a positive
	if len(values) == 0 {
		return missing, missing
	}
	slices.Sort(values)
	at := func(share float64) number { return number(values[int(share*float64(len(values)-1))]) }
	return at(0.025), at(0.975)
}
