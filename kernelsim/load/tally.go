package load

import "github.com/HdrHistogram/hdrhistogram-go"

// tally is everything a run counts. It belongs to one goroutine at a time.
type tally struct {
	budget int64
	labels []*Label
	window *window
	pacing *hdrhistogram.Histogram // pacing error, ns
	issue  *hdrhistogram.Histogram // time inside Target.Issue, ns
	warmup uint64
}

func newTally(o *Options) *tally {
	t := &tally{
		budget: int64(o.Budget), window: newWindow(len(o.Sources)),
		pacing: newHistogram(), issue: newHistogram(),
	}
	for _, name := range o.Labels {
		t.labels = append(t.labels, newLabel(name, o.Sources, o.Reasons))
	}
	return t
}

// end records how a call that had started ended.
func (t *tally) end(label int, o Outcome, latency, naive int64) {
	l := t.labels[label]
	switch {
	case o.Err != nil:
	case o.Source < 0 || o.Source >= len(l.Sources):
		o.Err = errBadSource
	case o.Reason < 0 || o.Reason > len(l.Sources[o.Source].Reasons):
		o.Err = errBadReason
	}
	if o.Err != nil {
		l.fail(o.Err)
		t.window.point.Errors++
		return
	}
	l.answer(o.Source, latency, naive, t.budget)
	if o.Reason > 0 {
		l.Sources[o.Source].Reasons[o.Reason-1]++
	}
	t.window.answer(o.Source, latency, t.budget)
}

// drop records a start that was not made.
func (t *tally) drop(label int) {
	t.labels[label].Dropped++
	t.window.point.Dropped++
}

// merge adds other, from a run with the same options, except for its window.
func (t *tally) merge(other *tally) {
	for i, l := range other.labels {
		t.labels[i].merge(l)
	}
	t.pacing.Merge(other.pacing)
	t.issue.Merge(other.issue)
	t.warmup += other.warmup
}
