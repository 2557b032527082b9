package load

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// maxWorkers bounds a closed loop.
const maxWorkers = 4096

// CallFunc makes one call and waits for its end. worker is below
// Options.Workers and makes one call at a time; n is the call's number, unique
// in the run; ctx ends with the run.
type CallFunc func(ctx context.Context, worker int, n uint64, label int) Outcome

// ClosedLoop is a run whose workers wait for each answer before the next call.
// Its latency and naive latency are the same, and there is no pacing error.
type ClosedLoop struct {
	o        Options
	clock    Clock
	call     CallFunc
	measured int64
	end      int64
	ctx      context.Context // the caller's: its end interrupts the run

	// stripes are what workers record into: few enough to be small, enough that
	// workers that run at the same time seldom meet.
	stripes []*stripe
	workers sync.WaitGroup

	mu       sync.Mutex // guards timeline and window; taken before a stripe's
	timeline timeline
	window   *window

	meter    meter
	finished chan struct{}
	result   *Result
}

type stripe struct {
	mu    sync.Mutex // guards tally
	tally *tally
	_     [64]byte
}

// StartClosed begins a closed-loop run of o.Workers workers. The error is about
// the options.
func StartClosed(ctx context.Context, o Options, call CallFunc) (*ClosedLoop, error) {
	if o.Workers < 1 || o.Workers > maxWorkers {
		return nil, fmt.Errorf("load: %d workers are not in [1, %d]", o.Workers, maxWorkers)
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	r := &ClosedLoop{
		ctx: ctx, o: o, clock: o.Clock, call: call,
		window: newWindow(len(o.Sources)), meter: newMeter(), finished: make(chan struct{}),
	}
	for range min(o.Workers, 2*runtime.GOMAXPROCS(0)) {
		r.stripes = append(r.stripes, &stripe{tally: newTally(&o)})
	}
	now := r.clock.Now()
	r.measured = now + int64(o.Warmup)
	r.end = r.measured + int64(o.Duration)
	r.timeline = timeline{begin: r.measured, interval: int64(o.Interval)}

	// Calls that outlast the drain time are ended, and count as errors.
	calls, cancel := context.WithTimeout(ctx, o.Warmup+o.Duration+o.Drain)
	for w := range o.Workers {
		r.workers.Go(func() { r.work(calls, w) })
	}
	workersDone := make(chan struct{})
	go func() {
		r.workers.Wait()
		close(workersDone)
	}()
	go func() {
		defer close(r.finished)
		defer cancel()
		r.watch(workersDone)
		r.conclude()
	}()
	return r, nil
}

// work is one worker. Calls are dealt out by stride, so that numbers are unique
// without a shared counter.
func (r *ClosedLoop) work(ctx context.Context, worker int) {
	st := r.stripes[worker%len(r.stripes)]
	for n := uint64(worker); r.o.MaxCalls == 0 || n < r.o.MaxCalls; n += uint64(r.o.Workers) {
		sent := r.clock.Now()
		if sent >= r.end || r.ctx.Err() != nil {
			return
		}
		label := r.o.LabelOf(n)
		out := r.call(ctx, worker, n, label)
		latency := r.clock.Now() - sent
		if out.Err != nil && r.ctx.Err() != nil {
			return // we broke it off, it did not fail
		}

		st.mu.Lock()
		if sent < r.measured {
			st.tally.warmup++
		} else {
			st.tally.labels[label].Intended++
			st.tally.end(label, out, latency, latency)
		}
		st.mu.Unlock()
	}
}

// watch cuts the timeline until the workers are done.
func (r *ClosedLoop) watch(workersDone <-chan struct{}) {
	tick := time.NewTicker(min(r.o.Interval, 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.collect()
		case <-workersDone:
			r.collect()
			return
		}
	}
}

// collect moves what the stripes' windows hold to the run's.
func (r *ClosedLoop) collect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	for _, st := range r.stripes {
		st.mu.Lock()
		r.window.merge(st.tally.window)
		st.tally.window.reset()
		st.mu.Unlock()
	}
	r.timeline.roll(now, r.window)
}

// sum adds the stripes up.
func (r *ClosedLoop) sum() *tally {
	t := newTally(&r.o)
	for _, st := range r.stripes {
		st.mu.Lock()
		t.merge(st.tally)
		st.mu.Unlock()
	}
	return t
}

func (r *ClosedLoop) conclude() {
	t := r.sum()
	now := r.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timeline.flush(now, r.window)
	r.result = &Result{
		Mode: "closed", Schedule: fmt.Sprintf("%d workers, each waiting for its answer", r.o.Workers),
		Began:   time.Now().Add(time.Duration(r.measured - now)),
		Elapsed: max(time.Duration(min(now, r.end)-r.measured), 0), Planned: r.o.Duration,
		Warmup: r.o.Warmup, WarmupCalls: t.warmup, Budget: r.o.Budget,
		Interrupted: r.ctx.Err() != nil,
		Labels:      t.labels, Sources: r.o.Sources, Reasons: r.o.Reasons, Points: r.timeline.points,
		Pacing: t.pacing, Issue: t.issue, Processors: r.meter.average(),
	}
}

// Wait returns the result when the run has ended.
func (r *ClosedLoop) Wait() *Result {
	<-r.finished
	return r.result
}

// Snapshot says how the run stands.
func (r *ClosedLoop) Snapshot() Snapshot {
	s := r.sum().snapshot()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timeline.describe(&s, r.clock.Now(), r.o.Duration)
	return s
}
