package score

import "github.com/mlbridge/mlbridge/kernelsim/report"

// Metric names what a comparison measures.
type Metric struct {
	Subsystem      string
	Name           string
	Unit           string
	Scale          float64 // factor from the raw values to Unit; 0 counts as 1
	HigherIsBetter bool
	Note           string
}

// Compare makes the report's row. full adds the interval, which costs milliseconds.
func (p *Paired) Compare(m Metric, full bool) report.Comparison {
	ml, rule := p.Values()
	return m.row(ml, rule, p.N(), full, p.Difference)
}

// Compare makes the report's row of the two areas under the ROC curve.
func (r *Ranked) Compare(m Metric, full bool) report.Comparison {
	ml, rule := r.Areas()
	return m.row(ml, rule, r.N(), full, r.Difference)
}

func (m Metric) row(ml, rule float64, n uint64, full bool, difference func() (low, high float64, ok bool)) report.Comparison {
	scale := m.Scale
	if scale == 0 {
		scale = 1
	}
	c := report.Comparison{
		Subsystem: m.Subsystem, Metric: m.Name, Unit: m.Unit, HigherIsBetter: m.HigherIsBetter, N: n, Note: m.Note,
		ML: report.Value(ml * scale), Rule: report.Value(rule * scale),
	}
	if !full || c.ML == nil || c.Rule == nil {
		return c.Judge()
	}
	low, high, ok := difference()
	if !ok {
		// Too little was seen to say who is better, however far apart the two are.
		c.Better = report.BetterUnclear
		return c
	}
	c.Difference = &report.Span{Low: low * scale, High: high * scale}
	return c.Judge()
}
