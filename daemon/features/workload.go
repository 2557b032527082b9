package features

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// Workload rows describe one signal (cpu, memory or gpu) of a request; a
// request has one row per signal it carries, all read by the same model.
//
// Everything is relative to the current value and in units of the window's own
// mean absolute step, so a model fitted on machines that idle at 2 % carries
// over to machines that work at 80 %, and from shares to bytes. (Plain values
// do not: trained without one source, trees on plain values were four times
// worse than the rule on it.) No clock columns: the free sources share one
// time axis, where an hour would only memorise the fleet's load at that hour.
var Workload = Layout{
	Predictor: ipc.Workload.String(),
	Version:   "workload-1",
	Names: []string{
		"samples",                                                              // length of the window / 10
		"lag1", "lag2", "lag3", "lag4", "lag5", "lag6", "lag7", "lag8", "lag9", // value k steps ago
		"step2", "step3", // the two steps before the last one (lag1 is the last, negated)
		"mean", "mean3", "mean5", "median", "min", "max", "deviation",
		"trend",                                                       // least-squares line, continued one step
		"ewma",                                                        // exponential average, weight 1/2
		"err_mean", "err_median", "err_line", "err_mean3", "err_lag2", // errors these made inside the window
		"autocorrelation", "still", "reversals", "last_step", // of the steps
		"level", "rank", // of the current value
		"analog", "analog_distance", // what followed the value most like this one
		"unit_absolute", "level_absolute", // not scale-free: for the confidence only
	},
}

// WorkloadAbsoluteColumns is how many columns, the last ones, only the confidence
// output of a workload model may read: it states a chance in absolute shares,
// which no scale-free column can know.
const WorkloadAbsoluteColumns = 2

// Window is one signal's history as differences to its current value, oldest
// first; the last element is 0.
type Window struct {
	rel   [ipc.MaxWorkloadHistory]float64
	n     int
	level float64 // the current value
}

// Shares sets w from a history of shares and the current one. The history
// ends with the current value, which wins where they differ.
func (w *Window) Shares(history []float32, current float32) {
	w.start(len(history), float64(current))
	for i := range w.n - 1 {
		w.rel[i] = float64(history[i]) - float64(current)
	}
}

// Bytes sets w from a history of bytes. Differences are taken between
// integers: the float of 2^53+1 is not 2^53+1, the float of a small
// difference is that difference.
func (w *Window) Bytes(history []uint64, current uint64) {
	w.start(len(history), float64(current))
	for i := range w.n - 1 {
		if h := history[i]; h >= current {
			w.rel[i] = float64(h - current)
		} else {
			w.rel[i] = -float64(current - h)
		}
	}
}

func (w *Window) start(history int, level float64) {
	w.n = max(1, min(history, ipc.MaxWorkloadHistory))
	w.level = level
	w.rel[w.n-1] = 0
}

// Row fills dst (Workload.Width() numbers) and returns the window's unit, its
// mean absolute step: the model's answer is a change in that unit. The unit is
// 0 for a window without steps, whose row is 0 but for its length and level.
func (w *Window) Row(dst []float32) (unit float64) {
	clear(dst[:len(Workload.Names)])
	x := w.rel[:w.n]
	var s steps
	s.read(x)
	dst[0] = float32(w.n) / ipc.MaxWorkloadHistory
	r := row{dst, len(Workload.Names) - WorkloadAbsoluteColumns}
	r.put(clip(math.Log2(s.unit+1e-9), 64))
	r.put(min(w.level, 1e9))
	if s.unit == 0 {
		return 0
	}
	inv := 1 / s.unit
	r.n = 1
	for lag := 1; lag < ipc.MaxWorkloadHistory; lag++ {
		if lag < w.n {
			r.put(clip(x[w.n-1-lag]*inv, 32))
		} else {
			r.put(0)
		}
	}
	r.put(clip(stepBefore(x, 2)*inv, 32))
	r.put(clip(stepBefore(x, 3)*inv, 32))
	w.putLevels(&r, x, inv)
	w.putErrors(&r, x, inv)
	r.put(s.autocorrelation)
	r.put(s.still)
	r.put(s.reversals)
	r.put(s.last)
	r.put(math.Log2(1 + math.Abs(w.level)*inv))
	w.putRank(&r, x)
	w.putAnalog(&r, x, inv)
	return s.unit
}

// putLevels writes mean … ewma.
func (w *Window) putLevels(r *row, x []float64, inv float64) {
	lo, hi := x[0], x[0]
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	mean := average(x)
	var squares float64
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	r.put(clip(mean*inv, 32))
	r.put(clip(average(x[max(0, w.n-3):])*inv, 32))
	r.put(clip(average(x[max(0, w.n-5):])*inv, 32))
	r.put(clip(median(x)*inv, 32))
	r.put(clip(lo*inv, 32))
	r.put(clip(hi*inv, 32))
	r.put(clip(math.Sqrt(squares/float64(w.n))*inv, 32))
	r.put(clip(lineAhead(x)*inv, 32))
	e := x[0]
	for _, v := range x[1:] {
		e = (e + v) / 2
	}
	r.put(clip(e*inv, 32))
}

// putErrors writes how wrong simple forecasts were inside the window, in units
// of persistence's error (which is the unit): the window says itself which of
// them it obeys.
func (w *Window) putErrors(r *row, x []float64, inv float64) {
	var mean, med, line, mean3, lag2 float64
	sum := x[0]
	var sorted [ipc.MaxWorkloadHistory]float64
	sorted[0] = x[0]
	for t := 1; t < w.n; t++ {
		mean += math.Abs(x[t] - sum/float64(t))
		med += math.Abs(x[t] - middle(sorted[:t]))
		mean3 += math.Abs(x[t] - average(x[max(0, t-3):t]))
		if t >= 2 {
			line += math.Abs(x[t] - (2*x[t-1] - x[t-2]))
			lag2 += math.Abs(x[t] - x[t-2])
		}
		sum += x[t]
		insert(sorted[:t+1], x[t])
	}
	n := float64(w.n - 1)
	m := max(1, n-1) // the last two start one step later
	for _, v := range [...]float64{mean / n, med / n, line / m, mean3 / n, lag2 / m} {
		r.put(clip(v*inv, 32))
	}
}

func (w *Window) putRank(r *row, x []float64) {
	below := 0
	for _, v := range x {
		if v < 0 {
			below++
		}
	}
	r.put(float64(below) / float64(w.n))
}

// putAnalog looks for the earlier value most like the current one and writes
// the step that followed it: what periodic load repeats.
func (w *Window) putAnalog(r *row, x []float64, inv float64) {
	best := 0
	for i := 1; i < w.n-1; i++ {
		if math.Abs(x[i]) <= math.Abs(x[best]) {
			best = i
		}
	}
	r.put(clip((x[best+1]-x[best])*inv, 32))
	r.put(clip(math.Abs(x[best])*inv, 32))
}
