package curve

import (
	"fmt"
	"math"
)

// Rule finds the knee of a curve among points in the order of their x. found is false
// when the curve has none within what was measured; text says the knee, or its absence,
// in words.
type Rule func(points []Point) (at int, found bool, text string)

// What the saturation rule asks of a load that is still served.
const (
	// KeptShare is the share of the offered calls that the model must answer within the
	// budget, in the median 20 ms of the run; a cached answer of the model's counts. The
	// median, because a machine that is taken away for a few milliseconds makes more than
	// a hundredth of all calls late at any rate; a server that cannot keep up is late in
	// every interval.
	KeptShare = 0.99
	// KeptRate is the share of the offered rate that must be answered at all, over the
	// whole run: such a machine may spoil some intervals, not the run. In the median one
	// a start that was dropped is not kept, so there the rate is achieved as well.
	KeptRate = 0.95
	// MostLate is how late the generator's slowest hundredth of starts may be, in µs, for
	// a load that was not served to be the servers' fault: a quarter of the budget. With
	// more the point is void: it says nothing about the servers.
	MostLate = 250
)

// Served reports whether a load was served: at least KeptShare of the calls answered by
// the model within the budget, and at least KeptRate of the rate achieved. Latency
// counts from the intended start, so a late generator can only make it worse.
func Served(p *Point) bool {
	return float64(p.Kept) >= KeptShare && float64(p.PerSecond) >= KeptRate*p.X
}

// Saturation is the highest offered rate that was served below the first that was not.
// Void points are passed over.
func Saturation(points []Point) (at int, found bool, text string) {
	at = -1
	for i := range points {
		switch p := &points[i]; {
		case p.Void:
		case Served(p):
			at = i
		case at < 0:
			return at, false, fmt.Sprintf("below %s a second, which is too much already", Short(p.X))
		default:
			return at, true, fmt.Sprintf("%s a second; %s is too much", Short(points[at].X), Short(p.X))
		}
	}
	if at < 0 {
		return at, false, "not measured: the generator was late at every rate"
	}
	if rest := len(points) - 1 - at; rest > 0 {
		return at, false, fmt.Sprintf("not found: %s a second are served, above it the generator was late", Short(points[at].X))
	}
	return at, false, fmt.Sprintf("not reached: %s a second, the highest rate offered, are served", Short(points[at].X))
}

// MoreThan is the factor by which a cost may grow before it counts as a knee.
const MoreThan = 2.0

// Growth gives a rule for costs that should not depend on x: the knee is the last x
// before the cost is more than MoreThan × the lowest cost of a smaller x. what names the
// cost in the rule's words.
func Growth(what string, cost func(*Point) float64) Rule {
	return func(points []Point) (at int, found bool, text string) {
		lowest := math.Inf(1)
		for i := range points {
			c := cost(&points[i])
			if math.IsNaN(c) {
				continue
			}
			if i > 0 && c > MoreThan*lowest {
				return i - 1, true, fmt.Sprintf("%s: beyond it %s more than doubles", Short(points[i-1].X), what)
			}
			lowest = min(lowest, c)
		}
		if math.IsInf(lowest, 1) {
			return -1, false, "not measured"
		}
		return len(points) - 1, false, fmt.Sprintf("none up to %s: %s stays within twice its lowest", Short(points[len(points)-1].X), what)
	}
}

// MostOf is the share of the best throughput from which more of x hardly pays.
const MostOf = 0.9

// Return is the smallest x whose throughput reaches MostOf of the best one: more of it
// only makes calls longer.
func Return(points []Point) (at int, found bool, text string) {
	best := 0.0
	for _, p := range points {
		if p.PerSecond.Known() {
			best = max(best, float64(p.PerSecond))
		}
	}
	for i, p := range points {
		if best > 0 && p.PerSecond.Known() && float64(p.PerSecond) >= MostOf*best {
			return i, true, fmt.Sprintf("%s: from it on there is less than %.0f %% to gain", Short(p.X), 100*(1/MostOf-1))
		}
	}
	return -1, false, "not measured"
}
