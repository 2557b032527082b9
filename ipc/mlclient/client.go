package mlclient

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/freshness"
	"github.com/mlbridge/mlbridge/ipc/ladder"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// Client asks a bridge for predictions and always answers. It implements
// ipc.Predictor; any number of goroutines may use it.
type Client struct {
	cfg       Config
	threshold [len(ipc.Kinds) + 1]float32
	cache     *cache
	fresh     freshness.Policy
	queue     *queue
	link      link
	stats     counters
	rounds    sync.Pool // of *round

	cancel context.CancelFunc
	tasks  sync.WaitGroup // the link and the refresher
}

var _ ipc.Predictor = (*Client)(nil)

// New makes a client and starts connecting; it does not wait for the bridge.
func New(cfg Config) *Client {
	cfg.setDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		cfg: cfg, threshold: cfg.thresholds(), cache: newCache(cfg.Entries, cfg.CacheBytes),
		fresh: freshness.New(cfg.TTL, cfg.MaxTTL, cfg.Tolerance),
		queue: newQueue(cfg.Queue), cancel: cancel,
	}
	c.rounds.New = func() any { return new(round) }
	c.link.cfg = &c.cfg
	c.link.arrival = make(chan struct{})
	c.tasks.Go(func() { c.link.run(ctx) })
	c.tasks.Go(func() { c.refresher(ctx) })
	return c
}

// Close ends the connection and the client's goroutines. Lookup and Predict go on
// answering, from the cache and the rules.
func (c *Client) Close() error {
	c.cancel()
	c.tasks.Wait()
	return nil
}

// WaitUp waits until there is a connection, or ctx ends. Nothing needs it to work;
// tools use it to begin with the bridge there.
func (c *Client) WaitUp(ctx context.Context) error {
	for {
		arrival := c.link.arriving()
		if c.link.up() {
			return nil
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reserve is the part of a budget kept for answering from a lower rung when the
// bridge let it pass: the alarm's overshoot, waking up and the rules, together
// 80-100 µs at the median on a busy two-core machine. At most a quarter of the
// budget. Of many questions each but the first takes reserveEach more, as long as a
// component's took; at most half of the budget.
const (
	reserve     = 150 * time.Microsecond
	reserveEach = 250 * time.Nanosecond
)

// reserved is what is kept of a budget with so many questions open.
func reserved(budget time.Duration, open int) time.Duration {
	return min(reserve, budget/4) + min(time.Duration(open-1)*reserveEach, budget/2)
}

// leastTrip is the time left below which no bridge is asked: a question and its answer
// between two processes that do nothing else take 3.1 µs where that is quickest (`make
// bench`, the C ping-pong), and 4.8 with a cache in between. So the rules answer budgets of
// 5 µs and less at once, and 3 µs of system calls do not make them late.
const leastTrip = 4 * time.Microsecond

// Predict implements ipc.Predictor. Every valid question has an answer when it
// returns, which is at most the budget later, whatever the bridge does: the
// model's, fresh or cached, a stale one, or the rule's, with the reason. Only with
// opts.RequireModel a slot can be StatusUnavailable, and a request that breaks its
// own ranges is StatusInvalidArgument. With a budget of 5 µs or less the bridge is not
// asked (ReasonDeadline): nothing comes back so soon.
//
// When ctx ends, questions still open are answered from the lower rungs too. The
// error is only ever about reqs and replies of different lengths.
func (c *Client) Predict(ctx context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	if len(reqs) != len(replies) {
		return &ipc.StatusError{Status: ipc.StatusInvalidArgument, Text: "requests and replies of different lengths"}
	}
	began := ipc.Now()
	budget := opts.Budget
	if budget <= 0 {
		budget = c.cfg.Budget
	}
	if d, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(d))
	}
	r := c.rounds.Get().(*round)
	r.reset()
	c.fromCache(r, reqs, replies, opts.RequireModel, began)
	if len(r.open) > 0 {
		opts.Class = cmp.Or(opts.Class, c.cfg.Class)
		c.fromBridge(ctx, r, opts, began.Add(budget-reserved(budget, len(r.open))))
		for i, q := range r.open {
			c.settle(q, &r.answers[i], &replies[r.place[i]], r.inputs[i], opts.RequireModel)
		}
	}
	for i := range replies {
		c.stats.sources[replies[i].Source].Add(1)
	}
	r.forget()
	c.rounds.Put(r)
	return nil
}

// round is the storage of one Predict: the questions that go to the bridge.
type round struct {
	open    []ipc.Request
	inputs  []uint64
	place   []int // of the question in the caller's slices
	answers []ipc.Reply
}

func (r *round) reset() {
	r.open, r.inputs, r.place, r.answers = r.open[:0], r.inputs[:0], r.place[:0], r.answers[:0]
}

// forget lets go of the caller's requests.
func (r *round) forget() {
	clear(r.open)
	clear(r.answers)
}

// fromCache answers what is fresh, or is asked anew behind it, and collects the rest in r.
func (c *Client) fromCache(r *round, reqs []ipc.Request, replies []ipc.Reply, require bool, now ipc.Instant) {
	for i, q := range reqs {
		if err := ipc.CheckRequest(q); err != nil {
			replies[i] = ipc.Refusal(err)
			continue
		}
		inputs := cachekey.Inputs(q)
		d, stage := c.recall(q, inputs, now, require, ipc.ReasonNotCached, &replies[i])
		switch {
		case d.Source == ipc.SourceCache:
			if stage == freshness.Ahead {
				c.askBehind(q, inputs, now)
			}
			continue
		case d.Reason == ipc.ReasonRefreshing && d.Source == ipc.SourceStale && c.askBehind(q, inputs, now):
			continue
		}
		r.open, r.inputs, r.place = append(r.open, q), append(r.inputs, inputs), append(r.place, i)
		r.answers = append(r.answers, ipc.Reply{Status: ipc.StatusUnavailable})
	}
}

// recall asks the ladder about what is remembered of q's subject, and how far that has
// come.
func (c *Client) recall(q ipc.Request, inputs uint64, now ipc.Instant, require bool, why ipc.Reason, r *ipc.Reply) (ladder.Decision, freshness.Stage) {
	kind, subject := q.Kind(), q.Subject()
	s := c.cache.of(kind, subject)
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.decide(kind, s.find(kind, subject), inputs, now, require, why, r)
}

// fromBridge asks the bridge, in as few calls as it takes batches, until deadline.
func (c *Client) fromBridge(ctx context.Context, r *round, opts ipc.Options, deadline ipc.Instant) {
	client := c.link.client()
	if client == nil {
		r.fail(0, unreached)
		return
	}
	for from := 0; from < len(r.open); {
		began := ipc.Now()
		left := deadline.Sub(began)
		if left < leastTrip || ctx.Err() != nil {
			r.fail(from, ipc.StatusDeadlineExceeded)
			return
		}
		to := min(from+client.Limits().Batch, len(r.open))
		answers := r.answers[from:to]
		opts.Budget = left
		err := client.Predict(ctx, r.open[from:to], answers, opts)
		c.link.report(client, began, err, answers)
		switch {
		case err != nil && ctx.Err() != nil:
			r.fail(from, ipc.StatusDeadlineExceeded)
			return
		case unreachable(err):
			r.fail(from, unreached)
			return
		}
		now := ipc.Now()
		for i := from; i < to; i++ {
			c.remember(r.open[i], r.inputs[i], &r.answers[i], now, true)
		}
		from = to
	}
}

// unreached stands in an open slot for "no connection took the question". The
// number is no status of the protocol.
const unreached ipc.Status = 255

// unreachable reports whether err says that the bridge did not answer at all; a
// *ipc.StatusError is an answer.
func unreachable(err error) bool {
	_, refused := err.(*ipc.StatusError)
	return err != nil && !refused
}

func (r *round) fail(from int, s ipc.Status) {
	for i := from; i < len(r.answers); i++ {
		r.answers[i] = ipc.Reply{Status: s}
	}
}

// settle turns what the bridge said about q into the reply. An answer of the model's,
// stale or not, has to be confident enough, and who insists on the model gets nothing less,
// whatever the bridge takes for it. One that is not the model's own has to be better than
// what is remembered here. That the bridge calls q invalid, which is valid here, is as good as
// no answer: it may be older, or take smaller frames.
func (c *Client) settle(q ipc.Request, said, reply *ipc.Reply, inputs uint64, require bool) {
	own := said.Status == ipc.StatusOK && (said.Source == ipc.SourceModel || said.Source == ipc.SourceCache)
	stale := said.Status == ipc.StatusOK && said.Source == ipc.SourceStale
	sure := said.Confidence() >= c.threshold[q.Kind()]
	switch {
	case own && (require && said.Ruled == 0 || !require && sure),
		stale && !require && sure:
		*reply = *said
		return
	}
	// What the model says of this very question is not bettered by what it said before.
	d := ladder.Decision{Source: ipc.SourceRule, Reason: ipc.ReasonLowConfidence}
	if !own || require {
		why := ipc.ReasonBridgeUnavailable
		if said.Status != unreached {
			why = whyNot(said)
		}
		d, _ = c.recall(q, inputs, ipc.Now(), require, why, reply)
	}
	switch {
	case d.Source == ipc.SourceCache || d.Source == ipc.SourceStale: // recall filled it in
	case d.Source == ipc.SourceNone:
		*reply = ipc.Reply{Status: ipc.StatusUnavailable, Reason: d.Reason, Error: "no model: " + d.Reason.String()}
	case said.Status == ipc.StatusOK && said.Source == ipc.SourceRule:
		*reply = *said // the bridge's rule, with its prediction id
	default:
		rules.Answer(q, d.Reason, reply)
	}
}

// Outcomes implements ipc.Predictor: it passes the outcomes on to the bridge, or
// returns an error wrapping ErrDown when there is no connection. They are not
// kept: an outcome is about what the bridge said lately.
func (c *Client) Outcomes(ctx context.Context, outcomes []ipc.Outcome) error {
	client := c.link.client()
	if client == nil {
		c.stats.outcomesLost.Add(uint64(len(outcomes)))
		return &ipc.ConnError{Op: "write", Err: ErrDown}
	}
	err := client.Outcomes(ctx, outcomes)
	if err != nil {
		c.stats.outcomesLost.Add(uint64(len(outcomes)))
		return err
	}
	c.stats.outcomes.Add(uint64(len(outcomes)))
	return nil
}
