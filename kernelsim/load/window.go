package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Point is one interval of the timeline, by the time at which calls ended.
type Point struct {
	// At is the end of the interval, counted from the start of the measured part.
	At time.Duration
	// For is its length: Options.Interval, less for the last one.
	For      time.Duration
	Answered uint64
	InBudget uint64
	Errors   uint64
	Dropped  uint64
	Sources  []uint64      // answers by source
	P50, P99 time.Duration // of the latencies of answers; 0 without any
	Max      time.Duration
}

// maxPoints bounds a timeline. Longer runs get longer intervals.
const maxPoints = 3600

// window gathers the interval that is going on, over all labels.
type window struct {
	point   Point
	latency *hdrhistogram.Histogram
}

func newWindow(sources int) *window {
	return &window{point: Point{Sources: make([]uint64, sources)}, latency: newHistogram()}
}

func (w *window) answer(source int, latency, budget int64) {
	w.point.Answered++
	w.point.Sources[source]++
	if latency <= budget {
		w.point.InBudget++
	}
	record(w.latency, latency)
}

// merge adds other to w.
func (w *window) merge(other *window) {
	w.point.Answered += other.point.Answered
	w.point.InBudget += other.point.InBudget
	w.point.Errors += other.point.Errors
	w.point.Dropped += other.point.Dropped
	for i, n := range other.point.Sources {
		w.point.Sources[i] += n
	}
	w.latency.Merge(other.latency)
}

// close returns the interval's point and starts the next one empty.
func (w *window) close(at time.Duration) Point {
	q := QuantilesOf(w.latency)
	p := w.point
	p.At, p.P50, p.P99, p.Max = at, q.P50, q.P99, q.Max
	w.reset()
	return p
}

func (w *window) reset() {
	w.point = Point{Sources: make([]uint64, len(w.point.Sources))}
	w.latency.Reset()
}

// empty says whether nothing has happened in the interval so far.
func (w *window) empty() bool {
	return w.point.Answered+w.point.Errors+w.point.Dropped == 0
}

// intervalFor lengthens the interval in whole multiples until a run of length
// total has no more than maxPoints of them.
func intervalFor(interval, total time.Duration) time.Duration {
	if n := total / interval; n > maxPoints {
		interval *= (n + maxPoints - 1) / maxPoints
	}
	return interval
}
