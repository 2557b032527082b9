package bridge

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/ladder"
)

// flight is a connection of a route to its endpoint, with at most one batch out on it.
type flight struct {
	route    *route
	conn     upstream.Conn
	out      []*question // in the exchange under way
	exchange upstream.Exchange
	sent     ipc.Instant
	busy     bool
	fresh    bool                        // the connection has not answered yet
	endTrace func(status int, err error) // of the exchange under way, when it is traced

	overdue eventloop.Timer // when those who wait behind it are sent elsewhere
}

const (
	// maxFlights bounds a route's batches under way: one that the daemon works on and
	// one that waits there, so that it need not wait for the bridge.
	maxFlights = 2
	// crowd is how many questions are worth a batch beside another. An exchange costs
	// both sides together about as much as ten questions of a batch.
	crowd = 16
)

func newFlight(r *route) *flight {
	f := &flight{route: r, conn: r.endpoint.dial(r.lane.bridge.loop, r.lane.kind), fresh: true}
	f.exchange.Done = f.done
	f.overdue.Fire = func() { r.lane.pump(r.lane.bridge.now()) }
	return f
}

// send starts the exchange for what is in out.
func (f *flight) send() {
	l := f.route.lane
	f.sent = l.bridge.now()
	format := f.route.speech.now(f.sent)
	body, err := encode(f.exchange.Body[:0], format, l.kind, f.out)
	if err != nil {
		// Our own encoding does not parse: a defect, but nobody shall wait for it, nor
		// a half-open breaker for what never left.
		f.route.failed(err)
		f.settle(ipc.ReasonInvalidOutput)
		return
	}
	f.busy = true
	x := &f.exchange
	x.Path, x.ContentType, x.Body = api.PredictPath(l.kind, true), format.ContentType(), body
	x.Timeout = l.bridge.cfg.Attempt
	l.bridge.stats.exchange(l.kind, len(f.out))
	f.trace()
	if len(l.routes) > 1 {
		l.bridge.loop.Arm(&f.overdue, int64(f.sent.Add(l.bridge.cfg.Suspect+1)))
	}
	f.conn.Do(x)
}

// done takes the daemon's answer.
func (f *flight) done(x *upstream.Exchange) {
	r := f.route
	l := r.lane
	f.busy = false
	l.bridge.loop.Disarm(&f.overdue)
	f.traced()
	if l.closed { // everybody has been answered
		return
	}
	now := l.bridge.now()
	r.endpoint.probe.hear(now)
	if x.Err == nil {
		l.bridge.reached(r.endpoint, now)
	}
	switch {
	case x.Err != nil:
		f.failed(x.Err)
	case x.Status == http.StatusUnsupportedMediaType && r.speech.format == api.Msgpack:
		r.speech.refused(l.bridge.now())
		f.send() // the very same questions, in the other form
		return
	case x.Status == http.StatusUnsupportedMediaType && x.ContentType == api.Msgpack.ContentType():
		f.send() // another flight has learnt it meanwhile
		return
	case x.Status != http.StatusOK:
		f.failed(fmt.Errorf("daemon answered %d: %.120q", x.Status, x.Answer))
	default:
		f.answered(x)
	}
	l.pump(l.bridge.now())
}

func (f *flight) answered(x *upstream.Exchange) {
	r, l := f.route, f.route.lane
	format, ok := api.ParseContentType([]byte(x.AnswerType))
	if !ok {
		f.failed(fmt.Errorf("daemon answered with content type %.120q", x.AnswerType))
		return
	}
	if err := format.ParseAnswer(x.Answer, l.kind, true, len(f.out), &l.answer); err != nil {
		f.failed(fmt.Errorf("daemon's answer: %w", err))
		return
	}
	f.fresh = false
	r.succeeded(l.answer.Model)
	now, given := l.bridge.now(), &l.bridge.score.of(l.kind).given
	l.limiter.ended(len(f.out), f.sent, now, l.urgent)
	// Beside a candidate in its share stands the model.
	l.bridge.cache.answers(l.kind, r.model, l.answer.Beside == "" || l.answer.Beside != l.answer.Model)
	for i, q := range f.out {
		slot := &l.answer.Slots[i]
		if slot.Status != ipc.StatusOK || slot.Prediction.Validate() != nil {
			l.bridge.stats.invalidOutput(l.kind)
			l.negatives.add(&q.key, now, l.bridge.cfg.NegativeTTL)
			l.settle(q, ipc.ReasonInvalidOutput)
			continue
		}
		model := r.model
		if slot.Model != "" { // a candidate answers for this subject
			model = strings.ToValidUTF8(slot.Model, "?")
			l.bridge.cache.shares(l.kind, model)
		}
		if !l.bridge.score.useless(l.kind, q.deciding, model) {
			l.bridge.stats.cache.kept(l.kind, l.bridge.cache.put(&q.key, &slot.Prediction, model, now))
		}
		beside := strings.ToValidUTF8(l.answer.Beside, "?")
		for _, id := range q.trials {
			l.tried(id, model, beside, slot)
		}
		for _, w := range q.waiting {
			if why := l.bridge.score.distrusts(w.call, l.kind, model); why != ipc.ReasonNone { // since it was asked, or a candidate
				before := given.last
				l.bridge.fallBack(w.call, &w.key, why)
				if slot.HasBeside && given.last != before {
					l.tried(given.last, model, beside, slot)
				}
			} else {
				w.call.Reply.Prediction = slot.Prediction
				l.bridge.deliver(w.call, ladder.Decision{Source: ipc.SourceModel}, 0, model)
				if slot.HasBeside {
					l.bridge.score.besides(given.last, beside, &slot.Beside)
				}
			}
			l.bridge.release(w)
		}
		l.forget(q)
	}
	f.out = f.out[:0]
}

// tried scores an answer that nobody got beside the rule's, which prediction id was. Where
// two models answered they take turns: there is room for one, and either may earn its place.
func (l *lane) tried(id uint64, model, beside string, slot *api.Slot) {
	p := &slot.Prediction
	if slot.HasBeside {
		if l.other = !l.other; l.other {
			model, p = beside, &slot.Beside
		}
	}
	l.bridge.score.besides(id, model, p)
}

// failed decides what becomes of the batch that got no answer. A connection that
// had worked and was hung up while idle says nothing about the daemon: the batch
// goes out again at once. Otherwise only questions stay whose callers can wait until
// somebody may be asked again: another endpoint at once, this one after its pause.
func (f *flight) failed(cause error) {
	r, l := f.route, f.route.lane
	if hungUp(cause) && !f.fresh && l.takeRetry() {
		f.fresh = true
		f.send()
		return
	}
	f.fresh = true
	r.failed(cause)
	until := l.next(l.bridge.now())
	for _, q := range f.out {
		if q.tries < maxTries && q.lastDeadline() > until.Add(l.bridge.cfg.Margin) && l.takeRetry() {
			l.enqueue(q)
			continue
		}
		l.settle(q, ipc.ReasonDaemonUnavailable)
	}
	f.out = f.out[:0]
}

// settle answers everybody who waits for the batch from a lower rung.
func (f *flight) settle(why ipc.Reason) {
	for _, q := range f.out {
		f.route.lane.settle(q, why)
	}
	f.out = f.out[:0]
}
