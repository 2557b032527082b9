package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// cdfPoints bounds the points of a prediction's CDF: more than a screen resolves.
const cdfPoints = 160

// AddLoad fills in what a load run measured: run, verdict, predictions, pacing
// and timeline. required is the share that the verdict asks for, usually
// [load.RequiredShare].
func (r *Report) AddLoad(res *load.Result, required float64) {
	r.Run.Mode, r.Run.Schedule = res.Mode, res.Schedule
	r.Run.Began, r.Run.Seconds, r.Run.Planned = res.Began.UTC(), res.Elapsed.Seconds(), res.Planned.Seconds()
	r.Run.Overtime = res.Overtime.Seconds()
	r.Run.Warmup, r.Run.WarmupCalls = res.Warmup.Seconds(), res.WarmupCalls
	r.Run.BudgetUS, r.Run.Required = micros(res.Budget), required
	r.Run.Rate, r.Run.Processors, r.Run.Interrupted = res.Rate(), res.Processors, res.Interrupted

	v := res.Verdict(required)
	r.Verdict = Verdict{State: v.State.String(), Share: v.Share, Reason: v.Reason, Remedy: v.Remedy}
	r.Sources = slices.Clone(res.Sources)
	r.Predictions = nil
	for _, l := range res.Labels {
		r.Predictions = append(r.Predictions, predictionOf(l, res.Reasons))
	}
	r.Total = predictionOf(res.Total(), res.Reasons)
	r.Total.CDF = []Point{}
	r.Pacing = latencyOf(load.QuantilesOf(res.Pacing))
	r.Timeline = []Interval{}
	for _, p := range res.Points {
		r.Timeline = append(r.Timeline, Interval{
			End: p.At.Seconds(), Length: p.For.Seconds(),
			Answered: p.Answered, InBudget: p.InBudget, Errors: p.Errors, Dropped: p.Dropped,
			Sources: slices.Clone(p.Sources), P50: micros(p.P50), P99: micros(p.P99),
		})
	}
}

func predictionOf(l *load.Label, reasons []string) Prediction {
	p := Prediction{ // lists that are empty, not null, for whoever reads them as JSON
		CDF: []Point{}, Messages: []Message{},
		Name: l.Name, Calls: l.Intended, Answered: l.Answered, InBudget: l.InBudget,
		Share: l.Share(), Errors: l.Errors, Dropped: l.Dropped, Lost: l.Lost,
		Latency: latencyOf(l.Quantiles()), NaiveP99: micros(load.QuantilesOf(l.Naive).P99),
	}
	for _, s := range l.Sources {
		q := load.QuantilesOf(s.Latency)
		p.Sources = append(p.Sources, Source{Name: s.Name, Count: s.Count, P50: micros(q.P50), P99: micros(q.P99), Reasons: reasonsOf(s, reasons)})
	}
	// The histogram knows answers only. Out of all intended calls the curve ends
	// below 1 when some were never answered, which is what a reader should see.
	for _, c := range load.CDF(l.Latency, cdfPoints) {
		p.CDF = append(p.CDF, Point{US: micros(c.At), Share: c.Share * float64(l.Answered) / float64(l.Intended)})
	}
	for text, n := range maps.All(l.Messages) {
		p.Messages = append(p.Messages, Message{text, n})
	}
	slices.SortFunc(p.Messages, func(a, b Message) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return p
}

// reasonsOf names the reasons that came.
func reasonsOf(s load.Source, names []string) []Reason {
	var out []Reason
	for k, n := range s.Reasons {
		if n > 0 {
			out = append(out, Reason{names[k], n})
		}
	}
	slices.SortStableFunc(out, func(a, b Reason) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

func latencyOf(q load.Quantiles) Latency {
	return Latency{P50: micros(q.P50), P90: micros(q.P90), P99: micros(q.P99), P999: micros(q.P999), Max: micros(q.Max)}
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
