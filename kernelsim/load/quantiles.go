package load

import (
	"math"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Quantiles sums a histogram up. Durations are upper ends of histogram cells:
// at most 0.1 % above what was recorded.
type Quantiles struct {
	Count                    uint64
	P50, P90, P99, P999, Max time.Duration
}

// QuantilesOf reads the usual percentiles of a histogram of nanoseconds. A nil
// or empty histogram gives zeros.
func QuantilesOf(h *hdrhistogram.Histogram) Quantiles {
	if h == nil || h.TotalCount() == 0 {
		return Quantiles{}
	}
	// One pass over the cells for all four.
	v := h.ValueAtPercentilesSlice([]float64{50, 90, 99, 99.9})
	return Quantiles{
		Count: uint64(h.TotalCount()),
		P50:   time.Duration(v[0]), P90: time.Duration(v[1]),
		P99: time.Duration(v[2]), P999: time.Duration(v[3]),
		Max: time.Duration(h.Max()),
	}
}

// Unanswered stands for the latency of a call that had no answer: longer than any.
const Unanswered = time.Duration(math.MaxInt64)

// Quantiles are those of Latency among all intended calls, for those that were answered
// are none to judge by: a system that answers half of its calls fast, and the others never,
// has a fast p99 of answers. A percentile that falls on a call without one is [Unanswered].
// Count and Max are of answers.
func (l *Label) Quantiles() Quantiles { return QuantilesAmong(l.Latency, l.Intended) }

// Micros writes a number of µs for a table, whole, and none for [Unanswered].
func Micros(us float64) string {
	if us >= float64(Unanswered)/1e3 {
		return "none"
	}
	return strconv.FormatFloat(us, 'f', 0, 64)
}

// QuantilesAmong gives the quantiles of h, which is of answers, among calls: those that h
// does not have come last and are [Unanswered]. Count and Max are of h.
func QuantilesAmong(h *hdrhistogram.Histogram, calls uint64) Quantiles {
	q := QuantilesOf(h)
	if calls <= q.Count {
		return q
	}
	for p, v := range map[float64]*time.Duration{50: &q.P50, 90: &q.P90, 99: &q.P99, 99.9: &q.P999} {
		rank := math.Floor(p/100*float64(calls) + 0.5) // as the histogram has it
		if *v = Unanswered; rank <= float64(q.Count) {
			*v = time.Duration(h.ValueAtPercentile(100 * rank / float64(q.Count)))
		}
	}
	return q
}

// CDFPoint says that the share Share of all values was at most At.
type CDFPoint struct {
	At    time.Duration
	Share float64 // (0, 1]
}

// CDF is the cumulative distribution of h in at most limit points (at least 2),
// evenly many per decade so that it looks even on a logarithmic axis. The last
// point has share 1. An empty histogram has no points.
func CDF(h *hdrhistogram.Histogram, limit int) []CDFPoint {
	if h == nil || h.TotalCount() == 0 {
		return nil
	}
	var cells []CDFPoint
	var seen int64
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		seen += bar.Count
		cells = append(cells, CDFPoint{time.Duration(bar.To), float64(seen) / float64(h.TotalCount())})
	}
	return thin(cells, max(limit, 2))
}

// thin keeps the last point of each of limit−1 stretches of equal ratio, and the
// first point. Dropping a point never moves the curve to the left: what is said
// of the remaining times stays true.
func thin(cells []CDFPoint, limit int) []CDFPoint {
	if len(cells) <= limit {
		return cells
	}
	bins := limit - 1
	out := []CDFPoint{cells[0]}
	for i, c := range cells[1:] {
		last := i+1 == len(cells)-1
		if last || logBin(c.At, cells, bins) != logBin(cells[i+2].At, cells, bins) {
			out = append(out, c)
		}
	}
	return out
}

// logBin is the stretch of equal ratio, 0 to bins−1, that t falls into.
func logBin(t time.Duration, cells []CDFPoint, bins int) int {
	low, high := float64(max(cells[0].At, 1)), float64(max(cells[len(cells)-1].At, 1))
	if high <= low {
		return 0
	}
	return min(int(math.Log(float64(max(t, 1))/low)/math.Log(high/low)*float64(bins)), bins-1)
}
