package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Point is one load. Shares are of the calls that were started.
type Point struct {
	Load        float64 `json:"load"`    // in multiples of what the daemon can answer
	Offered     float64 `json:"offered"` // calls a second
	Goodput     float64 `json:"goodput"` // answers of the model in time, a second
	HighByModel float64 `json:"high_by_model_in_time"`
	HighInTime  float64 `json:"high_in_time"` // whoever answered
	InTime      float64 `json:"in_time"`
	P99         float64 `json:"p99_ns"` // of all calls; 2^63 is none
	// In Valid of the Windows no sleeper was late; HighCalls of the high class were due in
	// these, HighKept of them were in time.
	Windows   int `json:"windows"`
	Valid     int `json:"valid_windows"`
	HighCalls int `json:"high_calls_in_valid_windows"`
	HighKept  int `json:"high_in_time_in_valid_windows"`
	// Sleeper is the share of the points in time that sleepers met 200 µs too late.
	Sleeper float64 `json:"sleeper_late"`
	// Left is the share of all answers that left ml-bridge after their deadline.
	Left    float64 `json:"left_late"`
	Late    float64 `json:"pacing_p99_ns"` // the generator's own
	Dropped float64 `json:"failed"`        // starts not made, errors and calls without an answer
}

const (
	connections = 16
	workers     = 512
	warmup      = 500 * time.Millisecond
)

// classes are those of the calls by their number; the labels of a run are their names.
var classes = []ipc.Class{ipc.ClassLow, ipc.ClassNormal, ipc.ClassHigh}

func labelOf(n uint64) int {
	switch {
	case n%20 == 0:
		return 2
	case n%2 == 0:
		return 1
	}
	return 0
}

// generator calls through several connections.
type generator struct {
	budget  time.Duration
	run     time.Duration
	clients []*ipc.Client
	calls   chan load.Call
	tasks   sync.WaitGroup
	agent   atomic.Uint64

	mu   sync.Mutex
	high []noted // guarded by mu
}

func newGenerator(ctx context.Context, address string, o *options) (*generator, error) {
	g := &generator{budget: o.budget, run: o.run, calls: make(chan load.Call, 1<<14)}
	for range connections {
		c, err := ipc.Dial(ctx, address, ipc.ClientConfig{Name: "overload"})
		if err != nil {
			g.close()
			return nil, err
		}
		g.clients = append(g.clients, c)
	}
	for i := range workers {
		g.tasks.Go(func() { g.work(g.clients[i%connections]) })
	}
	return g, nil
}

func (g *generator) close() {
	close(g.calls)
	g.tasks.Wait()
	for _, c := range g.clients {
		_ = c.Close()
	}
}

// work makes calls, one after the other.
func (g *generator) work(c *ipc.Client) {
	q := &ipc.WorkloadRequest{HistoricalCPU: []float32{0.2, 0.4}, HistoricalMemory: []uint64{1 << 30, 1 << 30}, CurrentCPU: 0.4, CurrentMemory: 1 << 30}
	reqs, replies := []ipc.Request{q}, make([]ipc.Reply, 1)
	for call := range g.calls {
		q.AgentID = g.agent.Add(1)
		err := c.Predict(context.Background(), reqs, replies, ipc.Options{Budget: g.budget, Class: classes[call.Label]})
		r := &replies[0]
		if err == nil && r.Status != ipc.StatusOK {
			err = &ipc.StatusError{Status: r.Status, Text: r.Error}
		}
		took := now() - time.Duration(call.Intended)
		call.Done(load.Outcome{Source: int(r.Source), Err: err})
		if classes[call.Label] == ipc.ClassHigh {
			// The client gives up on an answer at the end of the budget, which is an error.
			g.note(noted{time.Duration(call.Intended), err == nil && took <= g.budget})
		}
	}
}

func (g *generator) note(call noted) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.high = append(g.high, call)
}

// noted gives the calls of the high class since it was asked last.
func (g *generator) noted() []noted {
	g.mu.Lock()
	defer g.mu.Unlock()
	high := g.high
	g.high = nil
	return high
}

// point measures one load, beside sleepers that it ends.
func (g *generator) point(ctx context.Context, multiple, rate float64, beside *hiccup.Sleepers) (Point, error) {
	pacer, err := load.Poisson(rate, 1)
	if err != nil {
		return Point{}, err
	}
	o := load.Options{
		Pacer: pacer, Duration: g.run, Warmup: warmup, Budget: g.budget, MaxInFlight: 1 << 14,
		Clock:  load.NewMonotonic(-1), // a processor that spins is missing elsewhere
		Labels: []string{"low", "normal", "high"}, LabelOf: labelOf,
	}
	for _, s := range ipc.Sources {
		o.Sources = append(o.Sources, s.String())
	}
	began := now() + warmup
	run, err := load.StartOpen(ctx, o, load.TargetFunc(func(c load.Call) { g.calls <- c }))
	if err != nil {
		return Point{}, err
	}
	r := run.Wait()
	log, err := beside.End()
	if err != nil {
		return Point{}, err
	}
	all, high := r.Total(), r.Labels[2]
	w, slept := judge(g.noted(), log, began, g.run, g.budget), log.Total()
	return Point{
		Load: multiple, Offered: rate,
		Goodput:     float64(g.byModel(all)) / r.Elapsed.Seconds(),
		HighByModel: float64(g.byModel(high)) / float64(max(high.Intended, 1)),
		HighInTime:  high.Share(), InTime: all.Share(),
		Windows: w.all, Valid: w.valid, HighCalls: w.calls + int(high.Dropped), HighKept: w.inTime, // what was not made was not in time
		Sleeper: float64(slept.Missed) / float64(max(slept.Points, 1)),
		P99:     float64(all.Quantiles().P99),
		Late:    float64(r.Pacing.ValueAtQuantile(99)),
		Dropped: float64(all.Dropped+all.Errors+all.Lost) / float64(max(all.Intended, 1)),
	}, ctx.Err()
}

// byModel counts the answers of the model that came in time.
func (g *generator) byModel(l *load.Label) (n int64) {
	h := l.Sources[ipc.SourceModel].Latency
	if h == nil {
		return 0
	}
	for _, bar := range h.Distribution() {
		if bar.To <= int64(g.budget) {
			n += bar.Count
		}
	}
	return n
}
