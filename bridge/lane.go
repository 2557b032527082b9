package bridge

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// lane carries the questions of one kind to the daemon: one connection, one batch
// out at a time. What is asked meanwhile leaves together as the next batch, so
// batches grow with the load and nobody lingers when there is none.
type lane struct {
	bridge *Bridge
	kind   ipc.Kind
	conn   upstream.Conn

	queue []*question                // to be sent
	out   []*question                // in the exchange under way
	open  map[cachekey.Key]*question // both, to find identical questions

	exchange upstream.Exchange
	busy     bool
	fresh    bool       // the connection has not answered yet
	format   api.Format // msgpack, until the daemon says that it speaks only JSON
	answer   api.Answer
	model    string // that answered last

	// While down, questions are not sent before the retry timer fires.
	down    bool
	reason  error // why, for health
	backoff *backoff.ExponentialBackOff
	retryAt ipc.Instant
	retry   eventloop.Timer
	tokens  float64 // retries that may be made, see retryShare
}

const (
	// retryShare bounds retries to a tenth of the calls, whatever happens: a daemon
	// that is down must not be asked twice as often.
	retryShare    = 0.1
	maxRetryStock = 10
	maxTries      = 3
)

func newLane(b *Bridge, kind ipc.Kind) *lane {
	l := &lane{
		bridge: b, kind: kind, format: api.Msgpack,
		conn: b.cfg.dial(b.loop, kind),
		open: make(map[cachekey.Key]*question),
		backoff: &backoff.ExponentialBackOff{
			InitialInterval:     b.cfg.RetryInterval,
			RandomizationFactor: 0.3,
			Multiplier:          2,
			MaxInterval:         b.cfg.MaxRetryInterval,
			MaxElapsedTime:      0, // a daemon may come back after any time
			Stop:                backoff.Stop,
			Clock:               backoff.SystemClock,
		},
		fresh:  true,
		tokens: maxRetryStock,
	}
	l.backoff.Reset()
	l.exchange.Done = l.done
	l.retry.Fire = l.pump
	return l
}

// ask puts the call's question in the queue, or joins it to an identical one. It
// returns why it cannot, ReasonNone when the call now waits.
func (l *lane) ask(call *ipc.Call, key *cachekey.Key, now ipc.Instant) ipc.Reason {
	b := l.bridge
	if l.down && now < l.retryAt && !(call.RequireModel && l.retryAt < call.Deadline) {
		return ipc.ReasonDaemonUnavailable
	}
	q := l.open[*key]
	if q == nil {
		if len(l.queue) >= b.cfg.QueueLimit {
			return ipc.ReasonOverloaded
		}
		q = b.freeQuestions.get()
		q.key, q.at, q.tries = *key, now, 0
		q.body = ipc.AppendRequest(q.body[:0], call.Request)
		l.open[*key] = q
		l.queue = append(l.queue, q)
	}
	q.join(b.newWaiter(call, key))
	return ipc.ReasonNone
}

// pump sends what is queued, if the lane is free to.
func (l *lane) pump() {
	now := ipc.Now()
	if l.busy || len(l.queue) == 0 || (l.down && now < l.retryAt) {
		return
	}
	l.dropStale(now)
	n := min(len(l.queue), api.MaxBatch)
	if n == 0 {
		return
	}
	l.out = append(l.out[:0], l.queue[:n]...)
	l.queue = l.queue[:copy(l.queue, l.queue[n:])]
	for _, q := range l.out {
		q.tries++
	}
	l.send()
}

// dropStale forgets questions that nobody waits for any more and whose answer
// would be too old to be worth a place in the cache.
func (l *lane) dropStale(now ipc.Instant) {
	kept := l.queue[:0]
	for _, q := range l.queue {
		if len(q.waiting) == 0 && now.Sub(q.at) > l.bridge.cfg.TTL {
			l.forget(q)
			continue
		}
		kept = append(kept, q)
	}
	clear(l.queue[len(kept):])
	l.queue = kept
}

func (l *lane) send() {
	body, err := l.encode()
	if err != nil {
		// Our own encoding does not parse: a defect, but nobody shall wait for it.
		l.giveUp(ipc.ReasonInvalidOutput)
		return
	}
	l.busy = true
	x := &l.exchange
	x.Path, x.ContentType, x.Body = api.PredictPath(l.kind, true), l.format.ContentType(), body
	x.Timeout = l.bridge.cfg.Attempt
	l.bridge.stats.exchange(l.kind, len(l.out))
	l.tokens = min(l.tokens+retryShare, maxRetryStock)
	l.conn.Do(x)
}

// encode writes the batch. In msgpack that is the request arrays side by side; a
// daemon that speaks only JSON gets them translated.
func (l *lane) encode() ([]byte, error) {
	b := l.exchange.Body[:0]
	if l.format == api.Msgpack {
		b = appendArrayHeader(b, len(l.out))
		for _, q := range l.out {
			b = append(b, q.body...)
		}
		return b, nil
	}
	reqs := make([]ipc.Request, len(l.out))
	for i, q := range l.out {
		reqs[i] = ipc.NewRequest(l.kind)
		if _, err := ipc.ParseRequest(q.body, reqs[i]); err != nil {
			return nil, fmt.Errorf("bridge: own encoding: %w", err)
		}
	}
	return l.format.AppendCall(b, l.kind, reqs, true), nil
}

// done takes the daemon's answer.
func (l *lane) done(x *upstream.Exchange) {
	l.busy = false
	switch {
	case x.Err != nil:
		l.failed(x.Err)
	case x.Status == http.StatusUnsupportedMediaType && l.format == api.Msgpack:
		l.format = api.JSON
		l.send() // the very same questions, in the other form
		return
	case x.Status != http.StatusOK:
		l.failed(fmt.Errorf("daemon answered %d: %.120q", x.Status, x.Answer))
	default:
		l.answered(x)
	}
	l.pump()
}

func (l *lane) answered(x *upstream.Exchange) {
	format, ok := api.ParseContentType([]byte(x.AnswerType))
	if !ok {
		l.failed(fmt.Errorf("daemon answered with content type %q", x.AnswerType))
		return
	}
	if err := format.ParseAnswer(x.Answer, l.kind, true, len(l.out), &l.answer); err != nil {
		l.failed(fmt.Errorf("daemon's answer: %w", err))
		return
	}
	l.recovered()
	now := ipc.Now()
	for i, q := range l.out {
		slot := &l.answer.Slots[i]
		if slot.Status != ipc.StatusOK || slot.Prediction.Validate() != nil {
			l.bridge.stats.invalidOutput(l.kind)
			l.settle(q, ipc.ReasonInvalidOutput)
			continue
		}
		l.bridge.cache.put(&q.key, &slot.Prediction, l.answer.Model, now)
		for _, w := range q.waiting {
			l.bridge.deliver(w.call, &slot.Prediction, ipc.SourceModel, ipc.ReasonNone, 0, l.answer.Model)
			l.bridge.release(w)
		}
		l.forget(q)
	}
	l.out = l.out[:0]
}

// recovered notes that the daemon answers, and which model does.
func (l *lane) recovered() {
	l.fresh = false
	if l.down || l.model != l.answer.Model {
		l.down, l.reason, l.model = false, nil, l.answer.Model
		l.bridge.publish()
	}
	l.backoff.Reset()
	l.bridge.loop.Disarm(&l.retry)
}

// failed decides what becomes of the batch that got no answer. A connection that
// had worked and was hung up while idle says nothing about the daemon: the batch
// goes out again at once. Otherwise the lane is down until its backoff is over,
// and only questions whose callers can wait that long stay.
func (l *lane) failed(cause error) {
	now := ipc.Now()
	e, isConn := errors.AsType[*upstream.Error](cause)
	if isConn && !l.fresh && (e.Op == "read" || e.Op == "write") && l.takeToken() {
		l.fresh = true
		l.send()
		return
	}
	l.fresh = true
	wait := l.backoff.NextBackOff()
	l.retryAt = now.Add(wait)
	l.bridge.stats.failure(l.kind)
	wasDown := l.down
	l.down, l.reason = true, cause
	if !wasDown {
		l.bridge.publish()
	}
	for _, q := range l.out {
		if q.tries < maxTries && q.lastDeadline() > l.retryAt.Add(l.bridge.cfg.Margin) && l.takeToken() {
			l.queue = append(l.queue, q)
			continue
		}
		l.settle(q, ipc.ReasonDaemonUnavailable)
	}
	l.out = l.out[:0]
	l.bridge.loop.Arm(&l.retry, int64(l.retryAt))
}

// takeToken takes one retry out of the budget, if there is one.
func (l *lane) takeToken() bool {
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	l.bridge.stats.retry(l.kind)
	return true
}

func (l *lane) giveUp(why ipc.Reason) {
	for _, q := range l.out {
		l.settle(q, why)
	}
	l.out = l.out[:0]
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
	delete(l.open, q.key)
	clear(q.waiting)
	q.waiting = q.waiting[:0]
	l.bridge.freeQuestions.put(q)
}

// close hangs up and answers everybody who still waits.
func (l *lane) close() {
	l.down, l.retryAt = true, ipc.Now().Add(time.Hour)
	l.bridge.loop.Disarm(&l.retry)
	l.conn.Close()
	for _, q := range l.queue {
		l.settle(q, ipc.ReasonDaemonUnavailable)
	}
	l.queue = nil
}

// appendArrayHeader writes a msgpack array header of n ≤ 65,535.
func appendArrayHeader(b []byte, n int) []byte {
	if n < 16 {
		return append(b, 0x90|byte(n))
	}
	return append(b, 0xdc, byte(n>>8), byte(n))
}
