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
	var sum, squares, products, largest, previous, size float64
	var zeros, turns int
	for i := 1; i < len(x); i++ {
		d := x[i] - x[i-1]
		size = math.Abs(d)
		sum += size
		squares += d * d
		products += d * previous
		largest = max(largest, size)
		if d == 0 {
			zeros++
		}
		if d*previous < 0 {
			turns++
		}
		previous = d
	}
	n := float64(len(x) - 1)
	s.unit = sum / n
	s.autocorrelation = ratio(products, squares)
	s.still = float64(zeros) / n
	s.reversals = float64(turns) / n
	s.last = ratio(size, largest)
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

// lineAhead continues the least-squares line through x by one step.
func lineAhead(x []float64) float64 {
	n := float64(len(x))
	mid := (n - 1) / 2
	mean := average(x)
	var cov, variance float64
	for i, v := range x {
		t := float64(i) - mid
		cov += t * (v - mean)
		variance += t * t
	}
	return mean + ratio(cov, variance)*(n-mid)
}

// median of at most ipc.MaxWorkloadHistory values.
func median(x []float64) float64 {
	var sorted [16]float64
	for i, v := range x {
		sorted[i] = v
		insert(sorted[:i+1], v)
	}
	return middle(sorted[:len(x)])
}

// insert moves v, which belongs at the end of the otherwise sorted s, to its place.
func insert(s []float64, v float64) {
	i := len(s) - 1
	for ; i > 0 && s[i-1] > v; i-- {
		s[i] = s[i-1]
	}
	s[i] = v
}

func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
