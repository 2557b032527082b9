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

	queue []*question // to be sent
	idle  []*question // storage of tidy
	open  openIndex   // queued or out, to find identical questions

	negatives negatives // questions that the model could not answer lately
	routes    []*route  // to the endpoints, in the order of preference
	retries   retries
	limiter   limiter
	urgent    int        // questions, queued or out, whose callers have little time
	turn      uint64     // the latest that was served
	answer    api.Answer // decode storage
	model     string     // that answered last, of whichever endpoint
	closed    bool
}

func newLane(b *Bridge, kind ipc.Kind) *lane {
	l := &lane{bridge: b, kind: kind, retries: newRetries(), limiter: newLimiter(b.cfg.QueueLimit)}
	for _, e := range b.endpoints {
		l.routes = append(l.routes, newRoute(l, e))
	}
	return l
}

// down reports whether no endpoint answers.
func (l *lane) down() bool {
	for _, r := range l.routes {
		if r.breaker.closed() {
			return false
		}
	}
	return true
}

// back reports whether an endpoint that could not be reached has answered something since,
// a probe for instance. Whether it answers questions of this kind only the next one tells.
func (l *lane) back() bool {
	for _, r := range l.routes {
		if r.breaker.unreachable && !r.endpoint.absent {
			return true
		}
	}
	return false
}

// next is when somebody may be asked: now, or when the first pause is over.
func (l *lane) next(now ipc.Instant) (at ipc.Instant) {
	for i, r := range l.routes {
		if !r.breaker.open(now) {
			return now
		}
		if i == 0 || r.breaker.until < at {
			at = r.breaker.until
		}
	}
	return at
}

// busy reports whether a batch is out.
func (l *lane) busy() bool {
	for _, r := range l.routes {
		if r.busy() {
			return true
		}
	}
	return false
}

// substitute reports whether an endpoint other than r's answers, promptly.
func (l *lane) substitute(r *route, now ipc.Instant) bool {
	for _, o := range l.routes {
		if o != r && o.breaker.closed() && !o.late(now) {
			return true
		}
	}
	return false
}

// pick gives the flight on which n questions leave next, and how many of them; nil
// when they have to wait. One question is enough to see whether an endpoint is back,
// where another answers meanwhile.
func (l *lane) pick(n int, now ipc.Instant) (f *flight, most int) {
	for _, r := range l.routes {
		spare := len(l.routes) > 1 && l.substitute(r, now)
		switch {
		case r.breaker.open(now), spare && r.late(now):
			continue
		case spare && !r.breaker.closed():
			if r.busy() {
				continue
			}
			n = 1
		}
		f, most = r.free(n)
		if f != nil && !r.breaker.permit() {
			f = nil
		}
		if f == nil && spare && !r.breaker.closed() {
			continue
		}
		return f, most
	}
	return nil, 0
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
	case l.down():
		next := l.next(now)
		if (call.RequireModel || l.back()) && next < call.Deadline {
			break
		}
		if !l.busy() && next <= now {
			l.question(call, key, now)
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
		l.bridge.freeQuestions.put(q)
		return ipc.ReasonOverloaded
	}
	l.open.add(q)
	l.join(q, l.bridge.newWaiter(call, key))
	l.enqueue(q)
	return ipc.ReasonNone
}

// newQuestion makes the call's question, which nobody knows of yet.
func (l *lane) newQuestion(call *ipc.Call, key *cachekey.Key, now ipc.Instant) *question {
	q := l.bridge.freeQuestions.get()
	q.key, q.at, q.tries = *key, now, 0
	q.class, q.patient, q.turn, q.account = ipc.ClassLow, false, 0, nil
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

// room reports whether one more question may wait. Those that nobody waits for must
// not keep out those that somebody does: when the queue is full they go.
func (l *lane) room(now ipc.Instant) bool {
	limit := l.bridge.cfg.QueueLimit
	if len(l.queue) >= limit {
		urgent := l.tidy(now)
		for _, q := range l.queue[urgent:] {
			l.forget(q)
		}
		clear(l.queue[urgent:])
		l.queue = l.queue[:urgent]
	}
	return len(l.queue) < limit
}

// pump sends what is queued, as far as a flight is free to take it.
func (l *lane) pump(now ipc.Instant) {
	for len(l.queue) > 0 && !l.closed {
		n := l.tidy(now)
		if l.limiter.tight > 0 {
			n = l.dropHopeless(n, now)
		}
		if n == 0 { // what nobody waits for still fills the cache, when there is nothing else
			n = min(l.spare(), crowd)
		}
		if n = min(n, l.limiter.batch()); n == 0 {
			return
		}
		f, n := l.pick(n, now)
		if f == nil {
			return
		}
		f.out = append(f.out[:0], l.queue[:n]...)
		l.queue = l.queue[:copy(l.queue, l.queue[n:])]
		for _, q := range f.out {
			q.tries++
			q.queued, q.account = false, nil
			l.turn = max(l.turn, q.turn)
		}
		l.retries.earn()
		f.send()
	}
}

// spare is how many questions that nobody waits for may be asked: under more load than
// the daemon can bear they are forgotten, for each would take the place of one that
// somebody will wait for before it is answered. Not while no endpoint answers: then they
// are what tells when one is back, and an exchange that could end the strain has to be
// begun by somebody.
func (l *lane) spare() int {
	if l.limiter.strain > 0 && !l.down() {
		for _, q := range l.queue {
			l.forget(q)
		}
		clear(l.queue)
		l.queue = l.queue[:0]
	}
	return len(l.queue)
}

// dropHopeless answers those of the first n questions from a lower rung that an exchange
// would not answer in time, by how long the last ones took. The daemon has better to do;
// where it has nothing the first goes all the same, or nobody would ever learn that
// exchanges have become faster.
func (l *lane) dropHopeless(n int, now ipc.Instant) (left int) {
	soon := now.Add(l.limiter.service.exchange() + l.bridge.cfg.Margin)
	kept := l.queue[:0]
	idle := !l.busy()
	for i, q := range l.queue {
		if i < n && !(idle && left == 0) && !q.patient && q.lastDeadline() < soon {
			l.bridge.stats.load.shed[l.kind-1][q.class].Inc()
			l.settle(q, ipc.ReasonOverloaded)
			continue
		}
		if kept = append(kept, q); i < n {
			left++
		}
	}
	clear(l.queue[len(kept):])
	l.queue = kept
	return left
}

// outdated reports whether nobody waits for q any more and its answer would be too
// old to be worth a place in the cache.
func (l *lane) outdated(q *question, now ipc.Instant) bool {
	return len(q.waiting) == 0 && now.Sub(q.at) > l.bridge.cfg.TTL
}

// tidy drops what is outdated and puts the questions that somebody waits for first. It
// gives their number. Under more load than the daemon can bear, questions of callers
// that gave up would else be all that it ever answers.
func (l *lane) tidy(now ipc.Instant) (urgent int) {
	l.idle = l.idle[:0]
	kept := l.queue[:0]
	for _, q := range l.queue {
		switch {
		case len(q.waiting) > 0:
			kept = append(kept, q)
		case l.outdated(q, now):
			l.forget(q)
		default:
			l.idle = append(l.idle, q)
		}
	}
	urgent = len(kept)
	kept = append(kept, l.idle...)
	clear(l.queue[len(kept):])
	clear(l.idle)
	l.queue = kept
	return urgent
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
	q.queued = false
	clear(q.waiting)
	q.waiting, q.trials = q.waiting[:0], q.trials[:0]
	l.bridge.freeQuestions.put(q)
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
