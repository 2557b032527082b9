package bridge

import (
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

// lane carries the questions of one kind to the daemon, one batch out at a time. What
// is asked meanwhile leaves together as the next batch, so batches grow with the load
// and nobody lingers when there is none. When many are asked meanwhile, a second batch
// goes out beside the first: else daemon and bridge would wait for each other in turn.
type lane struct {
	bridge *Bridge
	kind   ipc.Kind

	queue    []*question // to be sent
	deserted int         // of these: nobody waits for them
	idle     []*question // storage of tidy
	open     openIndex   // queued or out, to find identical questions

	negatives negatives // questions that the model could not answer lately
	routes    []*route  // to the endpoints, in the order of preference
	retries   retries
	limiter   limiter
	urgent    int        // questions, queued or out, whose callers have little time
	turn      uint64     // the latest that was served
	answer    api.Answer // decode storage
	model     string     // that answered last, of whichever endpoint
	served    bool       // one has: it may have no name
	other     bool       // of two that are tried the one beside was scored last
	closed    bool
}

func newLane(b *Bridge, kind ipc.Kind) *lane {
	l := &lane{bridge: b, kind: kind, retries: newRetries(), limiter: newLimiter(b.cfg.QueueLimit)}
	for _, e := range b.endpoints {
		l.routes = append(l.routes, newRoute(l, e))
	}
	return l
}

// ask puts the call's question in the queue, or joins it to an identical one. It
// returns why it cannot, ReasonNone when the call now waits.
//
// Nobody waits where no endpoint answers: callers are answered from a lower rung at
// once, and the first question after a pause goes out as a probe that tells whether one
// is back. Only who insists on a model waits for that, and whoever asks when one is known
// to be back.
func (l *lane) ask(call *ipc.Call, key *cachekey.Key, now ipc.Instant) ipc.Reason {
	switch {
	case l.closed:
		return ipc.ReasonDaemonUnavailable
	case l.away():
		next := l.next(now)
		if (call.RequireModel || l.back()) && next < call.Deadline {
			break
		}
		if !l.busy() && next <= now {
			l.question(call, key, now)
		}
		if !l.down() {
			return ipc.ReasonDaemonUnavailable
		}
		return ipc.ReasonBreakerOpen
	}
	if l.negatives.has(key, now) {
		l.bridge.stats.cache.negatives[l.kind-1].Inc()
		return ipc.ReasonInvalidOutput
	}
	class, patient := l.bridge.classOf(call), l.bridge.patient(call)
	if q := l.open.find(key); q != nil {
		first := len(q.waiting) == 0
		better := first || class > q.class || q.patient && !patient
		q.class = max(q.class, class)
		if first {
			q.class = class
			l.takeTurn(q, l.bridge.accountOf(call))
		}
		l.join(q, l.bridge.newWaiter(call, key))
		if better {
			l.raise(q)
		}
		return ipc.ReasonNone
	}
	q := l.newQuestion(call, key, now)
	q.class, q.patient = class, patient
	l.takeTurn(q, l.bridge.accountOf(call))
	if !l.admit(q, now) {
		l.returnTurn(q)
		l.bridge.freeQuestions.Put(q)
		return ipc.ReasonOverloaded
	}
	l.open.add(q)
	l.join(q, l.bridge.newWaiter(call, key))
	l.enqueue(q)
	return ipc.ReasonNone
}

// newQuestion makes the call's question, which nobody knows of yet.
func (l *lane) newQuestion(call *ipc.Call, key *cachekey.Key, now ipc.Instant) *question {
	q := l.bridge.freeQuestions.Get()
	q.key, q.at, q.tries = *key, now, 0
	q.class, q.patient, q.turn, q.account = ipc.ClassLow, false, 0, nil
	_, q.deciding = asked(call.Request)
	q.body = ipc.AppendRequest(q.body[:0], call.Request)
	return q
}

// refresh asks the call's question behind its back, to have a new answer before it
// must be waited for. It reports false where the daemon cannot be asked: then the
// lane knows better what to say.
func (l *lane) refresh(call *ipc.Call, key *cachekey.Key, now ipc.Instant) bool {
	if l.closed || l.down() || l.negatives.has(key, now) {
		return false
	}
	if l.open.find(key) == nil && l.question(call, key, now) != nil {
		l.bridge.stats.cache.refreshes[l.kind-1].Inc()
	}
	return true
}

// question finds the call's question among those that are open, or queues it for
// nobody to wait for. It gives nil when there is no room.
func (l *lane) question(call *ipc.Call, key *cachekey.Key, now ipc.Instant) *question {
	if q := l.open.find(key); q != nil || !l.room(now) {
		return q
	}
	q := l.newQuestion(call, key, now)
	l.open.add(q)
	l.enqueue(q)
	return q
}

// takeRetry takes one retry out of the budget, if there is one.
func (l *lane) takeRetry() bool {
	if !l.retries.spend() {
		return false
	}
	l.bridge.stats.retry(l.kind)
	return true
}

// settle answers everybody who waits for q from a lower rung and forgets q.
func (l *lane) settle(q *question, why ipc.Reason) {
	for _, w := range q.waiting {
		l.bridge.fallBack(w.call, &w.key, why)
		l.bridge.release(w)
	}
	l.forget(q)
}

func (l *lane) forget(q *question) {
	l.open.remove(q)
	l.returnTurn(q)
	if len(q.waiting) > 0 {
		l.count(q, -1)
	}
	l.unqueued(q)
	clear(q.waiting)
	q.waiting, q.trials = q.waiting[:0], q.trials[:0]
	l.bridge.freeQuestions.Put(q)
}

// close answers everybody who waits, hangs up, and takes no questions any more. An
// exchange under way may end now, later or never: nobody waits for it.
func (l *lane) close() {
	if l.closed {
		return
	}
	l.closed = true
	for _, q := range l.queue {
		l.settle(q, ipc.ReasonDaemonUnavailable)
	}
	l.queue = nil
	for _, r := range l.routes {
		l.bridge.loop.Disarm(&r.breaker.over)
		for _, f := range r.flights {
			l.bridge.loop.Disarm(&f.overdue)
			f.settle(ipc.ReasonDaemonUnavailable)
			f.conn.Close()
		}
	}
}
