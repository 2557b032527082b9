package main

import (
	"math"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// plan is how one curve is measured.
type plan struct {
	chain  system.Chain
	core   placement
	xs     []float64
	ofMost []float64 // in place of xs: parts of the closed loop's capacity
	rounds int       // with fresh servers; of each point the median one counts
	warm   time.Duration
	run    time.Duration
}

// placement says which cores the processes may use. Latencies of one call at a time
// repeat only on one core; see bench/README.md.
type placement int

const (
	free    placement = iota // all of them, as the scheduler likes
	oneCore                  // servers and client share one
	apart                    // the servers share one, the client keeps off it
)

// The ends of the curves.
const (
	mostConns  = 10_000
	mostAgents = 1_000_000
)

// loads are the offered rates as parts of what a closed loop gets answered, close
// together where the knee is to be expected, up to twice of it.
var loads = []float64{0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.25, 1.5, 2}

// planOf gives the plan of a curve.
func planOf(name string, quick bool) plan {
	p := plan{rounds: 3, warm: 200 * time.Millisecond, run: time.Second}
	if quick {
		p.rounds, p.warm, p.run = 1, 50*time.Millisecond, 250*time.Millisecond
	}
	if name == curve.LoadHit || name == curve.LoadCold {
		// More rounds and shorter ones: a machine that is taken away for a few
		// milliseconds spoils one of them and not the median.
		p.rounds, p.warm, p.run = 2*p.rounds+1, p.warm/2, p.run/2
	}
	switch name {
	case curve.ActiveConns:
		p.chain, p.xs = system.Chain{Cached: true}, decades(mostConns)
	case curve.IdleConns:
		p.chain, p.xs, p.core = system.Chain{Cached: true}, decades(mostConns), oneCore
	case curve.BridgeCache:
		// Subjects are remembered by kind: room for as many as there are, and some.
		p.chain, p.xs = system.Chain{Cached: true, Subjects: mostAgents + 1024}, decades(mostAgents)
		p.core = oneCore
	case curve.ClientCache:
		p.chain, p.xs, p.core = system.Chain{}, decades(mostAgents), oneCore
	case curve.Batch:
		p.xs = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
	case curve.LoadHit:
		p.chain, p.core, p.ofMost = system.Chain{Cached: true}, apart, loads
	case curve.LoadCold:
		p.core, p.ofMost = apart, loads
	}
	return p
}

// decades gives 1, 10, 100 … up to most.
func decades(most float64) (xs []float64) {
	for x := 1.0; x <= most; x *= 10 {
		xs = append(xs, x)
	}
	return xs
}

// twoDigits rounds to two significant digits, so that rates are numbers that people can
// read and that differ little from run to run.
func twoDigits(v float64) float64 {
	if v <= 0 {
		return 0
	}
	scale := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Round(v/scale) * scale
}
