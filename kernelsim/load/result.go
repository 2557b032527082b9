package load

import (
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
	Planned     time.Duration // how long they were to be made
	Overtime    time.Duration // how long after its end a start was made yet, or given up
	Warmup      time.Duration // what preceded it
	WarmupCalls uint64
	Budget      time.Duration
	Interrupted bool // the context ended first: the rest is not known

	// Processors is how many processors this process had on average, for the target, too, as
	// far as that is in it, and for the warm-up and the drain. What it has, whom it asks
	// on the same machine has not.
	Processors float64

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
	// Behind is the end of the schedule that the generator did not come to in time, nor
	// afterwards: its starts are in no count. 0 for a schedule that a machine can keep.
	Behind time.Duration
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
