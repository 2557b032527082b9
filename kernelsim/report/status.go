package report

import (
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Status is how a run stands, as [Progress] shows it.
type Status struct {
	Elapsed, Total time.Duration
	Warming        bool    // the warm-up is not over; nothing counts yet
	Rate           float64 // answers a second, lately
	Share          float64 // of the calls so far, answered within the budget
	BudgetUS       float64 // that Share is about, µs
	PacingP99      float64 // µs
	Sources        []string
	Predictions    []StatusRow
	Comparisons    []Comparison // model against rule so far, may be empty
}

// StatusRow is how a kind of prediction stands.
type StatusRow struct {
	Name     string
	Answered uint64
	Missed   uint64 // errors and dropped starts
	Share    float64
	Latency  Latency
	Sources  []uint64 // answers, as Status.Sources
}

// StatusOf is the status of a load run. Comparisons are the caller's to add.
func StatusOf(s load.Snapshot, sources []string) Status {
	st := Status{
		Elapsed: s.Elapsed, Total: s.Total, Warming: s.Warming, Sources: sources,
		BudgetUS: micros(s.Budget), PacingP99: micros(s.Pacing.P99),
	}
	if s.Last.For > 0 {
		st.Rate = float64(s.Last.Answered) / s.Last.For.Seconds()
	}
	var ended, inBudget, answered uint64
	for _, l := range s.Labels {
		st.Predictions = append(st.Predictions, StatusRow{
			Name: l.Name, Answered: l.Answered,
			Missed: l.Errors + l.Dropped, Share: l.Share(), Latency: latencyOf(l.Latency), Sources: l.Sources,
		})
		ended += l.Answered + l.Errors + l.Dropped
		inBudget += l.InBudget
		answered += l.Answered
	}
	if ended > 0 {
		st.Share = float64(inBudget) / float64(ended)
	}
	// Before the first interval is complete, the mean so far has to do.
	if s.Last.For == 0 && s.Elapsed > 0 {
		st.Rate = float64(answered) / s.Elapsed.Seconds()
	}
	return st
}
