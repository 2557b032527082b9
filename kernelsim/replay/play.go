package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/record"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Bounds of Config.Speed.
const (
	MinSpeed = 0.001
	MaxSpeed = 1000
)

// maxLasts bounds when a call may be due: ten years on, which no recording is, but a damaged
// one may claim any time, and times beyond 2^63 ns would wrap.
const maxLasts = 10 * 365 * 24 * time.Hour

// Config says what is played where, and how fast.
type Config struct {
	Calls      []record.Call
	Predictors []ipc.Predictor // ways to the bridge; recorded connections are dealt out over them
	Speed      float64         // 1 is the original pace
	Budget     time.Duration   // of every call; 0 keeps each call's own
	Default    time.Duration   // of calls that name none
	Callers    int             // calls under way at a time
	// Started, when set, is given the run as it begins, to watch it.
	Started func(load.Run)
}

// Played is what a bridge said to the calls.
type Played struct {
	Replies [][]ipc.Reply // by call; nil where the call as a whole had no answer
	Late    []bool        // by call: answered after its budget, or not at all
	NotSent int           // calls that were not made: no caller was free, or the run was interrupted
	Load    *load.Result
}

// player is the load's target.
type player struct {
	cfg   Config
	clock load.Clock
	way   []int // predictor by call
	out   *Played
	calls chan load.Call // closed when the run is over
	sent  atomic.Int64
	tasks sync.WaitGroup
}

// Play asks everything and waits for the answers. It ends early, with what there is, when
// ctx does. The error is about cfg.
func Play(ctx context.Context, cfg Config) (*Played, error) {
	n := len(cfg.Calls)
	switch {
	case n == 0:
		return nil, errors.New("replay: no call in the recording")
	case !(cfg.Speed >= MinSpeed && cfg.Speed <= MaxSpeed):
		return nil, fmt.Errorf("replay: speed %v is not in [%v, %v]", cfg.Speed, MinSpeed, float64(MaxSpeed))
	case len(cfg.Predictors) == 0 || cfg.Callers < 1:
		return nil, errors.New("replay: no way to the bridge, or no caller")
	}
	pace := schedule{cfg.Calls, cfg.Speed}
	for i := range cfg.Calls {
		if pace.At(uint64(i)) == maxLasts {
			return nil, fmt.Errorf("replay: at %g times the recording's speed, call %d of %d is due more than ten years after the first: a damaged recording, or too slow", cfg.Speed, i+1, n)
		}
	}
	p := &player{
		cfg: cfg, clock: load.NewMonotonic(0), way: ways(cfg.Calls, len(cfg.Predictors)),
		out:   &Played{Replies: make([][]ipc.Reply, n), Late: make([]bool, n)},
		calls: make(chan load.Call, cfg.Callers),
	}
	for i := range p.out.Late {
		p.out.Late[i] = true
	}
	asking, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range cfg.Callers {
		p.tasks.Go(func() { p.serve(asking) })
	}
	run, err := load.StartOpen(ctx, load.Options{
		Pacer: pace, Duration: pace.At(uint64(n-1)) + time.Millisecond, MaxCalls: uint64(n), Clock: p.clock,
		Budget: max(cfg.Budget, cfg.Default), Drain: max(load.DefaultDrain, longest(&cfg)), MaxInFlight: cfg.Callers,
		Labels: []string{"call"}, Sources: drive.Sources, Reasons: drive.Reasons,
	}, p)
	if err != nil {
		close(p.calls)
		return nil, err
	}
	if cfg.Started != nil {
		cfg.Started(run)
	}
	p.out.Load = run.Wait()
	cancel()
	close(p.calls)
	p.tasks.Wait()
	p.out.NotSent = n - int(p.sent.Load())
	return p.out, nil
}

// ways deals the recorded connections out in the order of their first call.
func ways(calls []record.Call, n int) []int {
	seen := make(map[uint64]int)
	out := make([]int, len(calls))
	for i := range calls {
		w, ok := seen[calls[i].Conn]
		if !ok {
			w = len(seen) % n
			seen[calls[i].Conn] = w
		}
		out[i] = w
	}
	return out
}

// schedule is the recording's own pace.
type schedule struct {
	calls []record.Call
	speed float64
}

// At implements load.Pacer: from 0 to maxLasts. A clock that stood still between two
// messages is no reason to go back in time.
func (s schedule) At(n uint64) time.Duration {
	if n >= uint64(len(s.calls)) {
		n = uint64(len(s.calls)) - 1
	}
	at := float64(max(s.calls[n].At-s.calls[0].At, 0)) / s.speed
	return time.Duration(min(at, float64(maxLasts)))
}

// String implements load.Pacer.
func (s schedule) String() string { return fmt.Sprintf("recorded, at %g times its speed", s.speed) }

// errBusy is what a call ends with that no caller is free for.
var errBusy = errors.New("replay: all callers are waiting for answers")

// errNone is what a call ends with of which no slot was answered.
var errNone = errors.New("replay: no slot was answered")

// Issue hands the call to a caller.
func (p *player) Issue(c load.Call) {
	select {
	case p.calls <- c:
	default:
		c.Done(load.Outcome{Err: errBusy})
	}
}

func (p *player) serve(ctx context.Context) {
	for c := range p.calls {
		c.Done(p.ask(ctx, c))
	}
}

func (p *player) ask(ctx context.Context, c load.Call) load.Outcome {
	m, err := ipc.ParsePredict(p.cfg.Calls[c.N].Question)
	if err != nil { // record.Load has read it before
		return load.Outcome{Err: err}
	}
	budget := p.cfg.budget(m)
	replies := make([]ipc.Reply, len(m.Requests))
	reqs, places := possible(m.Requests)
	answers := make([]ipc.Reply, len(reqs))
	passed := time.Duration(p.clock.Now() - c.Intended)
	opts := ipc.Options{Budget: max(budget-passed, time.Microsecond), RequireModel: m.RequireModel, Class: m.Class}
	p.sent.Add(1)
	if err := p.cfg.Predictors[p.way[c.N]].Predict(ctx, reqs, answers, opts); err != nil {
		return load.Outcome{Err: err}
	}
	out := load.Outcome{Err: errNone}
	for i, place := range places {
		replies[place] = answers[i]
		if a := &answers[i]; a.Status == ipc.StatusOK && a.Source >= ipc.SourceModel && a.Source <= ipc.SourceRule && out.Err != nil {
			out = load.Outcome{Source: int(a.Source - ipc.SourceModel)}
			if a.Reason.Valid() {
				out.Reason = int(a.Reason)
			}
		}
	}
	p.out.Replies[c.N] = replies
	p.out.Late[c.N] = out.Err != nil || time.Duration(p.clock.Now()-c.Intended) > budget
	return out
}

// budget is a call's.
func (c *Config) budget(m *ipc.PredictMessage) time.Duration {
	return cmp.Or(c.Budget, m.Budget, c.Default)
}

// longest is the longest budget of all calls, at most what a bridge takes: who has time left
// when the last call has been made is not late yet.
func longest(cfg *Config) (most time.Duration) {
	for i := range cfg.Calls {
		if m, err := ipc.ParsePredict(cfg.Calls[i].Question); err == nil {
			most = max(most, cfg.budget(m))
		}
	}
	return min(most, load.MaxBudget)
}

// possible leaves out what asks something impossible.
func possible(all []ipc.Request) (reqs []ipc.Request, places []int) {
	for i, q := range all {
		if q != nil {
			reqs, places = append(reqs, q), append(places, i)
		}
	}
	return reqs, places
}
