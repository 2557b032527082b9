package scale

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/wire"
	"github.com/mlbridge/mlbridge/ipc"
)

// patient is a budget so long that a busy machine does not turn a measurement of one
// source into one of another.
const patient = payload.BudgetNs * time.Nanosecond

// seed makes random agents the same in every run.
const seed = 0x6d6c62

// anyOf gives random agents of 1..n.
func anyOf(n float64) func(uint64) uint64 {
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	return func(uint64) uint64 { return 1 + random.Uint64N(uint64(n)) }
}

// filler asks once about each agent, in batches.
type filler struct {
	ask     ipc.Predictor
	have    uint64 // agents asked about so far: 1..have
	reqs    []ipc.Request
	replies []ipc.Reply
}

// fillBatch is the largest batch that a bridge takes.
const fillBatch = 256

func newFiller(ask ipc.Predictor) *filler {
	f := &filler{ask: ask, replies: make([]ipc.Reply, fillBatch)}
	for range fillBatch {
		q := payload.New(ipc.Workload)
		payload.Fill(q, payload.Hot)
		f.reqs = append(f.reqs, q)
	}
	return f
}

// until asks about the agents up to n. Each must get the model's answer, or a cached one.
func (f *filler) until(ctx context.Context, n uint64) error {
	for f.have < n {
		batch := min(fillBatch, int(n-f.have))
		for i := range batch {
			f.reqs[i].(*ipc.WorkloadRequest).AgentID = f.have + uint64(i) + 1
		}
		err := f.ask.Predict(ctx, f.reqs[:batch], f.replies[:batch], ipc.Options{Budget: patient, RequireModel: true})
		if err != nil {
			return fmt.Errorf("scale: asking about agent %d: %w", f.have+1, err)
		}
		for i := range batch {
			if r := &f.replies[i]; r.Status != ipc.StatusOK {
				return fmt.Errorf("scale: agent %d: %v: %s", f.have+uint64(i)+1, r.Status, r.Error)
			}
		}
		f.have += uint64(batch)
	}
	return nil
}

// bridgeCache fills the bridge's cache step by step and hits it.
func bridgeCache(ctx context.Context, s *Spec) ([]curve.Point, error) {
	client, err := ipc.Dial(ctx, s.Address, ipc.ClientConfig{Name: "bench"})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	fill := newFiller(client)
	set, err := wire.Dial(s.Address, 1)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	// One agent in the largest batches: buffers have their size before memory counts.
	for range 64 {
		fill.have = 0
		if err := fill.until(ctx, 1); err != nil {
			return nil, err
		}
	}
	before, err := process.Resident(s.Bridge)
	if err != nil {
		return nil, err
	}
	kept, err := collected(s.HTTP)
	if err != nil {
		return nil, err
	}
	var points []curve.Point
	for _, x := range s.Xs {
		p := curve.NewPoint(s.Curve, x)
		if err := fill.until(ctx, uint64(x)); err != nil {
			return nil, err
		}
		after, err := process.Resident(s.Bridge)
		if err != nil {
			return nil, err
		}
		p.ResidentEach = each(before, after, x)
		if err := s.hitAgents(ctx, set, &p); err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	// Last of all, because making the collector run leaves garbage in memory.
	live, err := collect(ctx, s.HTTP)
	if err != nil {
		return nil, err
	}
	last := &points[len(points)-1]
	last.LiveEach = each(kept, live, last.X)
	return points, nil
}

// hitAgents measures latency with one call in flight, and throughput with many.
func (s *Spec) hitAgents(ctx context.Context, set *wire.Set, p *curve.Point) error {
	plan := wire.Plan{
		InFlight: 1, Frame: wire.Agents(anyOf(p.X)), Budget: patient, Want: ipc.SourceCache,
		Warm: s.Warm, Run: s.Run, Servers: s.Servers,
	}
	single, _, err := wire.Closed(ctx, set, plan)
	if err != nil {
		return err
	}
	latencies(p, &single)
	plan.InFlight = inFlight
	many, cpu, err := wire.Closed(ctx, set, plan)
	if err != nil {
		return err
	}
	p.PerSecond, p.ServerCPU, p.ClientCPU = curve.Figure(many.PerSecond), curve.Figure(many.CPU), curve.Figure(cpu)
	p.Hits = share(single.Questions-single.Unexpected+many.Questions-many.Unexpected, single.Questions+many.Questions)
	return nil
}

func share(part, whole int64) curve.Figure {
	return curve.Figure(float64(part) / float64(max(whole, 1)))
}
