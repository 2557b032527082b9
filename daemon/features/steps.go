package features

import "math"

// steps summarises the differences between neighbours of a series.
type steps struct {
	unit            float64 // mean absolute step
	autocorrelation float64 // of lag 1, in [-1, 1]
	still           float64 // share of zero steps
	reversals       float64 // share of steps against the direction of the one before
	last            float64 // size of the last step / largest
}

func (s *steps) read(x []float64) {
	*s = steps{}
	if len(x) < 2 {
		return
	}
	var sum, squares, products, previous float64
	var largest, size, zeros, turns uint64
	before := x[0]
	for _, v := range x[1:] {
		d := v - before
		before = v
		size = magnitude(d)
		sum += math.Float64frombits(size)
		squares += float64(d * d)
		turn := float64(d * previous)
		products += turn
		previous = d
		largest = max(largest, size)
		zeros += bit(size == 0)
		turns += bit(math.Float64bits(turn) > 1<<63) // below -0
	}
	n := float64(len(x) - 1)
	s.unit = sum / n
	s.autocorrelation = ratio(products, squares)
	s.still = float64(zeros) / n
	s.reversals = float64(turns) / n
	s.last = ratio(math.Float64frombits(size), math.Float64frombits(largest))
}

// stepBefore is the k-th step from the end, 0 where the series is too short.
func stepBefore(x []float64, k int) float64 {
	if len(x) <= k {
		return 0
	}
	return x[len(x)-k] - x[len(x)-k-1]
}

func average(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// lastAverage is the average of the newest k values, fewer where there are fewer.
func lastAverage(x []float64, k int) float64 { return average(x[max(0, len(x)-k):]) }
