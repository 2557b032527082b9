package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
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
	P99         float64 `json:"p99_ns"`
	// HighLate is the share of the high class that was late while the sleeper was never as
	// late; Sleeper is the share of the points in time that it met 200 µs too late.
	HighLate float64 `json:"high_late_and_sleeper_not"`
	Sleeper  float64 `json:"sleeper_late"`
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
	late []stall // guarded by mu: calls of the high class that were late, from their start to their end
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
		call.Done(load.Outcome{Source: int(r.Source), Err: err})
		if classes[call.Label] == ipc.ClassHigh {
			g.note(stall{time.Duration(call.Intended), now()}, err)
		}
	}
}

// note remembers a call that was late. The client gives up on an answer at the end of the
// budget, which is an error.
func (g *generator) note(call stall, err error) {
	if err == nil && call.to-call.from <= g.budget {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.late = append(g.late, call)
}

// alone counts the late calls since the measured part began during which the sleeper was
// never as late.
func (g *generator) alone(s *sleeper, began time.Duration) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.late {
		if c.from >= began && !s.asLate(c.from, c.to, c.to-c.from-g.budget) {
			n++
		}
	}
	g.late = g.late[:0]
	return n
}

// point measures one load.
func (g *generator) point(ctx context.Context, multiple, rate float64) (Point, error) {
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
	beside := startSleeper(ctx)
	began := now() + warmup
	run, err := load.StartOpen(ctx, o, load.TargetFunc(func(c load.Call) { g.calls <- c }))
	if err != nil {
		return Point{}, err
	}
	r := run.Wait()
	sleeper := beside.end()
	all, high := r.Total(), r.Labels[2]
	return Point{
		Load: multiple, Offered: rate,
		Goodput:     float64(g.byModel(all)) / r.Elapsed.Seconds(),
		HighByModel: float64(g.byModel(high)) / float64(max(high.Intended, 1)),
		HighInTime:  high.Share(), InTime: all.Share(),
		HighLate: float64(g.alone(beside, began)) / float64(max(high.Intended, 1)), Sleeper: sleeper,
		P99:     float64(all.Latency.ValueAtQuantile(99)),
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
