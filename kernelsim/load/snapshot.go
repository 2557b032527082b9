package load

import "time"

// Snapshot is how a run stands, in plain numbers: cheap enough to be taken a few
// times a second. Calls that are still open are in none of its counts.
type Snapshot struct {
	Elapsed time.Duration // of the measured part; 0 during the warm-up
	Total   time.Duration // of the measured part, as planned
	Warming bool          // the warm-up is not over
	Budget  time.Duration // what InBudget counts
	Labels  []LabelSnapshot
	Pacing  Quantiles // pacing error
	// Last is the last complete interval of the timeline, zero before the first.
	Last Point
}

// LabelSnapshot is how a label stands.
type LabelSnapshot struct {
	Name                                string
	Answered, InBudget, Errors, Dropped uint64
	Latency                             Quantiles // as [Label.Quantiles], among those that ended or were dropped
	Sources                             []uint64
}

// Share is the part of the calls that ended, or were dropped, that was answered
// within the budget: 0 to 1, and 0 when there are none yet.
func (l LabelSnapshot) Share() float64 {
	n := l.Answered + l.Errors + l.Dropped
	if n == 0 {
		return 0
	}
	return float64(l.InBudget) / float64(n)
}

// snapshot reads t, which its owner must hold still meanwhile.
func (t *tally) snapshot() Snapshot {
	s := Snapshot{Budget: time.Duration(t.budget), Pacing: QuantilesOf(t.pacing)}
	for _, l := range t.labels {
		ls := LabelSnapshot{
			Name: l.Name, Answered: l.Answered, InBudget: l.InBudget,
			Errors: l.Errors, Dropped: l.Dropped, Latency: QuantilesAmong(l.Latency, l.Answered+l.Errors+l.Dropped),
		}
		for _, src := range l.Sources {
			ls.Sources = append(ls.Sources, src.Count)
		}
		s.Labels = append(s.Labels, ls)
	}
	return s
}
