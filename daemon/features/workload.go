package features

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
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
	Version:   "workload-4",
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
		"bytes", "gpu", "headroom", // which signal; room to the full share in units, log2, 0 for bytes
		"unit_absolute", "level_absolute", // not scale-free: for the confidence, which is a chance in shares
		// The other signal's window at the same moments: a memory row is told of
		// the cpu, cpu and gpu rows of the memory.
		"other_lag1", "other_lag2", "other_lag3", "other_lag4", "other_lag5", "other_lag6", "other_lag7", "other_lag8", "other_lag9",
		"other_mean", "other_mean3", "other_mean5", "other_median", "other_min", "other_max", "other_deviation",
		"other_trend", "other_ewma", "other_level", "other_headroom", "other_unit_absolute", "other_level_absolute",
		// What the agent's longer past says (ipc/mlclient/loads), all 0 without it.
		"past_unit", "past_mean", "past_deviation", // the unit as log2 of the window's
		"past_err_mean", "past_err_line", "past_autocorrelation",
		"values3_nearest", "values3_few", "values3_few_spread", "values3_many", "values3_many_spread", "values3_distance",
		"steps3_nearest", "steps3_few", "steps3_few_spread", "steps3_many", "steps3_many_spread", "steps3_distance",
		"value_some", "value_some_spread", "value_distance",
		"values5_few", "values5_few_spread", "values5_distance",
		"past_err_values3", "past_err_steps3", "past_err_value", "past_err_values5",
		// What the row is of: 1 with a past, -1 without, 0 if of another signal. "past" is
		// that of any.
		"past", "cpu_row", "memory_row", "gpu_row",
	},
}

// Window is one signal's history as differences to its current value, oldest
// first; the last element is 0.
type Window struct {
	rel   [ipc.MaxWorkloadHistory]float64
	n     int
	level float64 // the current value
	bytes bool    // not a share
	gpu   bool
}

// CPU sets w from a history of cpu shares and the current one. The history ends
// with the current value, which wins where they differ.
func (w *Window) CPU(history []float32, current float32) {
	w.gpu = false
	w.shares(history, current)
}

// GPU is CPU for gpu shares.
func (w *Window) GPU(history []float32, current float32) {
	w.gpu = true
	w.shares(history, current)
}

func (w *Window) shares(history []float32, current float32) {
	w.bytes = false
	w.start(len(history), float64(current))
	for i := range w.n - 1 {
		w.rel[i] = float64(history[i]) - float64(current)
	}
}

// Bytes sets w from a history of bytes. Differences are taken between
// integers: the float of 2^53+1 is not 2^53+1, the float of a small
// difference is that difference.
func (w *Window) Bytes(history []uint64, current uint64) {
	w.bytes, w.gpu = true, false
	w.start(len(history), float64(current))
	for i := range w.n - 1 {
		below := bit(history[i] < current) // as good as at random: no branch
		size := ((history[i] - current) ^ -below) + below
		w.rel[i] = math.Float64frombits(math.Float64bits(float64(size)) | below<<63)
	}
}

func (w *Window) start(history int, level float64) {
	w.n = max(1, min(history, ipc.MaxWorkloadHistory))
	w.level = level
	w.rel[w.n-1] = 0
}

// The columns of a workload row, in the order of their names.
const (
	workloadSamples   = 0
	workloadLags      = 1
	workloadStep2     = workloadLags + ipc.MaxWorkloadHistory - 1
	workloadStep3     = workloadStep2 + 1
	workloadMean      = workloadStep3 + 1
	workloadMean3     = workloadMean + 1
	workloadMean5     = workloadMean + 2
	workloadMedian    = workloadMean + 3
	workloadMin       = workloadMean + 4
	workloadMax       = workloadMean + 5
	workloadDeviation = workloadMean + 6
	workloadTrend     = workloadMean + 7
	workloadEWMA      = workloadMean + 8
	workloadErrors    = workloadEWMA + 1
	workloadSteps     = workloadErrors + 5
	workloadLevel     = workloadSteps + 4
	workloadRank      = workloadLevel + 1
	workloadAnalog    = workloadLevel + 2
	workloadSignal    = workloadLevel + 4
	workloadHeadroom  = workloadSignal + 2
	workloadAbsolute  = workloadHeadroom + 1
	workloadOther     = workloadAbsolute + 2
	workloadPast      = workloadOther + 9 + 9 + 1 + 3
	workloadWay       = workloadPast + loads.Width
	workloadColumns   = workloadWay + 4
)

// far bounds columns in units of the window.
const far = 32

// workloadRow is where a row is written: the compiler knows its length.
type workloadRow [workloadColumns]float32

// Row fills dst (Workload.Width() numbers), its other_ columns excepted, and returns
// the window's unit. It is 0 for a window without steps, whose row is 0 but for its
// length and level.
func (w *Window) Row(dst []float32) (unit float64) {
	r := (*workloadRow)(dst)
	x := w.rel[:w.n]
	var s steps
	s.read(x)
	r[workloadSamples] = float32(w.n) / ipc.MaxWorkloadHistory
	r[workloadAbsolute] = clip(log2(s.unit+1e-9), 64)
	r[workloadAbsolute+1] = float32(min(w.level, 1e9))
	r[workloadSignal], r[workloadSignal+1], r[workloadHeadroom] = flag(w.bytes), flag(w.gpu), 0
	if s.unit == 0 {
		clear(r[workloadLags:workloadSignal])
		return 0
	}
	inv := 1 / s.unit
	r.putLags(x, inv)
	r.putForecasts(x, inv)
	r.putMedians(x, inv)
	r[workloadSteps] = float32(s.autocorrelation)
	r[workloadSteps+1] = float32(s.still)
	r[workloadSteps+2] = float32(s.reversals)
	r[workloadSteps+3] = float32(s.last)
	r[workloadLevel] = float32(log2(1 + float64(math.Abs(w.level)*inv)))
	r.putAnalog(x, inv)
	if !w.bytes {
		r[workloadHeadroom] = float32(log2(1 + float64(max(0, 1-w.level)*inv)))
	}
	return s.unit
}

// putLags writes lag1 … step3 and rank: 0 where the window does not reach.
func (r *workloadRow) putLags(x []float64, inv float64) {
	now, below := len(x)-1, uint64(0)
	lags := r[workloadLags:workloadStep2]
	for i := range lags {
		lags[i] = 0
		if at := now - 1 - i; at >= 0 {
			lags[i] = clip(x[at]*inv, far)
			below += math.Float64bits(x[at]) >> 63 // a difference is never -0
		}
	}
	r[workloadStep2] = clip(stepBefore(x, 2)*inv, far)
	r[workloadStep3] = clip(stepBefore(x, 3)*inv, far)
	r[workloadRank] = float32(float64(below) / float64(len(x)))
}

// putForecasts writes mean … err_lag2 but for the medians: what simple forecasts
// say about the next value, and how wrong they were inside the window, in units
// of persistence's error (which is the unit): the window says itself which of
// them it obeys. x has at least two values.
func (r *workloadRow) putForecasts(x []float64, inv float64) {
	var mean, line, mean3, lag2 float64 // sums of errors
	sum, ewma := x[0]+x[1], (x[0]+x[1])/2
	a, b, c := 0.0, x[0], x[1] // the values before the one at hand
	mean = math.Abs(c - b)
	mean3 = mean
	for i, v := range x[2:] {
		average := sum / float64(i+2)
		three := (a + b + c) / 3
		if i == 0 {
			three = average // of the only two
		}
		mean += math.Abs(v - average)
		mean3 += math.Abs(v - three)
		line += math.Abs(v - (2*c - b))
		lag2 += math.Abs(v - b)
		sum += v
		ewma = (ewma + v) / 2
		a, b, c = b, c, v
	}
	n := float64(len(x))
	r[workloadMean] = clip(sum/n*inv, far)
	r[workloadMean3] = clip(lastAverage(x, 3)*inv, far)
	r[workloadMean5] = clip(lastAverage(x, 5)*inv, far)
	r[workloadEWMA] = clip(ewma*inv, far)
	r.putSpread(x, sum/n, inv)

	m := max(1, n-2) // line and lag2 start one step later
	r[workloadErrors] = clip(mean/(n-1)*inv, far)
	r[workloadErrors+2] = clip(line/m*inv, far)
	r[workloadErrors+3] = clip(mean3/(n-1)*inv, far)
	r[workloadErrors+4] = clip(lag2/m*inv, far)
}

// putMedians writes median, min, max and err_median.
func (r *workloadRow) putMedians(x []float64, inv float64) {
	m := mediansOf(x)
	r[workloadMedian] = clip(m.median*inv, far)
	r[workloadMin] = clip(m.lowest*inv, far)
	r[workloadMax] = clip(m.highest*inv, far)
	r[workloadErrors+1] = clip(m.errors/float64(len(x)-1)*inv, far)
}

// putSpread writes deviation and trend, the least-squares line continued by one step.
func (r *workloadRow) putSpread(x []float64, mean, inv float64) {
	n := float64(len(x))
	mid := (n - 1) / 2
	var squares, cov, variance float64
	for i, v := range x {
		t, off := float64(i)-mid, v-mean
		squares += float64(off * off)
		cov += float64(t * off)
		variance += float64(t * t)
	}
	r[workloadDeviation] = clip(math.Sqrt(squares/n)*inv, far)
	r[workloadTrend] = clip((mean+float64(ratio(cov, variance)*(n-mid)))*inv, far)
}

// putAnalog looks for the earlier value most like the current one and writes
// the step that followed it: what periodic load repeats. x has at least two values.
func (r *workloadRow) putAnalog(x []float64, inv float64) {
	best, least := 0, magnitude(x[0])
	for i, v := range x[:len(x)-1] {
		size := magnitude(v)
		best ^= (best ^ i) & -int(bit(size <= least)) // best = i without a branch
		least = min(least, size)
	}
	r[workloadAnalog] = clip((x[best+1]-x[best])*inv, far)
	r[workloadAnalog+1] = clip(math.Float64frombits(least)*inv, far)
}
