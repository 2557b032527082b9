package report

import (
	"fmt"
	"math"
)

// nines maps shares to a scale on which 90 %, 99 %, 99.9 % … are evenly spaced:
// the tail, where the verdict is made, gets as much room as the rest. A share of
// 1 would be infinitely far up; the top stands for it.
type nines struct{ y scale }

// newNines reaches from 0 to levels nines between the positions from and to.
func newNines(levels, from, to float64) nines {
	return nines{scale{low: 0, high: levels, from: from, to: to}}
}

func (n nines) at(share float64) float64 {
	if share >= 1 {
		return n.y.to
	}
	return n.y.at(-math.Log10(1 - share))
}

func (n nines) ticks() []tick {
	out := []tick{{n.at(0), "0"}, {n.at(0.5), "50"}}
	label := "90"
	for level := 1.0; level < n.y.high; level++ {
		out = append(out, tick{n.y.at(level), label})
		switch label {
		case "90":
			label = "99"
		case "99":
			label = "99.9"
		default:
			label += "9"
		}
	}
	return append(out, tick{n.y.to, "100"})
}

// cdfPlot draws, for each prediction, the share of calls (y, in nines) that were
// answered within a time (x, logarithmic). Where the shaded corner begins is where
// the verdict is: a curve has to pass into it on its left side.
func (r *Report) cdfPlot(s size) *chart {
	c := newChart("cdf", "Share of calls answered within a time, by prediction, against the budget", s)
	var values []float64
	smallest := 1.0
	for _, p := range r.Predictions {
		for _, q := range p.CDF {
			values = append(values, q.US)
			if q.Share < 1 {
				smallest = min(smallest, 1-q.Share)
			}
		}
	}
	x := logAround(c.Area.X, c.Area.right(), append(values, r.Run.BudgetUS)...)
	levels := min(max(math.Ceil(-math.Log10(smallest)), 4), 7)
	y := newNines(levels, c.Area.bottom(), c.Area.Y)
	c.X, c.XName = x.decades(usUnit), "time from the intended start"
	c.Y, c.YName = y.ticks(), "% of calls"

	budget, required := x.at(r.Run.BudgetUS), y.at(r.Run.Required)
	c.Shades = append(c.Shades, shade{
		box{c.Area.X, c.Area.Y, budget - c.Area.X, required - c.Area.Y},
		fmt.Sprintf("pass: at least %s within %s", shareText(r.Run.Required), usUnit(r.Run.BudgetUS)),
	})
	c.Marks = append(c.Marks,
		budgetMark(c, budget, "budget "+usUnit(r.Run.BudgetUS)),
		mark{c.Area.X, required, c.Area.right(), required, c.Area.X + 6, required + 15, "start", "required " + trimmedShare(r.Run.Required)})

	for i, p := range r.Predictions {
		if len(p.CDF) == 0 {
			continue
		}
		var d pen
		d.move(x.at(p.CDF[0].US), y.at(0))
		for _, q := range p.CDF {
			// A CDF is a staircase: the share holds up to the next time.
			d.horizontal(x.at(q.US))
			d.vertical(y.at(q.Share))
		}
		c.Lines = append(c.Lines, path{i, d.String(), fmt.Sprintf("%s: p50 %s, p99 %s, p99.9 %s",
			p.Name, usUnit(p.Latency.P50), usUnit(p.Latency.P99), usUnit(p.Latency.P999))})
	}
	return c
}

// budgetMark is the upright line of the budget. Its label stands above the frame, to
// the right of the line, where no curve comes and the axis' name is not.
func budgetMark(c *chart, x float64, label string) mark {
	const letter, name = 6.6, 74.0 // widths in px: of a character, of the axis' name
	m := mark{x, c.Area.Y - 12, x, c.Area.bottom(), max(x+5, c.Area.X+name), c.Area.Y - 4, "start", label}
	if m.TextX+letter*float64(runes(label)) > c.W {
		m.TextX, m.Anchor = x-5, "end"
	}
	return m
}

// trimmedShare writes a required share without the zeros that a measured one has.
func trimmedShare(share float64) string { return fmt.Sprintf("%g %%", math.Round(share*1e8)/1e6) }
