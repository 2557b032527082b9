package features

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// medians is what the running median says about a window: the sum of its errors,
// each value against the median of those before it, and, of the whole window, the
// median and the ends.
type medians struct{ errors, median, lowest, highest float64 }

// mediansOf takes a full window by fullMedians, which is twice as fast where values
// come in no order, and any other by sorting.
func mediansOf(x []float64) medians {
	if len(x) == ipc.MaxWorkloadHistory {
		return fullMedians((*[ipc.MaxWorkloadHistory]float64)(x))
	}
	return sortedMedians(x)
}

// sortedMedians is the plain way, for windows of one to ten values.
func sortedMedians(x []float64) (m medians) {
	var room [ipc.MaxWorkloadHistory]int64
	for t, v := range x {
		if t > 0 {
			m.errors += math.Abs(v - middle(room[(t-1)/2], room[t/2]))
		}
		insert(room[:t+1], sortable(v))
	}
	last := len(x) - 1
	m.median = middle(room[last/2], room[len(x)/2])
	m.lowest, m.highest = unsortable(room[0]), unsortable(room[last])
	return m
}

// insert puts v into sorted, whose last element is free.
func insert(sorted []int64, v int64) {
	i := len(sorted) - 1
	for ; i > 0 && sorted[i-1] > v; i-- {
		sorted[i] = sorted[i-1]
	}
	sorted[i] = v
}

// middle is the number between the two middle values of a sorted list.
func middle(a, b int64) float64 { return (unsortable(a) + unsortable(b)) / 2 }

// inOrder returns a and b, the smaller first, without a branch.
func inOrder(a, b int64) (small, large int64) { return min(a, b), max(a, b) }

// fullMedians works out the medians of ten values without a loop, a guess or
// memory: a … f are the six smallest in their order, as far as they matter. Each
// value v goes in from the left, the larger of v and the one there moving on to
// the next. The largest drop out on the right, as the middle never gets there;
// from the seventh value on the smallest drop out on the left, for with
// at most three values to come the middle no longer gets there either.
func fullMedians(x *[ipc.MaxWorkloadHistory]float64) (m medians) {
	a, b := inOrder(sortable(x[0]), sortable(x[1]))
	lowest, highest := a, b
	sum := math.Abs(x[1]-x[0]) + math.Abs(x[2]-middle(a, b))

	v := sortable(x[2])
	lowest, highest = min(lowest, v), max(highest, v)
	a, v = inOrder(a, v)
	b, c := inOrder(b, v)
	sum += math.Abs(x[3] - unsortable(b))

	v = sortable(x[3])
	lowest, highest = min(lowest, v), max(highest, v)
	a, v = inOrder(a, v)
	b, v = inOrder(b, v)
	c, d := inOrder(c, v)
	sum += math.Abs(x[4] - middle(b, c))

	v = sortable(x[4])
	lowest, highest = min(lowest, v), max(highest, v)
	a, v = inOrder(a, v)
	b, v = inOrder(b, v)
	c, v = inOrder(c, v)
	d, e := inOrder(d, v)
	sum += math.Abs(x[5] - unsortable(c))

	v = sortable(x[5])
	lowest, highest = min(lowest, v), max(highest, v)
	a, v = inOrder(a, v)
	b, v = inOrder(b, v)
	c, v = inOrder(c, v)
	d, v = inOrder(d, v)
	e, f := inOrder(e, v)
	sum += math.Abs(x[6] - middle(c, d))

	v = sortable(x[6])
	lowest, highest = min(lowest, v), max(highest, v)
	b, v = inOrder(b, max(a, v))
	c, v = inOrder(c, v)
	d, v = inOrder(d, v)
	e, v = inOrder(e, v)
	f = min(f, v)
	sum += math.Abs(x[7] - unsortable(d))

	v = sortable(x[7])
	lowest, highest = min(lowest, v), max(highest, v)
	c, v = inOrder(c, max(b, v))
	d, v = inOrder(d, v)
	e, v = inOrder(e, v)
	f = min(f, v)
	sum += math.Abs(x[8] - middle(d, e))

	v = sortable(x[8])
	lowest, highest = min(lowest, v), max(highest, v)
	d, v = inOrder(d, max(c, v))
	e, v = inOrder(e, v)
	f = min(f, v)
	sum += math.Abs(x[9] - unsortable(e))

	v = sortable(x[9])
	lowest, highest = min(lowest, v), max(highest, v)
	e, v = inOrder(e, max(d, v))
	f = min(f, v)
	return medians{sum, middle(e, f), unsortable(lowest), unsortable(highest)}
}
