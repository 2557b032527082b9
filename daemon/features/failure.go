package features

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// Failure rows describe a component. Which kind of component it is (the rule's
// reading of its name) is a column: what a failure looks like beforehand, and
// over which time, differs between a node, a disk and a program's memory, so
// the model holds an ensemble for each family.
var Failure = Layout{
	Predictor: ipc.Failure.String(),
	Version:   "failure-1",
	Names: []string{
		"is_memory", "is_resource", "is_node", // the family, exactly one is 1
		"is_cpu", "is_io", "is_network", "is_service",
		"health", "lag1", "lag2", "lag3", "lag4", // now and k intervals ago; the current one where there is none
		"mean5", "mean10", "mean20", "min", "deviation", "still",
		"slope1", "slope3", "slope5", "slope10", "left3", "left5", "left10", // change an interval; intervals to zero
		"worst_step", "acceleration",
		"reading", "baseline", "reading_excess", "trend",
		"flag1", "flag2", "flag3", "flag4", "flag5", "flags", "flag_ago", // newest first
		"ever_failed", "since_failure",
		"samples", // length of the health history: young components look different
	},
}

// Families of components, by which the failure model is divided.
const (
	FamilyMemory   = iota // memory exhaustion of a program
	FamilyResource        // cpu, io and network of a host
	FamilyNode            // services, nodes, everything else
)

// Family gives the family of a component of the given failure type.
func Family(failureType uint8) int {
	switch failureType {
	case ipc.FailureMemory:
		return FamilyMemory
	case ipc.FailureCPU, ipc.FailureIO, ipc.FailureNetwork:
		return FamilyResource
	}
	return FamilyNode
}

// health is the request's health history as float64, ending with the current score.
type health struct {
	v [ipc.MaxHealthHistory]float64
	n int
}

func (h *health) read(q *ipc.FailureRequest) {
	h.n = max(1, min(len(q.HistoricalHealth), ipc.MaxHealthHistory))
	for i := range h.n - 1 {
		h.v[i] = float64(q.HistoricalHealth[i])
	}
	h.v[h.n-1] = float64(q.HealthScore)
}

// last gives the newest k values, fewer where there are fewer.
func (h *health) last(k int) []float64 { return h.v[max(0, h.n-k):h.n] }

// slope is the mean change an interval over the last k intervals.
func (h *health) slope(k int) float64 {
	w := h.last(k + 1)
	if len(w) < 2 {
		return 0
	}
	return (w[len(w)-1] - w[0]) / float64(len(w)-1)
}

// farLeft stands for "does not fall": more intervals than any horizon.
const farLeft = 12 // log2

// left is log2 of the intervals until health reaches 0 at the slope of the last k.
func (h *health) left(k int) float64 {
	s := h.slope(k)
	if s >= -1e-6 {
		return farLeft
	}
	return min(farLeft, log2(1+h.v[h.n-1]/-s))
}

// FailureRow fills dst (Failure.Width() numbers) from q. failureType is the
// rule's reading of the component's name.
func FailureRow(q *ipc.FailureRequest, failureType uint8, dst []float32) {
	r := &row{dst[:len(Failure.Names)], 0}
	family := Family(failureType)
	r.flag(family == FamilyMemory)
	r.flag(family == FamilyResource)
	r.flag(family == FamilyNode)
	r.flag(failureType == ipc.FailureCPU)
	r.flag(failureType == ipc.FailureIO)
	r.flag(failureType == ipc.FailureNetwork)
	r.flag(failureType == ipc.FailureService)
	var h health
	h.read(q)
	putHealth(r, &h)
	r.put(signedLog(float64(q.CurrentValue)))
	r.put(signedLog(float64(q.Baseline)))
	r.put(signedLog(float64(q.CurrentValue) - float64(q.Baseline)))
	r.put(float64(q.Trend))
	putFlags(r, q.FailureHistory)
	never := q.TimeSinceLastFailure == math.MaxUint64
	r.flag(!never)
	if never {
		r.put(64)
	} else {
		r.put(log2(1 + float64(q.TimeSinceLastFailure)))
	}
	r.put(float64(h.n) / ipc.MaxHealthHistory)
}

func putHealth(r *row, h *health) {
	now := h.v[h.n-1]
	r.put(now)
	for lag := 1; lag <= 4; lag++ {
		r.put(h.v[max(0, h.n-1-lag)])
	}
	all := h.v[:h.n]
	r.put(average(h.last(5)))
	r.put(average(h.last(10)))
	mean := average(all)
	r.put(mean)
	lowest, squares, worst, still := now, 0.0, 0.0, 0
	for i, v := range all {
		lowest = min(lowest, v)
		squares += (v - mean) * (v - mean)
		if i > 0 {
			worst = min(worst, v-all[i-1])
			still += int(flag(v == all[i-1]))
		}
	}
	r.put(lowest)
	r.put(math.Sqrt(squares / float64(h.n)))
	r.put(float64(still) / float64(h.n))
	for _, k := range [...]int{1, 3, 5, 10} {
		r.put(h.slope(k))
	}
	for _, k := range [...]int{3, 5, 10} {
		r.put(h.left(k))
	}
	r.put(worst)
	r.put(h.slope(3) - h.slope(10))
}

func putFlags(r *row, flags []uint8) {
	n := len(flags)
	for k := 1; k <= 5; k++ {
		r.flag(k <= n && flags[n-k] == 1)
	}
	set, ago := 0, ipc.MaxFailureHistory+1
	for i, f := range flags {
		if f == 1 {
			set++
			ago = n - i
		}
	}
	r.put(float64(set))
	r.put(float64(ago))
}
