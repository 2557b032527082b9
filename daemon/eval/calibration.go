package main

import (
	"math"
	"sort"
)

const bins = 10

// bin is one of the equal-count bins by confidence.
type bin struct{ confidence, right float64 }

// binned gives the places of the bins' questions, those told with the least confidence first.
func binned(confidence []float64) [][]int {
	order := make([]int, len(confidence))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return confidence[order[a]] < confidence[order[b]] })
	var out [][]int
	for b := range bins {
		if part := order[b*len(order)/bins : (b+1)*len(order)/bins]; len(part) > 0 {
			out = append(out, part)
		}
	}
	return out
}

// calibration sorts the questions into ten bins of the same size.
func calibration(confidence, right []float64) []bin {
	var out []bin
	for _, part := range binned(confidence) {
		var x bin
		for _, i := range part {
			x.confidence += confidence[i]
			x.right += right[i]
		}
		x.confidence /= float64(len(part))
		x.right /= float64(len(part))
		out = append(out, x)
	}
	return out
}

// ece is the expected calibration error: how far confidence is from the truth.
func ece(bins []bin) float64 {
	var sum float64
	for _, b := range bins {
		sum += math.Abs(b.confidence - b.right)
	}
	return sum / float64(len(bins))
}

// calibrated completes a row of the expected calibration error with its interval, over the bins
// of all questions: a draw's own would cost a sort each. It gives the bins, too.
func (s *sample) calibrated(r row, confidence, right []float64) (row, []bin) {
	list := calibration(confidence, right)
	r.Model, r.lowIsGood = number(ece(list)), true
	type part struct{ over, n []float64 } // by group: how much too sure, and of how many
	var parts []part
	for _, places := range binned(confidence) {
		p := part{make([]float64, s.groups), make([]float64, s.groups)}
		for _, i := range places {
			p.over[s.group[i]] += confidence[i] - right[i]
			p.n[s.group[i]]++
		}
		parts = append(parts, p)
	}
	return s.bounded(r, func(_ int, times []float64) float64 {
		var sum, all float64
		for _, p := range parts {
			var over, n float64
			for g, t := range times {
				over, n = over+t*p.over[g], n+t*p.n[g]
			}
			sum, all = sum+math.Abs(over), all+n
		}
		return sum / all
	}), list
}
