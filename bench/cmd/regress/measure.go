package main

import (
	"context"
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
	sides [2]side
	floor row.Row
	times row.Times
	short row.Times // the floor's
	lock  *turn.Lock
}

func newMeter(sides [2]side, o *options) *meter {
	m := &meter{sides: sides, lock: turn.New(o.lock), times: row.Times{Warm: o.run / 2, Run: o.run}, short: row.Times{Warm: o.run / 10, Run: o.run / 2}}
	for _, r := range row.All() {
		if r.Name == row.FloorName {
			m.floor = r
		}
	}
	return m
}

// all measures every row once a round. The side that goes first changes with the round,
// and the rows go backwards in every second one: what drifts on the machine falls on
// both sides alike.
func (m *meter) all(ctx context.Context, all []*pairs, rounds int) error {
	defer m.lock.Release()
	for round := range rounds {
		fmt.Fprintf(os.Stderr, "pair %d of %d:", round+1, rounds)
		for i := range all {
			p := all[i]
			if round%4 >= 2 {
				p = all[len(all)-1-i]
			}
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

// pair measures one row on both sides, the floor before, between and behind.
func (m *meter) pair(ctx context.Context, p *pairs, first int) error {
	if err := m.lock.Take(ctx); err != nil {
		return err
	}
	before, err := m.floor.Measure(ctx, m.sides[fresh].env, m.short)
	if err != nil {
		return err
	}
	var s [2]sample
	var p50, cpu [2]float64
	for _, i := range [2]int{first, 1 - first} {
		result, err := p.row.Measure(ctx, m.sides[i].env, m.times)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			p.err[i] = err
			return nil
		}
		after, err := m.floor.Measure(ctx, m.sides[fresh].env, m.short)
		if err != nil {
			return err
		}
		s[i] = newSample(&result, &before, &after)
		p50[i], cpu[i] = result.P50, result.CPU
		before = after
	}
	p.samples, p.p50, p.cpu = append(p.samples, s), append(p.p50, p50), append(p.cpu, cpu)
	return nil
}

func newSample(r, before, after *load.Result) sample {
	return sample{
		timeToC: 2 * r.P50 / (before.P50 + after.P50),
		cpuToC:  2 * r.CPU / (before.CPU + after.CPU),
		allocs:  r.Allocs,
	}
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
