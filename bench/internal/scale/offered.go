package scale

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mlbridge/mlbridge/bench/internal/client"
	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/wire"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Capacity before the name of a load curve asks for one point of a closed loop: the
// highest throughput, which the offered rates are chosen by.
const Capacity = "capacity of "

// The open loop's connections, and the budget of its calls, which is the bridge's
// default.
const (
	loadConns = 8
	budget    = time.Millisecond
)

// question gives the curve's calls and the source that they should be answered from.
func (s *Spec) question() (wire.Frame, ipc.Source) {
	if strings.HasSuffix(s.Curve, curve.LoadHit) {
		return wire.Hot(), ipc.SourceCache
	}
	return wire.New(), ipc.SourceModel
}

// prime lets the bridge know every agent of the new questions: from then on it can
// answer with a stale prediction, as a bridge that has run for a while.
func (s *Spec) prime(ctx context.Context) error {
	_, err := client.Run(ctx, client.Spec{Address: s.Address}.Primer())
	return err
}

// capacity keeps as many calls in flight as the open loop may have at most. Their
// budget is long: what is sought is how many answers the model can give.
func capacity(ctx context.Context, s *Spec) ([]curve.Point, error) {
	if err := s.prime(ctx); err != nil {
		return nil, err
	}
	set, err := wire.Dial(s.Address, loadConns)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	frame, want := s.question()
	r, cpu, err := wire.Closed(ctx, set, wire.Plan{
		InFlight: loadConns * wire.PerConn, Frame: frame, Budget: patient, Want: want,
		Warm: s.Warm, Run: s.Run, Servers: s.Servers,
	})
	if err != nil {
		return nil, err
	}
	p := curve.NewPoint(s.Curve, 0)
	latencies(&p, &r)
	p.PerSecond, p.ServerCPU, p.ClientCPU = curve.Figure(r.PerSecond), curve.Figure(r.CPU), curve.Figure(cpu)
	return []curve.Point{p}, nil
}

// offered makes calls at one rate, whatever becomes of them.
func offered(ctx context.Context, s *Spec) ([]curve.Point, error) {
	if err := s.prime(ctx); err != nil {
		return nil, err
	}
	if len(s.Xs) != 1 {
		return nil, errors.New("scale: a generator makes one run")
	}
	p, err := s.offer(ctx, s.Xs[0])
	if err != nil {
		return nil, fmt.Errorf("%g calls a second: %w", s.Xs[0], err)
	}
	return []curve.Point{p}, nil
}

func (s *Spec) offer(ctx context.Context, rate float64) (curve.Point, error) {
	p := curve.NewPoint(s.Curve, rate)
	set, err := wire.Dial(s.Address, loadConns)
	if err != nil {
		return p, err
	}
	defer set.Close()
	pacer, err := load.Poisson(rate, seed)
	if err != nil {
		return p, err
	}
	o := load.Options{
		Pacer: pacer, Duration: s.Run, Warmup: s.Warm, Budget: budget, MaxInFlight: loadConns * wire.PerConn,
		Labels: []string{s.Curve}, Sources: wire.Sources,
	}
	frame, _ := s.question()
	g := wire.NewGenerator(set, frame, budget, o)
	o.Clock = g
	cpu := process.CPUTime(s.Servers)
	// Neither a collection nor a goroutine that waits for a processor of Go's may hold the
	// pacing thread up: a run is short and leaves little garbage, and which thread gets a
	// core is for the kernel to say.
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(4 * runtime.NumCPU())
	run, err := load.StartOpen(ctx, o, g)
	if err != nil {
		_ = g.Close()
		return p, err
	}
	result := run.Wait()
	cpu = process.CPUTime(s.Servers) - cpu
	if err := g.Close(); err != nil {
		return p, err
	}
	describe(&p, result, g.Kept())
	answered := result.Total().Answered + result.WarmupCalls
	p.ServerCPU = curve.Figure(float64(cpu.Nanoseconds()) / 1e3 / float64(max(answered, 1)))
	return p, nil
}

// describe fills in what an open loop found, and kept, its generator's figure.
func describe(p *curve.Point, r *load.Result, kept float64) {
	all := r.Total()
	of := func(n uint64) curve.Figure { return share(int64(n), int64(all.Intended)) }
	q := all.Quantiles()
	µs := func(d time.Duration) curve.Figure { return curve.Figure(float64(d.Nanoseconds()) / 1e3) }
	for to, took := range map[*curve.Figure]time.Duration{&p.P50: q.P50, &p.P99: q.P99, &p.P999: q.P999} {
		if q.Count > 0 && took != load.Unanswered { // no figure: a call without an answer
			*to = µs(took)
		}
	}
	p.PerSecond = curve.Figure(r.Rate())
	var inBudget uint64
	for i, to := range []*curve.Figure{&p.Model, &p.Cache, &p.Stale, &p.Rule} {
		*to = of(all.Sources[i].Count)
		if i < 2 {
			inBudget += within(all.Sources[i].Latency, r.Budget)
		}
	}
	p.InBudget, p.Kept = of(inBudget), curve.Figure(kept)
	p.Refused, p.Dropped = of(all.Errors+all.Lost), of(all.Dropped)
	p.Lateness = µs(load.QuantilesOf(r.Pacing).P99)
	p.Void = !curve.Served(p) && (p.Lateness > curve.MostLate || r.Overrun > 0)
}

// within counts the latencies of at most limit, to the histogram's precision of 0.1 %.
func within(h *hdrhistogram.Histogram, limit time.Duration) (n uint64) {
	if h == nil {
		return 0
	}
	for _, bar := range h.Distribution() {
		if bar.From <= limit.Nanoseconds() {
			n += uint64(bar.Count)
		}
	}
	return n
}
