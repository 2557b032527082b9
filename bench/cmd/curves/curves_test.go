package main

import (
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/bench/internal/curve"
)

func TestMiddle(t *testing.T) {
	at := func(kept float64, void bool) []curve.Point {
		p := curve.NewPoint(curve.LoadHit, 10)
		p.Kept, p.Void = curve.Figure(kept), void
		return []curve.Point{p}
	}
	for _, c := range []struct {
		rounds [][]curve.Point
		want   curve.Figure
	}{
		{[][]curve.Point{at(0.9, false), at(0.5, false), at(0.7, false)}, 0.7},
		{[][]curve.Point{at(0.1, true), at(0.5, false), at(0.2, true)}, 0.5},
		{[][]curve.Point{at(0.1, true)}, 0.1},
	} {
		if got := middle(c.rounds); len(got) != 1 || got[0].Kept != c.want {
			t.Errorf("middle(%v) = %v, want %v", c.rounds, got, c.want)
		}
	}
}

// Where a round broke off early, the others still count.
func TestMiddleOfUnequalRounds(t *testing.T) {
	a, b := curve.NewPoint(curve.ActiveConns, 1), curve.NewPoint(curve.ActiveConns, 10)
	a.PerSecond, b.PerSecond = 5, 4
	if got := middle([][]curve.Point{{a}, {a, b}}); len(got) != 2 || got[1].X != 10 {
		t.Errorf("middle = %v", got)
	}
}

func TestTwoDigits(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 7: 7, 123: 120, 98765: 99000, 1.96e6: 2e6} {
		if got := twoDigits(v); got != want {
			t.Errorf("twoDigits(%v) = %v, want %v", v, got, want)
		}
	}
}

// Every curve has a plan, and its work grows.
func TestPlans(t *testing.T) {
	for _, c := range curve.All() {
		for _, quick := range []bool{false, true} {
			p := planOf(c.Name, quick)
			xs := append(p.xs, p.ofMost...)
			if len(xs) < 5 || !slices.IsSorted(xs) || p.rounds < 1 || p.run <= 0 {
				t.Errorf("%s: plan %+v", c.Name, p)
			}
		}
	}
	if want := []float64{1, 10, 100}; !slices.Equal(decades(100), want) {
		t.Errorf("decades(100) = %v", decades(100))
	}
}
