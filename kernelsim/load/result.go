package load

import (
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Run is a run that is going on: an [OpenLoop] or a [ClosedLoop].
type Run interface {
	// Snapshot says how the run stands. Any goroutine may ask, also after the end.
	Snapshot() Snapshot
	// Wait returns the result when the run has ended, by itself or because its
	// context did. It may be called more than once.
	Wait() *Result
}

// Result is what a run found. All of its numbers leave the warm-up out.
type Result struct {
	Mode     string // "open" or "closed"
	Schedule string // the pacer, or the number of workers

	Began       time.Time     // when the measured part began
	Elapsed     time.Duration // how long starts were made in the measured part
	Warmup      time.Duration // what preceded it
	WarmupCalls uint64
	Budget      time.Duration
	Interrupted bool // the context ended first

	Labels  []*Label
	Sources []string
	Reasons []string
	Points  []Point // the timeline

	// Pacing is how late calls were started compared with a perfect pacer whose
	// Target.Issue takes just as long, ns. Issue is the time inside Target.Issue,
	// ns. Both are empty for a closed loop.
	Pacing, Issue *hdrhistogram.Histogram
	// Overrun counts those of the dropped starts that are the generator's own
	// fault: its recorder had not handed a call record back in time.
	Overrun uint64
}

// Total adds all labels up into one, named "all".
func (r *Result) Total() *Label {
	all := newLabel("all", r.Sources, r.Reasons)
	for _, l := range r.Labels {
		all.merge(l)
	}
	return all
}

// Rate is how many calls were answered per second of the measured part.
func (r *Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	var n uint64
	for _, l := range r.Labels {
		n += l.Answered
	}
	return float64(n) / r.Elapsed.Seconds()
}

// Merge adds results up that were measured with the same labels, sources,
// reasons and budget, at the same time (several generators) or one after the other. Counts
// and histograms are exact. Timeline points are matched by position; their
// percentiles cannot be added, so the worst of the parts stands.
func Merge(results ...*Result) (*Result, error) {
	if len(results) == 0 {
		return nil, fmt.Errorf("load: nothing to merge")
	}
	first := results[0]
	out := *first
	out.Pacing, out.Issue = newHistogram(), newHistogram()
	out.Labels, out.Points = nil, nil
	out.WarmupCalls, out.Overrun = 0, 0
	for _, l := range first.Labels {
		out.Labels = append(out.Labels, newLabel(l.Name, first.Sources, first.Reasons))
	}
	for i, r := range results {
		if err := sameShape(first, r); err != nil {
			return nil, fmt.Errorf("load: result %d: %w", i, err)
		}
		out.add(r)
	}
	return &out, nil
}

func sameShape(a, b *Result) error {
	sameName := func(x, y *Label) bool { return x.Name == y.Name }
	switch {
	case !slices.EqualFunc(a.Labels, b.Labels, sameName):
		return fmt.Errorf("labels differ")
	case !slices.Equal(a.Sources, b.Sources):
		return fmt.Errorf("sources differ")
	case !slices.Equal(a.Reasons, b.Reasons):
		return fmt.Errorf("reasons differ")
	case a.Budget != b.Budget:
		return fmt.Errorf("budget is %v, not %v", b.Budget, a.Budget)
	}
	return nil
}

// add adds r to the sums in out.
func (out *Result) add(r *Result) {
	for i, l := range r.Labels {
		out.Labels[i].merge(l)
	}
	out.Pacing.Merge(r.Pacing)
	out.Issue.Merge(r.Issue)
	out.WarmupCalls += r.WarmupCalls
	out.Overrun += r.Overrun
	out.Interrupted = out.Interrupted || r.Interrupted
	out.Elapsed = max(out.Elapsed, r.Elapsed)
	for i, p := range r.Points {
		if i == len(out.Points) {
			p.Sources = slices.Clone(p.Sources)
			out.Points = append(out.Points, p)
			continue
		}
		out.Points[i].add(p)
	}
}

// add adds the counts of q to p and keeps the worse percentiles.
func (p *Point) add(q Point) {
	p.At, p.For = max(p.At, q.At), max(p.For, q.For)
	p.Answered += q.Answered
	p.InBudget += q.InBudget
	p.Errors += q.Errors
	p.Dropped += q.Dropped
	for i, n := range q.Sources {
		p.Sources[i] += n
	}
	p.P50, p.P99, p.Max = max(p.P50, q.P50), max(p.P99, q.P99), max(p.Max, q.Max)
}
