// Package compare decides whether something got worse, from pairs of measurements of
// the old and the new that were taken right after each other.
//
// The statistic is the median of the pairs' differences with the interval of the sign
// test: of n differences in order, the k-th smallest and the k-th largest enclose the
// true median with a probability of 1 − 2·P(B < k), where B counts heads in n throws of
// a fair coin (Thompson 1936; David and Nagaraja, Order Statistics, 7.1). It assumes
// nothing about the noise but that a pair is as likely to err to one side as to the
// other, which taking the pairs in alternating order sees to. k − 1 wild measurements on
// either side do not move it at all.
package compare

import (
	"math"
	"slices"
)

// Verdict is what the pairs say about the new.
type Verdict int

// The verdicts.
const (
	// Unclear: a change of the size that matters can neither be told nor ruled out.
	Unclear Verdict = iota
	Same            // a change of that size is ruled out
	Better
	Worse
)

// String is the verdict as tables write it.
func (v Verdict) String() string {
	return [...]string{"unclear", "same", "better", "worse"}[v]
}

// Rule says when a difference counts.
type Rule struct {
	Confidence float64 // of the interval, (0, 1); 0.99
	Least      float64 // the smallest change that matters, in the differences' unit
}

// Result is what the pairs said.
type Result struct {
	Verdict   Verdict
	Pairs     int
	Median    float64 // of the differences new − old: above 0 is worse
	Low, High float64 // the interval of the median; infinite when there are too few pairs
}

// Judge looks at the differences new − old, of which higher is worse. Worse and better
// need both: an interval that leaves 0 out, and a median of at least Least.
func (r Rule) Judge(differences []float64) Result {
	d := slices.Sorted(slices.Values(differences))
	res := Result{Pairs: len(d), Low: math.Inf(-1), High: math.Inf(1)}
	if len(d) == 0 {
		return res
	}
	res.Median = Median(d)
	if k := rank(len(d), r.Confidence); k > 0 {
		res.Low, res.High = d[k-1], d[len(d)-k]
	}
	switch {
	case res.Low > 0 && res.Median >= r.Least:
		res.Verdict = Worse
	case res.High < 0 && res.Median <= -r.Least:
		res.Verdict = Better
	case res.Low > -r.Least && res.High < r.Least, res.Low == 0 && res.High == 0:
		res.Verdict = Same
	case math.Abs(res.Median) < r.Least && (res.Low > 0 || res.High < 0):
		res.Verdict = Same // there is a change, and it is too small to matter
	}
	return res
}

// MinPairs is how many pairs an interval of this confidence needs.
func MinPairs(confidence float64) int {
	n := 1
	for rank(n, confidence) == 0 {
		n++
	}
	return n
}

// rank is the largest k whose interval still has the confidence; 0 when none has.
func rank(n int, confidence float64) int {
	below := 0.0 // P(B < k)
	term := math.Pow(0.5, float64(n))
	for k := 1; k <= (n+1)/2; k++ {
		below += term // P(B = k−1)
		term *= float64(n-k+1) / float64(k)
		if 1-2*below < confidence {
			return k - 1
		}
	}
	return (n + 1) / 2
}

// Median is the middle value, or the mean of the two middle ones; 0 of none.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
