package tail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/ipc/timeslice"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Sources names who can answer, as Series.From counts them. The last stands for a call
// without an answer.
var Sources = []string{"model", "cache", "stale", "rule", "none"}

const noAnswer = 4

// Ask says what the client process does.
type Ask struct {
	Socket    string
	Hot       bool // one question for ever, which the bridge's cache answers
	Short     bool // in short turns on the processor
	Budget    time.Duration
	Rate      int // calls a second
	Warm, Run time.Duration
}

// Asked is what the client process says.
type Asked struct {
	Series  Series
	Pacing  float64 // p99 of how late the client itself started calls, µs
	Waiting float64 // time its threads were ready and did not run, µs a call
	GC      uint32  // its own collections
	Links   uint64  // connections it made
}

// inFlight bounds the calls that are open at a time, and with them the goroutines.
const inFlight = 256

// wakeShare is the part of the budget that a caller keeps for being woken with the
// answer, as kernelsim's do.
const wakeShare = 5

// asker is the target of the open loop: it hands calls to goroutines, each with a
// question and an answer of its own.
type asker struct {
	ask    Ask
	clock  load.Clock
	client *mlclient.Client
	calls  chan load.Call
	tasks  sync.WaitGroup
	first  uint64 // the number of the first measured call
	series Series
}

// Do asks as a says and gives what came of it.
func (a Ask) Do(ctx context.Context) (*Asked, error) {
	if a.Short {
		if err := timeslice.Set(timeslice.Short); err != nil {
			return nil, err
		}
	}
	c, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	pacer, err := load.Constant(float64(a.Rate))
	if err != nil {
		return nil, err
	}
	k := &asker{
		ask: a, clock: load.NewMonotonic(0), client: c, calls: make(chan load.Call, inFlight),
		first: uint64(a.Warm.Seconds() * float64(a.Rate)),
	}
	n := int(a.Run.Seconds() * float64(a.Rate))
	k.series = Series{Interval: int64(time.Second) / int64(a.Rate), Late: make([]uint32, n), From: make([]uint8, n), Why: make([]uint8, n)}
	for i := range k.series.From {
		k.series.From[i] = noAnswer
	}
	for range inFlight {
		k.tasks.Go(k.serve)
	}
	before := readSelf()
	run, err := load.StartOpen(ctx, load.Options{
		Pacer: pacer, Warmup: a.Warm, Duration: a.Run, MaxCalls: k.first + uint64(n), Clock: k.clock,
		Labels: []string{"call"}, Sources: Sources, MaxInFlight: inFlight,
	}, k)
	if err != nil {
		return nil, err
	}
	result := run.Wait()
	after := readSelf()
	close(k.calls)
	k.tasks.Wait()
	if result.Interrupted {
		return nil, context.Cause(ctx)
	}
	out := &Asked{Series: k.series, GC: after.gc - before.gc, Links: c.Stats().Connects}
	out.Pacing = float64(load.QuantilesOf(result.Pacing).P99.Nanoseconds()) / 1e3
	out.Waiting = float64(after.waiting-before.waiting) / 1e3 / float64(k.first+uint64(n))
	return out, nil
}

// dial connects as a subsystem of the kernel does: through the client that connects again
// by itself and answers by rule when nothing better comes in time. Its own cache is made
// useless, as the way to the bridge is measured.
func (a Ask) dial(ctx context.Context) (*mlclient.Client, error) {
	c := mlclient.New(mlclient.Config{
		Path: a.Socket, Name: "tails", TTL: time.Nanosecond, StaleBound: time.Nanosecond,
		Thresholds: map[ipc.Kind]float32{ipc.Workload: 0}, // the toy's confidence is noise
	})
	if err := c.WaitUp(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Issue hands the call on. There are as many goroutines as calls can be open.
func (k *asker) Issue(c load.Call) {
	if c.N == k.first {
		k.series.Start = c.Intended
	}
	k.calls <- c
}

func (k *asker) serve() {
	q := payload.New(ipc.Workload)
	payload.Fill(q, payload.Hot)
	reqs, replies := []ipc.Request{q}, make([]ipc.Reply, 1)
	for c := range k.calls {
		if !k.ask.Hot {
			payload.Fill(q, int(c.N))
		}
		replies[0] = ipc.Reply{}
		passed := time.Duration(k.clock.Now() - c.Intended)
		budget := max(k.ask.Budget-k.ask.Budget/wakeShare-passed, time.Microsecond)
		err := k.client.Predict(context.Background(), reqs, replies, ipc.Options{Budget: budget})
		k.finish(c, outcome(err, &replies[0]), replies[0].Reason)
	}
}

var errNone = errors.New("no answer")

func outcome(err error, r *ipc.Reply) load.Outcome {
	switch {
	case err != nil:
		return load.Outcome{Err: err}
	case r.Status != ipc.StatusOK || r.Source < ipc.SourceModel || r.Source > ipc.SourceRule:
		return load.Outcome{Err: errNone}
	}
	return load.Outcome{Source: int(r.Source - ipc.SourceModel)}
}

// finish notes the call in its own place: nobody else writes there.
func (k *asker) finish(c load.Call, o load.Outcome, why ipc.Reason) {
	late := k.clock.Now() - c.Intended
	if c.N >= k.first && int(c.N-k.first) < len(k.series.Late) {
		i := c.N - k.first
		k.series.Late[i] = uint32(min(late, 1<<32-1))
		if o.Err == nil {
			k.series.From[i], k.series.Why[i] = uint8(o.Source), uint8(why)
		}
	}
	c.Done(o)
}

// Answer is the client process: an Ask comes as an argument.
func Answer(ctx context.Context, text string) ([]byte, error) {
	var a Ask
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, fmt.Errorf("tail: %w", err)
	}
	r, err := a.Do(ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(r)
}
