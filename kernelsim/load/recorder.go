package load

import (
	"time"
)

// drainEvery is how often the recorder looks for finished calls. Sleeping in
// between instead of being woken is what keeps recording away from the threads
// that pace and answer.
const drainEvery = 2 * time.Millisecond

// record is the recorder goroutine: it empties the stack of finished calls until
// pacing has ended and no call is open any more, and then writes the result.
func (r *OpenLoop) record() {
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for paced := false; !paced; {
		select {
		case <-tick.C:
		case <-r.paced:
			paced = true
		}
		r.drain()
	}

	// The drain time is the machine's, not the run's clock: a test's clock that
	// stands still must not keep a run with lost calls from ending.
	patience := time.NewTimer(r.o.Drain)
	defer patience.Stop()
	cancelled := false
	for waiting := true; waiting && r.inFlight.Load() > 0; {
		if r.stop.Load() && !cancelled {
			cancelled = true
			patience.Reset(min(max(cancelDrain, r.o.Budget), r.o.Drain))
		}
		select {
		case <-tick.C:
			r.drain()
		case <-patience.C:
			waiting = false
		}
	}
	r.giveUp(tick.C)
	r.conclude()
}

// giveUp takes the calls that are still open from the target, which cannot end them any
// more: they are lost. Pacing has ended.
func (r *OpenLoop) giveUp(again <-chan time.Time) {
	var lost []*slot
	for i := range r.slots {
		s := &r.slots[i]
		if state := s.state.Load(); state&1 == 1 && s.close(state>>1) {
			lost = append(lost, s)
		}
	}
	for r.inFlight.Load() > int64(len(lost)) {
		<-again // the target is just ending some
	}
	r.drain()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range lost {
		if s.kind == kindCall {
			s.kind = kindLost
		}
		r.account(s)
	}
}

// drain records all finished calls and hands their records back.
func (r *OpenLoop) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	top := r.done.takeAll()

	// The stack has the last call on top; turn it round in place, so that the
	// timeline sees calls about in the order in which they ended.
	var first, last *slot
	for i := top; i != 0; {
		s := &r.slots[i-1]
		i = s.next
		s.next = 0
		if first != nil {
			s.next = uint32(first.index) + 1
		} else {
			last = s
		}
		first = s
	}
	if first != nil {
		for i := uint32(first.index) + 1; i != 0; i = r.slots[i-1].next {
			r.account(&r.slots[i-1])
		}
		r.freed.push(first, last)
	}
	r.timeline.roll(now, r.tally.window)
}

// account puts one ended call into the books. The caller holds mu. How late the generator
// was, and what the target took of its time, is told of every start, whatever became of
// it: else a target that loses calls would hide that they were made too late.
func (r *OpenLoop) account(s *slot) {
	if s.kind == kindWarmup {
		r.tally.warmup++
		return
	}
	record(r.tally.pacing, s.sent-s.ready)
	if s.issue >= 0 {
		record(r.tally.issue, s.issue)
	}
	l := r.tally.labels[s.label]
	inBudget := l.InBudget
	switch s.kind {
	case kindLost:
		l.Lost++ // ended in no interval
	case kindDropped:
		r.timeline.roll(s.finish, r.tally.window)
		r.tally.drop(s.label)
	default:
		r.timeline.roll(s.finish, r.tally.window)
		r.tally.end(s.label, Outcome{Source: s.source, Reason: s.reason, Err: s.err}, s.finish-s.intended, s.finish-s.sent)
		s.err = nil // nothing a target gave us outlives its call
	}
	if l.InBudget == inBudget && s.sent-s.ready > int64(MaxPacingError) {
		l.Excused++
	}
}

// conclude writes the result. No other goroutine of the run is left.
func (r *OpenLoop) conclude() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timeline.flush(r.clock.Now(), r.tally.window)
	res := &Result{
		Mode: "open", Schedule: describe(r.o.Pacer, r.o.Duration),
		Elapsed: r.elapsed(), Planned: r.o.Duration, Warmup: r.o.Warmup, WarmupCalls: r.tally.warmup,
		Budget: r.o.Budget, Interrupted: r.pacer.stopped != 0,
		Labels: r.tally.labels, Sources: r.o.Sources, Reasons: r.o.Reasons, Points: r.timeline.points,
		Pacing: r.tally.pacing, Issue: r.tally.issue, Behind: time.Duration(r.pacer.behind),
		Processors: r.meter.average(),
	}
	res.Overtime = max(time.Duration(r.pacer.lastStart-r.end), 0)
	res.Began = time.Now().Add(time.Duration(r.measured - r.clock.Now()))
	for i, l := range res.Labels {
		overrun := r.overrun[i].Load()
		l.Dropped += overrun
		l.Intended = l.Answered + l.Errors + l.Dropped + l.Lost
		res.Overrun += overrun
	}
	r.result = res
}

// elapsed is how long starts were made: the whole measured part, unless the run
// was stopped or ran out of calls first. Pacing has ended.
func (r *OpenLoop) elapsed() time.Duration {
	end := r.end
	switch {
	case r.pacer.stopped != 0:
		end = r.pacer.stopped
	case r.o.MaxCalls > 0:
		end = r.pacer.lastStart
	}
	return min(max(time.Duration(end-r.measured), 0), r.o.Duration)
}

// Wait returns the result when the run has ended.
func (r *OpenLoop) Wait() *Result {
	<-r.finished
	return r.result
}

// Snapshot says how the run stands. It holds up the recorder, never the pacing
// thread.
func (r *OpenLoop) Snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.tally.snapshot()
	r.timeline.describe(&s, r.clock.Now(), r.o.Duration)
	return s
}
