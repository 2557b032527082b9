package bridge

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// waiter is a call that waits for a question's answer, at most until its deadline.
type waiter struct {
	bridge   *Bridge
	call     *ipc.Call
	question *question
	place    int // among those who wait for it
	key      cachekey.Key
	time     time.Duration // that it waits at most
	patient  bool
	measure  bool // whether it is in time says something about the load
	deadline eventloop.Timer
}

// newWaiter arms the call's deadline: a little early, so that the answer from a
// lower rung is with the caller in time.
func (b *Bridge) newWaiter(call *ipc.Call, key *cachekey.Key) *waiter {
	w := b.freeWaiters.Get()
	if w.deadline.Fire == nil {
		w.bridge = b
		w.deadline.Fire = w.late
	}
	w.call, w.key = call, *key
	budget := call.Deadline.Sub(call.Arrived)
	margin := b.cfg.margin(budget)
	w.patient = b.patient(call)
	w.time, w.measure = budget-margin, !w.patient && budget >= b.defaultBudget()/2
	b.loop.Arm(&w.deadline, int64(call.Deadline.Add(-margin)))
	return w
}

// late answers from the best rung there is. The question stays: its answer may
// serve the next call.
func (w *waiter) late() {
	w.bridge.lanes[w.key.Kind-1].leave(w)
	w.bridge.fallBack(w.call, &w.key, ipc.ReasonDeadline)
	w.bridge.release(w)
}

// release gives the record back after the call has been finished.
func (b *Bridge) release(w *waiter) {
	b.loop.Disarm(&w.deadline)
	w.call, w.question = nil, nil
	b.freeWaiters.Put(w)
}

// patient reports whether the call has so much time that it can wait behind others.
func (b *Bridge) patient(call *ipc.Call) bool {
	return call.Deadline.Sub(call.Arrived) > patientBudgets*b.defaultBudget()
}

// join lets w wait for q.
func (l *lane) join(q *question, w *waiter) {
	w.question = q
	if w.measure {
		l.limiter.waits(w.time)
	}
	w.place = len(q.waiting)
	q.waiting = append(q.waiting, w)
	if len(q.waiting) == 1 {
		q.patient = w.patient
		l.count(q, +1)
		if q.queued {
			l.deserted--
		}
	} else if q.patient && !w.patient {
		q.patient = false
		l.count(q, +1)
	}
}

// leave takes w, whose time is over, out of its question.
func (l *lane) leave(w *waiter) {
	q := w.question
	q.remove(w)
	if len(q.waiting) == 0 {
		l.count(q, -1)
		if q.queued {
			l.deserted++
		}
	}
	if w.measure {
		l.limiter.missed = true
	}
}

// count keeps the number of questions whose callers have little time.
func (l *lane) count(q *question, by int) {
	if !q.patient {
		l.urgent += by
		l.limiter.peak = max(l.limiter.peak, l.urgent)
	}
}
