package report

import (
	"fmt"
	"slices"
)

// maxDrawn bounds the intervals that are drawn; more would be narrower than what
// a finger or a mouse can tell apart, and make a heavy page.
const maxDrawn = 220

// drawn is the timeline in at most maxDrawn intervals. Neighbours are joined, and what a
// run ends with, if it is shorter than half an interval: of a few calls in a
// hundredth of a second a rate would tower above all others, and say nothing.
func (r *Report) drawn() []Interval {
	group := max((len(r.Timeline)+maxDrawn-1)/maxDrawn, 1)
	var out []Interval
	for i, iv := range r.Timeline {
		rest := i > 0 && i == len(r.Timeline)-1 && iv.Length < r.Timeline[0].Length/2
		if i%group == 0 && !rest {
			iv.Sources = slices.Clone(iv.Sources)
			out = append(out, iv)
			continue
		}
		out[len(out)-1].join(iv)
	}
	return out
}

// join adds the interval that follows: counts add up, and of the percentiles, which do
// not, the worst stands.
func (to *Interval) join(iv Interval) {
	to.End, to.Length = iv.End, to.Length+iv.Length
	to.Answered += iv.Answered
	to.InBudget += iv.InBudget
	to.Errors += iv.Errors
	to.Dropped += iv.Dropped
	to.P50, to.P99 = max(to.P50, iv.P50), max(to.P99, iv.P99)
	for k := range min(len(to.Sources), len(iv.Sources)) {
		to.Sources[k] += iv.Sources[k]
	}
}

// timeAxis is the x axis of both plots over time.
func timeAxis(c *chart, s size, ivs []Interval) scale {
	x := scale{low: 0, high: 1, from: c.Area.X, to: c.Area.right()}
	if len(ivs) > 0 {
		x.high = ivs[len(ivs)-1].End
	}
	c.X, c.XName = x.round(s.ticks, number), "seconds since the measured part began"
	return x
}

// latencyPlot draws p50 and p99 of each interval, on a logarithmic axis so that
// both can be read.
func (r *Report) latencyPlot(s size) *chart {
	c := newChart("latency", "Median and 99th percentile of latency over time, against the budget", s)
	ivs := r.drawn()
	x := timeAxis(c, s, ivs)
	values := []float64{r.Run.BudgetUS}
	for _, iv := range ivs {
		values = append(values, iv.P50, iv.P99)
	}
	y := logAround(c.Area.bottom(), c.Area.Y, values...)
	c.Y, c.YName = y.decades(usUnit), "latency"
	budget := y.at(r.Run.BudgetUS)
	c.Marks = append(c.Marks, mark{
		c.Area.X, budget, c.Area.right(), budget,
		// Above the frame, for a curve may run anywhere along the line.
		c.Area.right(), c.Area.Y - 4, "end", "╌╌ budget " + usUnit(r.Run.BudgetUS),
	})

	for series, of := range []func(Interval) float64{
		func(iv Interval) float64 { return iv.P50 }, func(iv Interval) float64 { return iv.P99 },
	} {
		var d pen
		gap := true
		for _, iv := range ivs {
			if of(iv) <= 0 { // nothing was answered: no line either
				gap = true
				continue
			}
			px, py := x.at(iv.End-iv.Length/2), y.at(of(iv))
			if gap {
				d.move(px, py)
			} else {
				d.line(px, py)
			}
			gap = false
			if len(ivs) <= 60 {
				c.Dots = append(c.Dots, dot{px, py, series})
			}
		}
		c.Lines = append(c.Lines, path{Series: series, D: d.String()})
	}
	for _, iv := range ivs {
		c.Hits = append(c.Hits, hit{column(c, x, iv), fmt.Sprintf("%s s: p50 %s, p99 %s, %s of %s answers in budget",
			number(iv.End), usUnit(iv.P50), usUnit(iv.P99), grouped(iv.InBudget), grouped(iv.Answered))})
	}
	return c
}

// column is the part of the plot above an interval.
func column(c *chart, x scale, iv Interval) box {
	left, right := x.at(iv.End-iv.Length), x.at(iv.End)
	return box{left, c.Area.Y, max(right-left, 0.5), c.Area.H}
}

// sourcesPlot stacks the answers a second by source. Steps rather than slopes:
// an interval is a mean, and a run may have only one.
func (r *Report) sourcesPlot(s size) *chart {
	c := newChart("sources", "Answers a second by source over time, stacked", s)
	ivs := r.drawn()
	x := timeAxis(c, s, ivs)
	top := 0.0
	for _, iv := range ivs {
		top = max(top, rate(iv.Answered, iv))
	}
	step := roundStep(max(top, 1), 5)
	y := scale{low: 0, high: step, from: c.Area.bottom(), to: c.Area.Y}
	for y.high < top {
		y.high += step
	}
	c.Y, c.YName = y.round(6, number), "answers a second"

	base := make([]float64, len(ivs))
	for k := range r.Sources {
		next := make([]float64, len(ivs))
		some := false
		for i, iv := range ivs {
			next[i] = base[i]
			if k < len(iv.Sources) && iv.Sources[k] > 0 {
				next[i] += rate(iv.Sources[k], iv)
				some = true
			}
		}
		if some {
			c.Areas = append(c.Areas, path{Series: k, D: band(ivs, base, next, x, y)})
		}
		base = next
	}
	for _, iv := range ivs {
		tip := number(iv.End) + " s:"
		for k, n := range iv.Sources {
			if k < len(r.Sources) && n > 0 {
				tip += fmt.Sprintf(" %s %s", r.Sources[k], grouped(n))
			}
		}
		c.Hits = append(c.Hits, hit{column(c, x, iv), tip})
	}
	return c
}

func rate(n uint64, iv Interval) float64 {
	if iv.Length <= 0 {
		return 0
	}
	return float64(n) / iv.Length
}

// band is the area between two staircases over the intervals.
func band(ivs []Interval, low, high []float64, x, y scale) string {
	var d pen
	for i, iv := range ivs {
		if i == 0 {
			d.move(x.at(iv.End-iv.Length), y.at(high[i]))
		} else {
			d.vertical(y.at(high[i]))
		}
		d.horizontal(x.at(iv.End))
	}
	for i := len(ivs) - 1; i >= 0; i-- {
		d.vertical(y.at(low[i]))
		d.horizontal(x.at(ivs[i].End - ivs[i].Length))
	}
	d.WriteString("Z")
	return d.String()
}
