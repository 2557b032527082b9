package bridge

import (
	"strings"

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

	queue   []*question // to be sent
	idle    []*question // storage of tidy
	flights []*flight   // 1 to maxFlights
	open    openIndex   // queued or out, to find identical questions

	negatives negatives // questions that the model could not answer lately

	closed  bool
	speech  speech
	answer  api.Answer
	asked   bool   // an exchange has ended, one way or the other
	model   string // that answered last
	unclean string // its name as the daemon wrote it

	rest rest
}

func newLane(b *Bridge, kind ipc.Kind) *lane {
	l := &lane{
		bridge: b, kind: kind,
		open:   make(openIndex),
		speech: speech{format: api.Msgpack},
		rest:   newRest(&b.cfg),
	}
	l.flights = []*flight{newFlight(l)}
	l.rest.over.Fire = func() { l.pump(b.now()) }
	return l
}

// ask puts the call's question in the queue, or joins it to an identical one. It
// returns why it cannot, ReasonNone when the call now waits.
//
// Nobody waits for a daemon that failed last: callers are answered from a lower rung
// at once, and the first question after the pause goes out as a probe that tells
// whether the daemon is back. Only who insists on a model waits for that.
func (l *lane) ask(call *ipc.Call, key *cachekey.Key, now ipc.Instant) ipc.Reason {
	switch {
	case l.closed:
		return ipc.ReasonDaemonUnavailable
	case l.rest.down() && !call.RequireModel:
		if !l.busy() && !l.rest.resting(now) {
			l.question(call, key, now)
		}
		return ipc.ReasonDaemonUnavailable
	case l.rest.resting(now) && l.rest.until >= call.Deadline:
		return ipc.ReasonDaemonUnavailable
	}
	if l.negatives.has(key, now) {
		l.bridge.stats.cache.negatives[l.kind-1].Inc()
		return ipc.ReasonInvalidOutput
	}
	q := l.question(call, key, now)
	if q == nil {
		return ipc.ReasonOverloaded
	}
	q.join(l.bridge.newWaiter(call, key))
	return ipc.ReasonNone
}

// refresh asks the call's question behind its back, to have a new answer before it
// must be waited for. It reports false where the daemon cannot be asked: then the
// lane knows better what to say.
func (l *lane) refresh(call *ipc.Call, key *cachekey.Key, now ipc.Instant) bool {
	if l.closed || l.rest.down() || l.negatives.has(key, now) {
		return false
	}
	if l.open.find(key) == nil && l.question(call, key, now) != nil {
		l.bridge.stats.cache.refreshes[l.kind-1].Inc()
	}
	return true
}

// question finds the call's question among those that are open, or queues it. It
// gives nil when there is no room.
func (l *lane) question(call *ipc.Call, key *cachekey.Key, now ipc.Instant) *question {
	if q := l.open.find(key); q != nil || !l.room(now) {
		return q
	}
	q := l.bridge.freeQuestions.get()
	q.key, q.at, q.tries = *key, now, 0
	q.body = ipc.AppendRequest(q.body[:0], call.Request)
	l.open.add(q)
	l.queue = append(l.queue, q)
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
	for len(l.queue) > 0 && !l.closed && !l.rest.resting(now) {
		n := l.tidy(now)
		if n == 0 { // what nobody waits for still fills the cache, when there is nothing else
			n = len(l.queue)
		}
		f, free := l.free(n)
		if f == nil || n == 0 {
			return
		}
		// Where several flights are free they share, so that the daemon works on one
		// part while the bridge does on another.
		n = min(n, api.MaxBatch, max(crowd, (n+free-1)/free))
		f.out = append(f.out[:0], l.queue[:n]...)
		l.queue = l.queue[:copy(l.queue, l.queue[n:])]
		for _, q := range f.out {
			q.tries++
		}
		l.rest.earn()
		f.send()
	}
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

// recovered notes that the daemon answers, and which model does.
func (l *lane) recovered() {
	news := !l.asked || l.rest.down()
	if l.unclean != l.answer.Model {
		// Readers of the wire and of JSON rely on text being UTF-8, and nothing made
		// the daemon's so. What replaces bad bytes is no longer than they are.
		l.unclean = l.answer.Model
		l.model = strings.ToValidUTF8(l.unclean, "?")
		l.bridge.score.serve(l.kind, l.model)
		news = true
	}
	l.asked = true
	if l.rest.end(); news {
		l.bridge.loop.Disarm(&l.rest.over)
		l.bridge.publish()
	}
}

// failed lets the lane rest and gives the time before which it asks nothing. Two
// flights that fail together are one failure.
func (l *lane) failed(cause error) (until ipc.Instant) {
	l.asked = true
	l.bridge.stats.failure(l.kind)
	now := l.bridge.now()
	if l.rest.resting(now) {
		return l.rest.until
	}
	until = l.rest.begin(cause, now)
	l.bridge.absent = l.bridge.absent || l.rest.unreachable
	l.bridge.publish()
	l.bridge.loop.Arm(&l.rest.over, int64(until))
	return until
}

// takeRetry takes one retry out of the budget, if there is one.
func (l *lane) takeRetry() bool {
	if !l.rest.spend() {
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
	l.bridge.loop.Disarm(&l.rest.over)
	for _, f := range l.flights {
		f.settle(ipc.ReasonDaemonUnavailable)
	}
	for _, q := range l.queue {
		l.settle(q, ipc.ReasonDaemonUnavailable)
	}
	l.queue = nil
	for _, f := range l.flights {
		f.conn.Close()
	}
}
