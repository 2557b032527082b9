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
	Version:   "failure-4",
	Names: []string{
		"is_memory", "is_resource", "is_node", "is_brief", // the family, exactly one is 1
		"is_cpu", "is_io", "is_network", "is_service",
		"health", "lag1", "lag2", "lag3", "lag4", // now and k intervals ago; the current one where there is none
		"mean5", "mean10", "mean20", "min", "deviation", "still",
		"slope1", "slope3", "slope5", "slope10", "left3", "left5", "left10", // change an interval; intervals to zero
		"left1", "left_worst", "left_least", "left_middle", // at the worst step; the least and the middle of left3 … left10
		"left_recent", "left_steady", // at the mean step, each step before weighing 0.7 and 0.9 of the next
		"left_used", "left_using", // at the mean of what was lost and never of what was won, weighing 0.7 and 0.85
		"losing", "losing5", // share of steps, and of the last five, that lost
		"worst_step", "acceleration",
		"reading", "baseline", "reading_excess", "trend",
		"flag1", "flag2", "flag3", "flag4", "flag5", "flags", "flag_ago", // newest first
		"ever_failed", "since_failure",
		"samples", // length of the health history: young components look different
		// From failure_rates: 0 where it is absent or ends before.
		"has_rates", "month", "quarter", "year", "ever", "watched", "peers_day", "peers_week", "peers_month", "peers_daily",
		"own_daily", // failures a day since it is watched, for a month at least
		// For a linear model: log2 of hours since the last failure (16 without one), of
		// counts, and of failures a day. 0 but for nodes with failure_rates.
		"is_counted", "log_since", "log_month", "log_quarter", "log_year", "log_own_daily",
		"log_peers_week", "log_peers_month", "log_peers_daily",
		"log_shrunk", // its own failures a day, and the peers' as if seen for two months
		"log_share",  // its own failures as a share of a peer's
	},
}

// Families of components, by which the failure model is divided.
const (
	FamilyMemory   = iota // memory exhaustion of a program
	FamilyResource        // cpu, io and network of a host
	FamilyNode            // services, nodes, everything else
	FamilyBrief           // cpu, io, network and services that failed less than BriefSpan ago
	Families              // how many there are
)

// BriefSpan is the time since the last failure, in ms, below which a component is of
// FamilyBrief. A request does not say how far its samples are apart; but what is
// sampled each minute, or each day, has its last failure that long ago at least.
const BriefSpan = 60_000

// Family gives the family of a component of the given failure type that failed so
// many ms ago (ipc.Never: never).
func Family(failureType uint8, since uint64) int {
	switch failureType {
	case ipc.FailureMemory:
		return FamilyMemory
	case ipc.FailureCPU, ipc.FailureIO, ipc.FailureNetwork, ipc.FailureService:
		if since < BriefSpan {
			return FamilyBrief
		}
	}
	if failureType == ipc.FailureCPU || failureType == ipc.FailureIO || failureType == ipc.FailureNetwork {
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

// slope is the mean change an interval over the last k intervals.
func (h *health) slope(k int) float64 {
	k = min(k, h.n-1)
	if k == 0 {
		return 0
	}
	return (h.v[h.n-1] - h.v[h.n-1-k]) / float64(k)
}

// farLeft stands for "does not fall": more intervals than any horizon.
const farLeft = 12 // log2

// left is log2 of the intervals until health reaches 0 at the given slope. Health
// falls as often as not, so the logarithm is taken either way and dropped where
// it means nothing.
func (h *health) left(slope float64) float32 {
	far := math.Float64bits(farLeft)
	falling := -bit(slope < -1e-6)
	// Logarithms of 1 and more are not negative: their bits have their order.
	log := min(far, math.Float64bits(log2(1+h.v[h.n-1]/-slope)))
	return float32(math.Float64frombits(log&falling | far&^falling))
}

// The columns of a failure row, in the order of their names.
const (
	failureFamily      = 0
	failureKinds       = failureFamily + Families
	failureHealth      = failureKinds + 4
	failureLags        = failureHealth + 1
	failureMeans       = failureLags + 4
	failureMin         = failureMeans + 3
	failureDeviation   = failureMin + 1
	failureStill       = failureMin + 2
	failureSlopes      = failureMin + 3
	failureLeft        = failureSlopes + 4
	failureLeft1       = failureLeft + 3
	failureSmooth      = failureLeft1 + 4
	failureWorst       = failureSmooth + 6
	failureCurve       = failureWorst + 1
	failureReadings    = failureCurve + 1
	failureTrend       = failureReadings + 3
	failureFlags       = failureTrend + 1
	failureFlagSum     = failureFlags + 5
	failureFlagAgo     = failureFlagSum + 1
	failureEver        = failureFlagAgo + 1
	failureSince       = failureEver + 1
	failureSamples     = failureSince + 1
	failureRates       = failureSamples + 1
	failureOwnDaily    = failureRates + 1 + ipc.Rates
	failureLogs        = failureOwnDaily + 1
	failureColumnCount = failureLogs + 11
)

type failureColumns [failureColumnCount]float32

// FailureRow fills dst (Failure.Width() numbers) from q. failureType is the
// rule's reading of the component's name.
func FailureRow(q *ipc.FailureRequest, failureType uint8, dst []float32) {
	r := (*failureColumns)(dst)
	family := Family(failureType, q.TimeSinceLastFailure)
	for i := range Families {
		r[failureFamily+i] = flag(family == i)
	}
	r[failureKinds] = flag(failureType == ipc.FailureCPU)
	r[failureKinds+1] = flag(failureType == ipc.FailureIO)
	r[failureKinds+2] = flag(failureType == ipc.FailureNetwork)
	r[failureKinds+3] = flag(failureType == ipc.FailureService)
	var h health
	h.read(q)
	r.putLevels(&h)
	r.putSlopes(&h)
	r[failureReadings] = float32(signedLog(float64(q.CurrentValue)))
	r[failureReadings+1] = float32(signedLog(float64(q.Baseline)))
	r[failureReadings+2] = float32(signedLog(float64(q.CurrentValue) - float64(q.Baseline)))
	r[failureTrend] = float32(q.Trend)
	r.putFlags(q.FailureHistory)
	r[failureEver], r[failureSince] = 0, 64
	if q.TimeSinceLastFailure != ipc.Never {
		r[failureEver], r[failureSince] = 1, float32(log2(1+float64(q.TimeSinceLastFailure)))
	}
	r[failureSamples] = float32(float64(h.n) / ipc.MaxHealthHistory)
	r.putRates(q.FailureRates)
	if family == FamilyNode && len(q.FailureRates) > 0 {
		r.putLogs(q.TimeSinceLastFailure)
	}
}

// putRates writes has_rates … own_daily. Trees only compare, so counts stay counts.
func (r *failureColumns) putRates(rates []float32) {
	clear(r[failureRates:])
	if len(rates) == 0 {
		return
	}
	r[failureRates] = 1
	copy(r[failureRates+1:failureOwnDaily], rates)
	ever, watched := r[failureRates+1+ipc.RateEver], r[failureRates+1+ipc.RateWatched]
	r[failureOwnDaily] = float32(float64(ever) / float64(max(watched, 30)))
}

// longAgo is log2 of 7.5 years in hours.
const longAgo = 16

// putLogs writes is_counted … log_share. It reads the columns of putRates.
func (r *failureColumns) putLogs(since uint64) {
	const counts, daily = 0.5, 1e-4 // added, so that none has a logarithm, too
	rate := func(i int) float64 { return float64(r[failureRates+1+i]) }
	l := r[failureLogs:]
	l[0], l[1] = 1, longAgo
	if since != ipc.Never {
		l[1] = float32(min(longAgo, log2(1+float64(since)/(3600*1000))))
	}
	l[2] = float32(log2(rate(ipc.RateMonth) + counts))
	l[3] = float32(log2(rate(ipc.RateQuarter) + counts))
	l[4] = float32(log2(rate(ipc.RateYear) + counts))
	l[5] = float32(log2(float64(r[failureOwnDaily]) + daily))
	l[6] = float32(log2(rate(ipc.RatePeerWeek) + daily))
	l[7] = float32(log2(rate(ipc.RatePeerMonth) + daily))
	l[8] = float32(log2(rate(ipc.RatePeerDaily) + daily))
	ever, watched := rate(ipc.RateEver), rate(ipc.RateWatched)
	l[9] = float32(log2((ever+float64(60*rate(ipc.RatePeerDaily)))/(watched+60) + daily))
	l[10] = float32(log2((ever + counts) / (float64(rate(ipc.RatePeerDaily)*watched) + counts)))
}

// putLevels writes health … still, and worst_step.
func (r *failureColumns) putLevels(h *health) {
	all := h.v[:h.n]
	now := all[len(all)-1]
	r[failureHealth] = float32(now)
	for lag := 1; lag <= 4; lag++ {
		r[failureLags+lag-1] = float32(all[max(0, len(all)-1-lag)])
	}
	mean := average(all)
	r[failureMeans] = float32(lastAverage(all, 5))
	r[failureMeans+1] = float32(lastAverage(all, 10))
	r[failureMeans+2] = float32(mean)
	lowest, worst, still, squares := sortable(now), sortable(0), uint64(0), 0.0
	before := all[0]
	for _, v := range all {
		off, step := v-mean, v-before
		before = v
		lowest = min(lowest, sortable(v))
		worst = min(worst, sortable(step))
		squares += float64(off * off)
		still += bit(step == 0)
	}
	still-- // the first value has none before it
	r[failureMin] = float32(unsortable(lowest))
	r[failureDeviation] = float32(math.Sqrt(squares / float64(h.n)))
	r[failureStill] = float32(float64(still) / float64(h.n))
	r[failureWorst] = float32(unsortable(worst))
}

// putSlopes writes slope1 … left_middle and acceleration. It reads worst_step.
func (r *failureColumns) putSlopes(h *health) {
	slope1, slope3, slope5, slope10 := h.slope(1), h.slope(3), h.slope(5), h.slope(10)
	r[failureSlopes] = float32(slope1)
	r[failureSlopes+1] = float32(slope3)
	r[failureSlopes+2] = float32(slope5)
	r[failureSlopes+3] = float32(slope10)
	a, b, c := h.left(slope3), h.left(slope5), h.left(slope10)
	r[failureLeft], r[failureLeft+1], r[failureLeft+2] = a, b, c
	r[failureLeft1] = h.left(slope1)
	r[failureLeft1+1] = h.left(float64(r[failureWorst]))
	r[failureLeft1+2] = min(a, b, c)
	r[failureLeft1+3] = max(min(a, b), min(max(a, b), c))
	r[failureCurve] = float32(slope3 - slope10)
	r.putSmooth(h)
}

// putSmooth writes left_recent … losing5. Memory is taken in bursts: a rate of weighted
// steps neither forgets a burst at once nor holds it for as long as a window is wide.
func (r *failureColumns) putSmooth(h *health) {
	const recent, steady, used, using = 0.7, 0.9, 0.7, 0.85 // what a step weighs of the next
	var sums, weights [4]float64
	losing, losing5 := uint64(0), uint64(0)
	for i := 1; i < h.n; i++ {
		step := h.v[i] - h.v[i-1]
		lost := unsortable(min(sortable(0), sortable(step)))
		sums[0], weights[0] = float64(sums[0]*recent)+step, float64(weights[0]*recent)+1
		sums[1], weights[1] = float64(sums[1]*steady)+step, float64(weights[1]*steady)+1
		sums[2], weights[2] = float64(sums[2]*used)+lost, float64(weights[2]*used)+1
		sums[3], weights[3] = float64(sums[3]*using)+lost, float64(weights[3]*using)+1
		lose := bit(step < -1e-4)
		losing += lose
		losing5 += lose & bit(i >= h.n-5)
	}
	for i := range sums {
		r[failureSmooth+i] = h.left(sums[i] / max(1, weights[i]))
	}
	r[failureSmooth+4] = float32(float64(losing) / float64(max(1, h.n-1)))
	r[failureSmooth+5] = float32(float64(losing5) / float64(max(1, min(5, h.n-1))))
}

// putFlags writes flag1 … flag_ago.
func (r *failureColumns) putFlags(flags []uint8) {
	n := len(flags)
	for k := range 5 {
		r[failureFlags+k] = 0
		if at := n - 1 - k; at >= 0 {
			r[failureFlags+k] = flag(flags[at] == 1)
		}
	}
	set, ago := uint64(0), ipc.MaxFailureHistory+1
	for i, f := range flags {
		hit := bit(f == 1)
		set += hit
		ago ^= (ago ^ (n - i)) & -int(hit) // ago = n-i without a branch
	}
	r[failureFlagSum] = float32(set)
	r[failureFlagAgo] = float32(ago)
}
