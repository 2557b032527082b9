package chaos

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// sources names who can answer, as load.Outcome counts them.
var sources = []string{"model", "cache", "stale", "rule"}

// maxInFlight bounds the calls that are open at a time, and with them the goroutines. It
// is what comes in a stall of half a second at the rates of the faults.
const maxInFlight = 4096

// Load is an open loop of calls with answers that are checked.
type Load struct {
	Oracle *Oracle
	Socket string
	Rate   float64 // calls a second
	Random bool    // they come at random (Poisson), else one after the other as the clock goes
	For    time.Duration
	// UntilDone ends it when what runs beside it does, if that is sooner.
	UntilDone bool
	// Budget of call n; nil alternates between 1 ms, the default, and 20 ms, in which
	// the model has the time to be right or wrong.
	Budget func(n uint64) time.Duration
	// Allowed is what is added to a budget before an answer counts as late.
	Allowed time.Duration

	each func(feltCall) // is told of every call; nil for none
}

// Counts is what became of the calls of a Load.
type Counts struct {
	Sent, Answered, InBudget uint64
	BySource                 map[string]uint64
	Wrong, Lost              uint64
	Dropped                  uint64   // calls that were due and not made: maxInFlight were open
	Examples                 []string // of wrong answers and of calls without one

	Latency  *hdrhistogram.Histogram // of answers, ns from the intended start
	Pacing   time.Duration           // p99 of how late the load itself was
	Connects uint64                  // connections that the client made
	Hangs    uint64                  // connections that it dropped for want of answers
}

// add adds up what became of the calls of several loads.
func (c *Counts) add(o *Counts) {
	if c.Latency == nil {
		*c = *o
		return
	}
	c.Sent, c.Answered, c.InBudget = c.Sent+o.Sent, c.Answered+o.Answered, c.InBudget+o.InBudget
	c.Wrong, c.Lost, c.Dropped = c.Wrong+o.Wrong, c.Lost+o.Lost, c.Dropped+o.Dropped
	for source, n := range o.BySource {
		c.BySource[source] += n
	}
	c.Examples = append(c.Examples, o.Examples...)
	c.Latency.Merge(o.Latency)
	c.Pacing = max(c.Pacing, o.Pacing)
	c.Connects, c.Hangs = c.Connects+o.Connects, c.Hangs+o.Hangs
}

// quantiles are those of all calls that were due: one without an answer took longer than
// any with one.
func (c *Counts) quantiles() load.Quantiles {
	return load.QuantilesAmong(c.Latency, c.Sent+c.Dropped)
}

// maxExamples is how many wrong answers are told.
const maxExamples = 3

func defaultBudget(n uint64) time.Duration {
	if n%2 == 0 {
		return time.Millisecond
	}
	return 20 * time.Millisecond
}

// punctual is a clock whose one sleeper, the pacing thread, goes before others where that
// is allowed: a load that is late itself measures nothing.
type punctual struct {
	*load.Monotonic
	settled bool
}

func (p *punctual) SleepUntil(t int64) {
	if !p.settled {
		p.settled = true
		goFirst() // until the thread ends, as a load's does with its run
	}
	p.Monotonic.SleepUntil(t)
}

// goFirst gives the calling thread the highest priority, if it may have it, and gives
// what takes it back. (Not real-time: the kernel takes a spinning real-time thread off its
// core for 50 ms in every second.)
func goFirst() (undo func()) {
	const highest = -20
	if unix.Setpriority(unix.PRIO_PROCESS, 0, highest) != nil {
		return func() {}
	}
	return func() { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, 0) }
}

// caller is a run of a Load.
type caller struct {
	Load
	clock  load.Clock
	client *mlclient.Client
	calls  chan started // closed when the run is over
	tasks  sync.WaitGroup

	inBudget, wrong atomic.Uint64
	mu              sync.Mutex
	examples        []string // guarded by mu
}

// newClient connects as a kernel subsystem does. Its own cache is made useless: what
// comes back is the bridge's doing, or the rule's when that is not there.
func newClient(ctx context.Context, socket, name string) (*mlclient.Client, error) {
	zero := make(map[ipc.Kind]float32)
	for _, k := range ipc.Kinds {
		zero[k] = 0
	}
	c := mlclient.New(mlclient.Config{
		Path: socket, Name: name, TTL: time.Nanosecond, StaleBound: time.Nanosecond, Thresholds: zero,
		RetryMax: 100 * time.Millisecond,
	})
	if err := c.WaitUp(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Run makes the calls. during, if not nil, runs beside them.
func (l Load) Run(ctx context.Context, during func(context.Context) error) (*Counts, error) {
	if l.Budget == nil {
		l.Budget = defaultBudget
	}
	up, cancel := context.WithTimeout(ctx, patience)
	client, err := newClient(up, l.Socket, "chaos")
	cancel()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	pacer, err := l.pacer()
	if err != nil {
		return nil, err
	}
	c := &caller{Load: l, clock: &punctual{Monotonic: load.NewMonotonic(0)}, client: client, calls: make(chan started, maxInFlight)}
	var waiting sync.WaitGroup // the first calls are not to wait for thousands of goroutines to start
	waiting.Add(maxInFlight)
	for range maxInFlight {
		c.tasks.Go(func() {
			waiting.Done()
			c.serve()
		})
	}
	waiting.Wait()
	calling, stop := context.WithCancel(ctx)
	defer stop()
	run, err := load.StartOpen(calling, load.Options{
		Pacer: pacer, Duration: l.For, Clock: c.clock, Labels: []string{"call"}, Sources: sources,
		MaxInFlight: maxInFlight, Drain: 5 * time.Second,
	}, c)
	if err != nil {
		close(c.calls)
		return nil, err
	}
	var broke error
	if during != nil {
		broke = during(ctx)
	}
	if l.UntilDone {
		stop()
	}
	result := run.Wait()
	close(c.calls)
	c.tasks.Wait()
	if ctx.Err() != nil {
		return nil, errors.Join(broke, context.Cause(ctx))
	}
	return c.counts(result), broke
}

func (l *Load) pacer() (load.Pacer, error) {
	if l.Random {
		return load.Poisson(l.Rate, 1)
	}
	return load.Constant(l.Rate)
}

func (c *caller) counts(r *load.Result) *Counts {
	all := r.Total()
	stats := c.client.Stats()
	out := &Counts{
		Sent: all.Intended - all.Dropped, Dropped: all.Dropped, Answered: all.Answered, InBudget: c.inBudget.Load(), BySource: make(map[string]uint64),
		Wrong: c.wrong.Load(), Lost: all.Intended - all.Dropped - all.Answered, Examples: c.examples,
		Latency: all.Latency, Pacing: load.QuantilesOf(r.Pacing).P99, Connects: stats.Connects, Hangs: stats.Hangs,
	}
	for i, s := range all.Sources {
		out.BySource[sources[i]] = s.Count
	}
	for text := range maps.Keys(all.Messages) {
		out.Examples = append(out.Examples, "no answer: "+text)
	}
	return out
}

// Issue hands the call on. There are as many goroutines as calls can be open.
func (c *caller) Issue(call load.Call) { c.calls <- started{call, c.clock.Now()} }

type started struct {
	load.Call
	at int64
}

func (c *caller) serve() {
	reqs, replies := make([]ipc.Request, 1), make([]ipc.Reply, 1)
	for call := range c.calls {
		i, q := c.Oracle.Question(call.N)
		reqs[0], replies[0] = q, ipc.Reply{}
		budget := c.Budget(call.N)
		left := max(budget-time.Duration(c.clock.Now()-call.Intended), time.Microsecond)
		err := c.client.Predict(context.Background(), reqs, replies, ipc.Options{Budget: left})
		answered := c.clock.Now()
		late := time.Duration(answered-call.Intended) > budget+c.Allowed
		r := &replies[0]
		o := outcome(err, r)
		call.Done(o)
		inTime := o.Err == nil && !late
		if c.each != nil {
			c.each(feltCall{call.Intended, time.Duration(call.at - call.Intended), time.Duration(answered - call.Intended), inTime})
		}
		if inTime {
			c.inBudget.Add(1)
		}
		if what := c.Oracle.Wrong(i, r); what != "" {
			c.isWrong(what)
		}
	}
}

func (c *caller) isWrong(what string) {
	c.wrong.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.examples) < maxExamples {
		c.examples = append(c.examples, what)
	}
}

func outcome(err error, r *ipc.Reply) load.Outcome {
	switch {
	case err != nil:
		return load.Outcome{Err: err}
	case r.Status != ipc.StatusOK:
		return load.Outcome{Err: &ipc.StatusError{Status: r.Status, Text: r.Error}}
	case r.Source < ipc.SourceModel || r.Source > ipc.SourceRule:
		return load.Outcome{Err: errors.New("an answer without a source")}
	}
	return load.Outcome{Source: int(r.Source - ipc.SourceModel)}
}
