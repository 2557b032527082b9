package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/row"
	"github.com/mlbridge/mlbridge/bench/internal/system"
	"github.com/mlbridge/mlbridge/bench/internal/turn"
)

// figure is what is compared of a row.
type figure int

// The figures of a row, all on one core.
const (
	timeToC figure = iota // p50 of a call over the floor's
	cpuToC                // CPU of a call, all processes, over the floor's
	allocs                // allocations of a call, all processes
	figures
)

// sample is one measurement of a row on one side.
type sample [figures]float64

// pairs are a row's measurements, old and new beside each other.
type pairs struct {
	row     row.Row
	samples [][2]sample
	p50     [][2]float64 // µs, for people
	cpu     [][2]float64 // µs
	err     [2]error     // that ended the measuring of a row
}

// meter measures pair after pair.
type meter struct {
	envs  [2]*system.Env
	times row.Times
	lock  *turn.Lock
}

func newMeter(sides [2]side, o *options) *meter {
	return &meter{
		envs: [2]*system.Env{sides[old].env, sides[fresh].env}, lock: turn.New(o.lock),
		times: row.Times{Warm: o.run / 2, Run: o.run},
	}
}

// all measures every row once a round. The side that goes first changes with the round:
// what comes of being the first falls on both alike.
func (m *meter) all(ctx context.Context, all []*pairs, rounds int) error {
	defer m.lock.Release()
	for round := range rounds {
		fmt.Fprintf(os.Stderr, "pair %d of %d:", round+1, rounds)
		for _, p := range all {
			if p.err[old] != nil || p.err[fresh] != nil {
				continue
			}
			fmt.Fprintf(os.Stderr, " %s", p.row.Name)
			if err := m.pair(ctx, p, round%2); err != nil {
				return err
			}
		}
		fmt.Fprintln(os.Stderr)
	}
	return nil
}

// pair measures one row on both sides and the floor beside them. Only what goes wrong
// beside the two sides is an error.
func (m *meter) pair(ctx context.Context, p *pairs, first int) error {
	if err := m.lock.Take(ctx); err != nil {
		return err
	}
	d, err := p.row.Duel(ctx, m.envs, first, m.times)
	var failed *row.SideError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &failed):
		p.err[failed.Side] = failed
		return nil
	case err != nil:
		return err
	}
	p.samples = append(p.samples, [2]sample{newSample(&d.Sides[old], &d.Floor), newSample(&d.Sides[fresh], &d.Floor)})
	p.p50 = append(p.p50, [2]float64{d.Sides[old].P50, d.Sides[fresh].P50})
	p.cpu = append(p.cpu, [2]float64{d.Sides[old].CPU, d.Sides[fresh].CPU})
	return nil
}

func newSample(r, floor *load.Result) sample {
	return sample{timeToC: r.P50 / floor.P50, cpuToC: r.CPU / floor.CPU, allocs: r.Allocs}
}

// differences gives new − old of each pair: of logarithms for what is compared by
// factors, so that twice as much and half as much are equally far apart.
func (p *pairs) differences(f figure) []float64 {
	d := make([]float64, 0, len(p.samples))
	for _, s := range p.samples {
		a, b := s[old][f], s[fresh][f]
		if f != allocs {
			a, b = math.Log(a), math.Log(b)
		}
		d = append(d, b-a)
	}
	return d
}

// of gives one side's values of a figure.
func (p *pairs) of(i int, f figure) []float64 {
	v := make([]float64, 0, len(p.samples))
	for _, s := range p.samples {
		v = append(v, s[i][f])
	}
	return v
}

// chosen gives the rows of the command line that both sides can answer.
func chosen(ctx context.Context, sides [2]side, o *options) (list []*pairs) {
	hosts := system.HostsEngine(ctx, sides[old].env) && system.HostsEngine(ctx, sides[fresh].env)
	for _, r := range row.All() {
		switch {
		case !o.only.MatchString(r.Name), !r.Ratio, r.Name == row.FloorName:
		case r.Needs == row.Node, r.Needs == row.Embedded && !hosts:
		default:
			list = append(list, &pairs{row: r})
		}
	}
	return list
}
