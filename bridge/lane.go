package bridge

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

// lane carries the questions of one kind to the daemon: one connection, one batch
// out at a time. What is asked meanwhile leaves together as the next batch, so
// batches grow with the load and nobody lingers when there is none.
type lane struct {
	bridge *Bridge
	kind   ipc.Kind
	conn   upstream.Conn

	queue []*question // to be sent
	idle  []*question // storage of tidy
	out   []*question // in the exchange under way
	open  openIndex   // both, to find identical questions

	exchange upstream.Exchange
	busy     bool
	closed   bool
	fresh    bool // the connection has not answered yet
	speech   speech
	answer   api.Answer
	asked    bool   // an exchange has ended, one way or the other
	model    string // that answered last
	unclean  string // its name as the daemon wrote it

	rest rest
}

func newLane(b *Bridge, kind ipc.Kind) *lane {
	l := &lane{
		bridge: b, kind: kind,
		conn:   b.cfg.dial(b.loop, kind),
		open:   make(openIndex),
		speech: speech{format: api.Msgpack},
		fresh:  true,
		rest:   newRest(&b.cfg),
	}
	l.exchange.Done = l.done
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
		if !l.busy && !l.rest.resting(now) {
			l.question(call, key, now)
		}
		return ipc.ReasonDaemonUnavailable
	case l.rest.resting(now) && l.rest.until >= call.Deadline:
		return ipc.ReasonDaemonUnavailable
	}
	q := l.question(call, key, now)
	if q == nil {
		return ipc.ReasonOverloaded
	}
	q.join(l.bridge.newWaiter(call, key))
	return ipc.ReasonNone
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

// pump sends what is queued, if the lane is free to.
func (l *lane) pump(now ipc.Instant) {
	if l.busy || l.closed || len(l.queue) == 0 {
		return
	}
	if l.rest.resting(now) {
		return
	}
	n := l.tidy(now)
	if n == 0 { // what nobody waits for still fills the cache, when there is nothing else
		n = len(l.queue)
	}
	if n = min(n, api.MaxBatch); n == 0 {
		return
	}
	l.out = append(l.out[:0], l.queue[:n]...)
	l.queue = l.queue[:copy(l.queue, l.queue[n:])]
	for _, q := range l.out {
		q.tries++
	}
	l.rest.earn()
	l.send()
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

// send starts the exchange for what is in out.
func (l *lane) send() {
	format := l.speech.now(l.bridge.now())
	body, err := encode(l.exchange.Body[:0], format, l.kind, l.out)
	if err != nil {
		// Our own encoding does not parse: a defect, but nobody shall wait for it.
		l.settleOut(ipc.ReasonInvalidOutput)
		return
	}
	l.busy = true
	x := &l.exchange
	x.Path, x.ContentType, x.Body = api.PredictPath(l.kind, true), format.ContentType(), body
	x.Timeout = l.bridge.cfg.Attempt
	l.bridge.stats.exchange(l.kind, len(l.out))
	l.conn.Do(x)
}

// done takes the daemon's answer.
func (l *lane) done(x *upstream.Exchange) {
	l.busy = false
	if l.closed { // everybody has been answered
		return
	}
	if x.Err == nil {
		l.bridge.reached()
	}
	switch {
	case x.Err != nil:
		l.failed(x.Err)
	case x.Status == http.StatusUnsupportedMediaType && l.speech.format == api.Msgpack:
		l.speech.refused(l.bridge.now())
		l.send() // the very same questions, in the other form
		return
	case x.Status != http.StatusOK:
		l.failed(fmt.Errorf("daemon answered %d: %.120q", x.Status, x.Answer))
	default:
		l.answered(x)
	}
	l.pump(l.bridge.now())
}

func (l *lane) answered(x *upstream.Exchange) {
	format, ok := api.ParseContentType([]byte(x.AnswerType))
	if !ok {
		l.failed(fmt.Errorf("daemon answered with content type %.120q", x.AnswerType))
		return
	}
	if err := format.ParseAnswer(x.Answer, l.kind, true, len(l.out), &l.answer); err != nil {
		l.failed(fmt.Errorf("daemon's answer: %w", err))
		return
	}
	l.recovered()
	now := l.bridge.now()
	for i, q := range l.out {
		slot := &l.answer.Slots[i]
		if slot.Status != ipc.StatusOK || slot.Prediction.Validate() != nil {
			l.bridge.stats.invalidOutput(l.kind)
			l.settle(q, ipc.ReasonInvalidOutput)
			continue
		}
		l.bridge.cache.put(&q.key, &slot.Prediction, l.model, now)
		for _, w := range q.waiting {
			w.call.Reply.Prediction = slot.Prediction
			l.bridge.deliver(w.call, ipc.SourceModel, ipc.ReasonNone, 0, l.model)
			l.bridge.release(w)
		}
		l.forget(q)
	}
	l.out = l.out[:0]
}

// recovered notes that the daemon answers, and which model does.
func (l *lane) recovered() {
	l.fresh = false
	news := !l.asked || l.rest.down()
	if l.unclean != l.answer.Model {
		// Readers of the wire and of JSON rely on text being UTF-8, and nothing made
		// the daemon's so. What replaces bad bytes is no longer than they are.
		l.unclean = l.answer.Model
		l.model = strings.ToValidUTF8(l.unclean, "?")
		news = true
	}
	l.asked = true
	if l.rest.end(); news {
		l.bridge.loop.Disarm(&l.rest.over)
		l.bridge.publish()
	}
}

// failed decides what becomes of the batch that got no answer. A connection that
// had worked and was hung up while idle says nothing about the daemon: the batch
// goes out again at once. Otherwise the lane rests, and only questions whose
// callers can wait that long stay.
func (l *lane) failed(cause error) {
	if hungUp(cause) && !l.fresh && l.takeRetry() {
		l.fresh = true
		l.send()
		return
	}
	until := l.rest.begin(cause, l.bridge.now())
	l.fresh, l.asked = true, true
	l.bridge.stats.failure(l.kind)
	l.bridge.absent = l.bridge.absent || l.rest.unreachable
	l.bridge.publish()
	for _, q := range l.out {
		if q.tries < maxTries && q.lastDeadline() > until.Add(l.bridge.cfg.Margin) && l.takeRetry() {
			l.queue = append(l.queue, q)
			continue
		}
		l.settle(q, ipc.ReasonDaemonUnavailable)
	}
	l.out = l.out[:0]
	l.bridge.loop.Arm(&l.rest.over, int64(until))
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

func (l *lane) settleOut(why ipc.Reason) {
	for _, q := range l.out {
		l.settle(q, why)
	}
	l.out = l.out[:0]
}

func (l *lane) forget(q *question) {
	l.open.remove(q)
	clear(q.waiting)
	q.waiting = q.waiting[:0]
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
	l.settleOut(ipc.ReasonDaemonUnavailable)
	for _, q := range l.queue {
		l.settle(q, ipc.ReasonDaemonUnavailable)
	}
	l.queue = nil
	l.conn.Close()
}
