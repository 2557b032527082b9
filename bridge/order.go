package bridge

import (
	"slices"

	"github.com/mlbridge/mlbridge/ipc"
)

// The order in which questions go to the daemon: those that somebody waits for before
// those that only fill the cache; of those the higher class first; of a class those
// whose callers have little time before those whose callers have much; and of these
// every peer in turn, so that one that asks a thousand questions delays another's one
// by one and not by a thousand.
//
// Turns are start-time fair queuing (Goyal, Vin, Cheng, SIGCOMM 1996) with the cost of
// a question for its length: a peer's question has the turn after its last one, or the
// turn that is served now, whichever is later.

// before reports whether q goes to the daemon before o.
func (q *question) before(o *question) bool {
	if waited := len(q.waiting) > 0; waited != (len(o.waiting) > 0) {
		return waited
	}
	return q.goesBefore(o)
}

// goesBefore is before for a q that somebody is about to wait for.
func (q *question) goesBefore(o *question) bool {
	switch {
	case q.class != o.class:
		return q.class > o.class
	case q.patient != o.patient:
		return o.patient
	}
	return q.turn < o.turn
}

// enqueue puts q in its place. Questions that their callers have left meanwhile stand
// where they stood until tidy comes by, so the order may be off by those.
func (l *lane) enqueue(q *question) {
	i := len(l.queue)
	if i > 0 && q.before(l.queue[i-1]) {
		i, _ = slices.BinarySearchFunc(l.queue, q, func(o, q *question) int {
			if q.before(o) {
				return 1
			}
			return -1
		})
	}
	l.queue = slices.Insert(l.queue, i, q)
	if !q.queued && len(q.waiting) == 0 {
		l.deserted++
	}
	q.queued = true
}

// unqueued notes that q is no longer in the queue, if it was.
func (l *lane) unqueued(q *question) {
	if q.queued && len(q.waiting) == 0 {
		l.deserted--
	}
	q.queued = false
}

// raise moves a question that a caller of another class or with less time has joined.
func (l *lane) raise(q *question) {
	if !q.queued {
		return
	}
	if i := slices.Index(l.queue, q); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
		l.enqueue(q)
	}
}

// takeTurn gives q its turn among the peers, that of a. One that it had is given back.
func (l *lane) takeTurn(q *question, a *ipc.Account) {
	l.returnTurn(q)
	last := &a.Turn[l.kind-1]
	q.turn, q.account = max(l.turn, *last), a
	*last = q.turn + 1
}

// returnTurn gives back the turn of a question that the daemon is not asked: it cost
// nothing, and must not put its peer behind the others.
func (l *lane) returnTurn(q *question) {
	if q.account != nil {
		last := &q.account.Turn[l.kind-1]
		*last = max(*last-1, q.turn)
		q.account = nil
	}
}

// classOf is what the call counts as: what it says or else what its kind has, and at
// most what its peer may have.
func (b *Bridge) classOf(call *ipc.Call) ipc.Class {
	c := call.Class
	if c == ipc.ClassDefault {
		c = b.cfg.Classes[call.Request.Kind()-1]
	}
	if a := call.Account; a != nil && a.Quota.Class != ipc.ClassDefault {
		c = min(c, a.Quota.Class)
	}
	return c
}
