package bridge

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/freelist"
	"github.com/mlbridge/mlbridge/ipc/freshness"
	"github.com/mlbridge/mlbridge/ipc/ladder"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// Bridge answers predictions. Make one with New, give it sockets with Listen, run
// it with Run. It is an ipc.Predictor for its own process too.
type Bridge struct {
	cfg    Config
	loop   *eventloop.Loop
	server *ipc.Server

	cache *cache
	lanes [len(ipc.Kinds)]*lane
	score scoreboard
	stats stats

	local         []*ipc.Call // asked inside this process, for the next round
	freeWaiters   freelist.List[waiter]
	freeQuestions freelist.List[question]

	endpoints []*endpoint // in the order of preference
	own       ipc.Account // of this process' own questions

	budget  atomic.Int64 // of a call that names none, ns; see Tune
	state   atomic.Pointer[UpstreamState]
	running atomic.Bool

	mu      sync.Mutex
	started bool // guarded by mu: Run was called
	ended   bool // guarded by mu: Shutdown or Discard came before Run
}

// New makes a bridge. It asks the daemon nothing before the first question.
func New(cfg Config) (*Bridge, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	clock := cfg.clock
	if clock == nil {
		clock = func() int64 { return int64(ipc.Now()) }
	}
	loop, err := eventloop.New(clock)
	if err != nil {
		return nil, fmt.Errorf("bridge: %w", err)
	}
	b := &Bridge{cfg: cfg, loop: loop, cache: newCache(&cfg)}
	if cfg.Dedicated {
		loop.Dedicate(cfg.BusyPoll)
	}
	b.budget.Store(int64(cfg.Server.Limits.Budget))
	b.score.init(cfg.OnStanding)
	b.stats.init()
	b.endpoints = b.cfg.endpoints()
	for _, e := range b.endpoints {
		if e.remote {
			e.probe = newProbe(b, e)
		}
	}
	for i, k := range ipc.Kinds {
		b.lanes[i] = newLane(b, k)
	}
	b.state.Store(b.look())
	b.server, err = ipc.NewServer(loop, b, cfg.Server)
	if err != nil {
		loop.Close()
		return nil, err
	}
	return b, nil
}

// Listen makes the bridge answer on ln. Call it before Run.
func (b *Bridge) Listen(ln *ipc.Listener) error { return b.server.Listen(ln) }

// Run answers until Shutdown. It returns nil after a shutdown, also one that came
// before it.
func (b *Bridge) Run() error {
	b.mu.Lock()
	b.started = true
	ended := b.ended
	b.mu.Unlock()
	if ended {
		return nil
	}
	b.running.Store(true)
	defer b.running.Store(false)
	if err := b.loop.Run(); !errors.Is(err, eventloop.ErrClosed) {
		return fmt.Errorf("bridge: %w", err)
	}
	return nil
}

// Shutdown drains: peers are told to go away, calls in flight are answered, for at
// most grace; then Run returns. Whoever still waits for the daemon when three
// quarters of grace are over is answered from a lower rung, so that a slow daemon
// costs nobody the answer. It reports how many connections were cut. It may be called
// more than once, the shortest grace counts, and before Run, which then does nothing.
func (b *Bridge) Shutdown(grace time.Duration) (cut int) {
	if b.Discard() {
		return 0
	}
	b.settleIn(grace - grace/4)
	cut = b.server.Shutdown(grace)
	b.loop.Post(func() {
		b.settle()
		b.loop.Close()
	})
	return cut
}

// Settle gives up on the daemon: whoever waits for it is answered from a lower rung,
// and so is whoever asks from now on. It is for a process that ends and has others
// than the socket's peers to answer first. Any goroutine may call it.
func (b *Bridge) Settle() { b.settleIn(0) }

func (b *Bridge) settleIn(d time.Duration) {
	b.loop.Post(func() {
		if d <= 0 { // now: replies must be written before a drain of no grace cuts
			b.settle()
			return
		}
		b.loop.ArmIn(&eventloop.Timer{Fire: b.settle}, d)
	})
}

func (b *Bridge) settle() {
	for _, l := range b.lanes {
		l.close()
	}
	for _, e := range b.endpoints {
		e.probe.close()
	}
}

// Discard gives back what New and Listen took, for a bridge that never runs. It
// reports false, and does nothing, when it does run.
func (b *Bridge) Discard() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started && !b.ended {
		return false
	}
	b.ended = true
	b.server.Discard()
	b.loop.Close()
	return true
}

// Round takes the calls of one round of the loop, those of this process included,
// and then sends what has queued up.
func (b *Bridge) Round(calls []*ipc.Call) {
	now := b.now()
	if len(calls)+len(b.local) > 0 {
		for _, c := range calls {
			b.begin(c, now)
		}
		for i, c := range b.local {
			b.begin(c, now)
			b.local[i] = nil
		}
		b.local = b.local[:0]
	}
	for _, l := range b.lanes {
		l.pump(now)
	}
	b.stats.endRound()
}

// defaultBudget is that of a call that names none. Any goroutine may call it.
func (b *Bridge) defaultBudget() time.Duration { return time.Duration(b.budget.Load()) }

// now is when the loop's round began: one reading of the clock for all it does.
func (b *Bridge) now() ipc.Instant { return ipc.Instant(b.loop.Time()) }

// begin answers the call from the cache, or lets it wait for the model, or answers
// it from a lower rung at once when there is nothing to wait for.
func (b *Bridge) begin(call *ipc.Call, now ipc.Instant) {
	b.beginTrace(call)
	key := cachekey.Of(call.Request)
	b.score.of(key.Kind).drift.look(call.Request)
	if why := b.score.withheld(call, b.score.of(key.Kind).standing.serving); why != ipc.ReasonNone {
		b.decideByRule(call, &key, why, now)
		return
	}
	l := b.lanes[key.Kind-1]
	if e := b.cache.get(&key); e.known() && e.inputs == key.Inputs && b.score.distrusts(call, key.Kind, b.cache.model(e)) == ipc.ReasonNone {
		switch b.cache.stage(e, now) {
		case freshness.Fresh:
			b.deliverCached(call, e, ladder.Decision{Source: ipc.SourceCache}, now)
			return
		case freshness.Ahead:
			l.refresh(call, &key, now)
			b.deliverCached(call, e, ladder.Decision{Source: ipc.SourceCache}, now)
			return
		case freshness.Revalidate:
			if !call.RequireModel && l.refresh(call, &key, now) {
				b.fallBack(call, &key, ipc.ReasonRefreshing)
				return
			}
		}
	}
	if why := l.ask(call, &key, now); why != ipc.ReasonNone {
		b.fallBack(call, &key, why)
	}
}

// fallBack answers from the best rung below the model. The confidence threshold is
// the caller's to apply: only it knows what a wrong answer costs.
func (b *Bridge) fallBack(call *ipc.Call, key *cachekey.Key, why ipc.Reason) {
	state := ladder.State{StaleBound: b.cfg.StaleBound, RequireModel: call.RequireModel, Why: why}
	e, now := b.cache.get(key), b.now()
	if e.known() && b.score.distrusts(call, key.Kind, b.cache.model(e)) == ipc.ReasonNone {
		known := ladder.Rung{Available: true, Age: e.age(now)}
		if state.Subject = known; e.inputs == key.Inputs {
			state.Same = known
			state.TTL, state.StaleBound = b.cache.bounds(e, b.cfg.StaleBound)
		}
	}
	switch d := ladder.Decide(state); {
	case d.Subject && b.score.outdated(call.Request, b.cache.model(e)):
		b.tryOutdated(call, e)
	case d.Source == ipc.SourceCache, d.Source == ipc.SourceStale:
		b.deliverCached(call, e, d, now)
	case d.Source == ipc.SourceRule:
		rules.Predict(call.Request, &call.Reply.Prediction)
		b.deliver(call, d, 0, rules.Name(key.Kind))
	default:
		b.refuse(call, why)
	}
}

// refuse answers a call that wanted a model and nothing less.
func (b *Bridge) refuse(call *ipc.Call, why ipc.Reason) {
	status := ipc.StatusUnavailable
	switch why {
	case ipc.ReasonDeadline:
		status = ipc.StatusDeadlineExceeded
	case ipc.ReasonOverloaded:
		status = ipc.StatusOverloaded
	}
	b.stats.refused(call, why)
	call.Reply = ipc.Reply{Status: status, Reason: why} // for its trace
	b.endTrace(call)
	call.Refuse(status, why, "no model's answer: "+why.String())
}

// deliverCached finishes a call with the answer that lies at e.
func (b *Bridge) deliverCached(call *ipc.Call, e cached, d ladder.Decision, now ipc.Instant) {
	if e.hits < math.MaxUint8 {
		e.hits++
	}
	b.cache.load(e, &call.Reply.Prediction)
	b.deliver(call, d, e.age(now), b.cache.model(e))
}

// deliver finishes a call with the prediction that is in its reply, under a number of
// its own, and notes it for the outcome that may follow.
func (b *Bridge) deliver(call *ipc.Call, d ladder.Decision, age time.Duration, model string) {
	r := &call.Reply
	r.Status, r.Error, r.Ruled = ipc.StatusOK, "", 0
	r.PredictionID, r.Source, r.Reason, r.Age, r.Model = b.score.of(r.Kind).given.next(), d.Source, d.Reason, max(age, 0), model
	if ruled := b.score.remember(call.Request, r, d.Subject); ruled != 0 {
		giveRuled(call.Request, r, ruled)
	}
	b.stats.answered(call)
	b.endTrace(call)
	call.Finish()
}

// accountOf is whose turn the call takes.
func (b *Bridge) accountOf(call *ipc.Call) *ipc.Account {
	if call.Account != nil {
		return call.Account
	}
	return &b.own
}

// Observe takes what really happened.
func (b *Bridge) Observe(outcomes []ipc.Outcome) {
	for i := range outcomes {
		b.score.observe(&outcomes[i])
	}
}
