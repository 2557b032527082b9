package load

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// startDelay is the time between StartOpen and the first intended start, for the
// pacing thread to come into being.
const startDelay = 2 * time.Millisecond

// countFor is how long starts that are too late to be made are counted: millions. A schedule
// may ask for more than any machine can count.
const countFor = time.Second

// sleepSlice is how long the pacing thread sleeps at most without looking
// whether it should stop.
const sleepSlice = int64(10 * time.Millisecond)

// OpenLoop is a run whose starts follow a schedule and nothing else.
type OpenLoop struct {
	o      Options
	target Target
	clock  Clock

	// Set before the goroutines start, ns on clock.
	start    int64 // of the warm-up
	measured int64 // start of the measured part
	end      int64 // no start is intended from here on
	patience int64 // starts that could not even be made by now are dropped
	hopeless int64 // and from here on not even counted

	slots    []slot
	done     stack // from the target to the recorder
	freed    stack // from the recorder to the pacing thread
	inFlight atomic.Int64
	stop     atomic.Bool // the context has ended

	pacer   pacing
	overrun []atomic.Uint64 // by label: measured starts that found no call record
	paced   chan struct{}   // closed when the pacing goroutine has ended

	mu       sync.Mutex // guards what follows
	tally    *tally
	timeline timeline

	meter    meter
	finished chan struct{} // closed when result is set
	result   *Result
}

// pacing belongs to the pacing thread.
type pacing struct {
	free      uint32 // call records at hand, a list like stack's
	idealFree int64  // when a perfect pacer would be free for the next start
	lastIssue int64  // how long the last Issue took, -1 when there was none
	lastStart int64  // when the last start was made or dropped
	stopped   int64  // when it was told to stop with starts to make, 0 when it was not
	behind    int64  // how much of the schedule was left then, where the thread gave up
}

// StartOpen begins an open-loop run against target. It ends after Warmup and
// Duration (the schedule's own where that is 0), or when ctx does; either way [OpenLoop.Wait] has a result. The error
// is about the options.
func StartOpen(ctx context.Context, o Options, target Target) (*OpenLoop, error) {
	if o.Pacer == nil {
		return nil, errNoPacer
	}
	if o.Duration == 0 {
		o.Duration = Length(o.Pacer)
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	o.Pacer = afterWarmup(o.Pacer, o.Warmup)
	r := newOpenLoop(o, target)
	release := context.AfterFunc(ctx, func() { r.stop.Store(true) })
	go func() {
		defer close(r.paced)
		// Not unlocked: the thread ends with the goroutine, and with it its timer slack and
		// what a Clock gave it. As one of Go's workers a thread with a higher priority than
		// theirs would keep one from the processor that was woken to look for work, and the
		// calls of another run would wait.
		runtime.LockOSThread()
		tightenTimerSlack()
		r.pace()
	}()
	go func() {
		defer close(r.finished)
		defer release()
		r.record()
	}()
	return r, nil
}

func newOpenLoop(o Options, target Target) *OpenLoop {
	r := &OpenLoop{
		o: o, target: target, clock: o.Clock,
		slots:    make([]slot, o.Slots()),
		overrun:  make([]atomic.Uint64, len(o.Labels)),
		paced:    make(chan struct{}),
		meter:    newMeter(),
		finished: make(chan struct{}),
		tally:    newTally(&o),
	}
	for i := range r.slots {
		r.slots[i].index = i
		r.slots[i].next = uint32(i) // the one before; 0 ends
	}
	r.pacer = pacing{free: uint32(len(r.slots)), lastIssue: -1}
	r.start = r.clock.Now() + int64(startDelay)
	r.measured = r.start + int64(o.Warmup)
	r.end = r.measured + int64(o.Duration)
	r.patience = r.end + int64(o.Drain)
	r.hopeless = r.patience + int64(countFor)
	r.pacer.lastStart = r.start
	r.timeline = timeline{begin: r.measured, interval: int64(o.Interval)}
	return r
}

// pace makes all starts. It runs on a locked thread, takes no lock and
// allocates nothing.
func (r *OpenLoop) pace() {
	for n := uint64(0); r.o.MaxCalls == 0 || n < r.o.MaxCalls; n++ {
		at := r.o.Pacer.At(n)
		if at >= time.Duration(r.end-r.start) {
			return
		}
		intended := r.start + int64(at)
		if !r.sleepUntil(intended) {
			r.pacer.stopped = r.clock.Now()
			return
		}
		r.begin(n, intended)
		if r.pacer.lastStart > r.hopeless {
			r.pacer.behind = r.end - intended
			return
		}
	}
}

// sleepUntil says false when the run was stopped before t.
func (r *OpenLoop) sleepUntil(t int64) bool {
	for {
		if r.stop.Load() {
			return false
		}
		next := r.clock.Now() + sleepSlice
		if next >= t {
			r.clock.SleepUntil(t)
			return true
		}
		r.clock.SleepUntil(next)
	}
}

// begin starts call n, or drops it.
func (r *OpenLoop) begin(n uint64, intended int64) {
	label := r.o.LabelOf(n)
	s := r.take()
	now := r.clock.Now()
	r.pacer.lastStart = now
	if s == nil {
		if intended >= r.measured {
			r.overrun[label].Add(1)
		}
		return
	}
	// What the pacing error is measured against is a perfect pacer with this
	// target: it starts each call at its time or, when the Issue before took
	// longer, right after that. Comparing with the end of the last Issue alone
	// would charge an oversleep of many intervals to a single call.
	ideal := max(intended, r.pacer.idealFree)
	s.kind, s.label, s.err = kindCall, label, nil
	s.intended, s.ready, s.sent, s.issue = intended, ideal, now, r.pacer.lastIssue
	if intended < r.measured {
		s.kind = kindWarmup
	}
	r.pacer.lastIssue = -1
	if r.inFlight.Load() >= int64(r.o.MaxInFlight) || now > r.patience {
		if s.kind == kindCall {
			s.kind = kindDropped
		}
		s.finish = now
		r.done.push(s, s)
		return
	}

	r.inFlight.Add(1)
	gen := s.state.Load() >> 1
	s.state.Store(gen<<1 | 1)
	r.target.Issue(Call{N: n, Intended: intended, Label: label, slot: s, gen: gen, run: r})
	r.pacer.lastIssue = r.clock.Now() - now
	r.pacer.idealFree = ideal + r.pacer.lastIssue
}

// take gets a free call record, nil when the recorder has them all.
func (r *OpenLoop) take() *slot {
	if r.pacer.free == 0 {
		r.pacer.free = r.freed.takeAll()
		if r.pacer.free == 0 {
			return nil
		}
	}
	s := &r.slots[r.pacer.free-1]
	r.pacer.free = s.next
	return s
}

// finish is Call.Done.
func (r *OpenLoop) finish(c Call, o Outcome) bool {
	now := r.clock.Now()
	s := c.slot
	if !s.close(c.gen) {
		return false
	}
	s.finish, s.source, s.reason, s.err = now, o.Source, o.Reason, o.Err
	r.done.push(s, s)
	r.inFlight.Add(-1) // last: where no call is open, all are on the stack
	return true
}
