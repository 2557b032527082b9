package status

import (
	"context"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/bridge/histogram"
	"github.com/mlbridge/mlbridge/ipc"
)

// Counters are what a recorder reads once an interval.
type Counters [len(ipc.Kinds)]KindCounters

// KindCounters are a kind's counters since the start.
type KindCounters struct {
	Answers [len(ipc.Sources)]uint64 // by source
	Late    uint64
	Latency histogram.Counts
}

const (
	// Every is how often a recorder looks.
	Every = time.Second
	// history bounds the samples kept: five minutes.
	history = 300
	// window is how many intervals the quantiles of a Document look back over.
	window = 10
)

// Recorder keeps the last five minutes. Its cost is a look at the counters a second,
// tens of microseconds, whether or not somebody watches: what a person opens the page
// for has mostly happened already.
type Recorder struct {
	count func(*Counters)

	mu      sync.Mutex           // guards all below
	past    [window + 1]Counters // past[next-1] is the latest
	next    int
	looks   int
	samples []Sample
}

// NewRecorder makes a recorder of what count gives.
func NewRecorder(count func(*Counters)) *Recorder { return &Recorder{count: count} }

// Run records until the context is done.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	r.look(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r.look(now)
		}
	}
}

// look reads the counters and keeps what came since the last look.
func (r *Recorder) look(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.latest()
	at := &r.past[r.next]
	r.next = (r.next + 1) % len(r.past)
	r.count(at)
	if r.looks++; r.looks == 1 {
		return
	}
	s := Sample{At: now.UnixMilli(), Answers: make(map[string]uint64), Kinds: make(map[string]uint64)}
	var all histogram.Counts
	for i, k := range ipc.Kinds {
		was, is := &before[i], &at[i]
		for _, from := range ipc.Sources {
			n := is.Answers[from] - was.Answers[from]
			s.Answers[from.String()] += n
			s.Kinds[k.String()] += n
		}
		s.Late += is.Late - was.Late
		all.Add(&is.Latency)
		all.Sub(&was.Latency)
	}
	q := quantiles(&all)
	s.P50, s.P99, s.P999 = q.P50, q.P99, q.P999
	// Of a clock that was set back: what lies ahead of it would hide all that comes.
	for n := len(r.samples); n > 0 && r.samples[n-1].At >= s.At; n = len(r.samples) {
		r.samples = r.samples[:n-1]
	}
	if len(r.samples) == history {
		r.samples = r.samples[:copy(r.samples, r.samples[1:])]
	}
	r.samples = append(r.samples, s)
}

// latest gives the last look.
func (r *Recorder) latest() *Counters { return &r.past[(r.next+len(r.past)-1)%len(r.past)] }

// earliest gives the oldest look that is still kept.
func (r *Recorder) earliest() *Counters {
	if r.looks < len(r.past) {
		return &r.past[0]
	}
	return &r.past[r.next]
}

// Fill puts the history after the time since (Unix ms), and the latencies of the
// window, into d. Any goroutine may call it.
func (r *Recorder) Fill(d *Document, since int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d.Every, d.Window = int64(Every), int64(window*Every)
	d.Samples = []Sample{}
	for i := range d.Kinds {
		d.Kinds[i].Recent = map[string]uint64{} // nothing yet, not null
	}
	for i := range r.samples {
		if r.samples[i].At > since {
			d.Samples = append(d.Samples, r.samples[i:]...)
			break
		}
	}
	if r.looks == 0 {
		return
	}
	is, was := r.latest(), r.earliest()
	var all histogram.Counts
	for i := range ipc.Kinds {
		c := is[i].Latency
		c.Sub(&was[i].Latency)
		if i < len(d.Kinds) {
			k := &d.Kinds[i]
			k.Latency, k.Recent = quantiles(&c), make(map[string]uint64)
			for _, from := range ipc.Sources {
				k.Recent[from.String()] = is[i].Answers[from] - was[i].Answers[from]
			}
		}
		all.Add(&c)
	}
	d.Latency = quantiles(&all)
}

func quantiles(c *histogram.Counts) Quantiles {
	return Quantiles{
		N:   c.N,
		P50: int64(c.Quantile(0.5)), P99: int64(c.Quantile(0.99)), P999: int64(c.Quantile(0.999)),
	}
}
