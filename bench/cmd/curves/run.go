package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/scale"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// run is the measurement of one curve.
type run struct {
	env   *system.Env
	plan  plan
	curve *curve.Curve
}

// measure fills in the curve's points.
func (r *run) measure(ctx context.Context) error {
	r.env.Pinned = r.plan.core != free
	defer func() { r.env.Pinned = false }()
	xs := r.plan.xs
	if r.plan.ofMost != nil {
		most, err := r.round(ctx, scale.Capacity+r.curve.Name, nil)
		if err != nil {
			return err
		}
		capacity := float64(most[0].PerSecond)
		r.curve.How += fmt.Sprintf(" A closed loop with 512 calls in flight got %s answers a second.", curve.Short(capacity))
		for _, part := range r.plan.ofMost {
			xs = append(xs, twoDigits(part*capacity))
		}
	}
	var rounds [][]curve.Point
	for range r.plan.rounds {
		points, err := r.round(ctx, r.curve.Name, xs)
		if err != nil {
			return err
		}
		rounds = append(rounds, points)
	}
	r.curve.Points = middle(rounds)
	return nil
}

// round starts fresh servers and measures once. A load curve gets a client process for
// each rate: a generator makes one run.
func (r *run) round(ctx context.Context, name string, xs []float64) (points []curve.Point, err error) {
	s, err := system.StartChain(r.plan.chain)(ctx, r.env)
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	spec := scale.Spec{
		Curve: name, Address: s.Address, HTTP: s.HTTP, Bridge: s.PIDs[len(s.PIDs)-1], Servers: s.PIDs,
		Xs: xs, Warm: r.plan.warm, Run: r.plan.run,
	}
	if r.plan.ofMost == nil || xs == nil {
		return ask(ctx, r.env, r.plan.core == oneCore, &spec)
	}
	for i := range xs {
		spec.Xs = xs[i : i+1]
		one, err := ask(ctx, r.env, false, &spec)
		if err != nil {
			return nil, err
		}
		points = append(points, one...)
	}
	return points, nil
}

// middle takes, for each x, the median of the rounds that are not void: whole points, so
// that the figures of one belong together. What orders them is what the curve is about: answers in the
// budget where they are counted, else the throughput, else the p50.
func middle(rounds [][]curve.Point) (points []curve.Point) {
	longest := slices.MaxFunc(rounds, func(a, b []curve.Point) int { return cmp.Compare(len(a), len(b)) })
	for i := range longest {
		var at []curve.Point
		for _, round := range rounds {
			if i < len(round) && !round[i].Void {
				at = append(at, round[i])
			}
		}
		if len(at) == 0 {
			points = append(points, longest[i])
			continue
		}
		slices.SortStableFunc(at, func(a, b curve.Point) int { return cmp.Compare(merit(&a), merit(&b)) })
		points = append(points, at[len(at)/2])
	}
	return points
}

// merit is the more the better.
func merit(p *curve.Point) float64 {
	switch {
	case p.Kept.Known():
		return float64(p.Kept)
	case p.PerSecond.Known():
		return float64(p.PerSecond)
	}
	return -float64(p.P50)
}
