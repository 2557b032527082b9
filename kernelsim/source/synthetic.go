package source

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// Shape of the generated streams. A regime is a way of behaving that lasts for a
// random while and then gives way to another: what makes averages mislead.
const (
	syntheticStep   = 250 * time.Millisecond
	syntheticUsers  = 8
	syntheticTasks  = 6
	meanRegime      = 40 // instants that a regime lasts on average
	syntheticPage   = 4096
	syntheticMemory = 64 << 20
)

// syntheticStart gives generated samples a fixed clock: a Monday at midnight UTC,
// so that the same seed gives the same questions.
var syntheticStart = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// generator calls make for every instant, for ever.
type generator[T any] struct {
	rng   *rand.Rand
	step  int
	batch []T
	make  func(g *generator[T])
}

func newGenerator[T any](seed uint64, salt uint64, instant func(g *generator[T])) *generator[T] {
	return &generator[T]{rng: rand.New(rand.NewPCG(seed, salt)), make: instant}
}

// Next makes the next instant.
func (g *generator[T]) Next(ctx context.Context) ([]T, error) {
	g.batch = g.batch[:0]
	g.make(g)
	g.step++
	return ended(ctx, g.batch)
}

// Close does nothing.
func (g *generator[T]) Close() error { return nil }

// changes reports whether a regime ends now.
func (g *generator[T]) changes() bool { return g.step == 0 || g.rng.IntN(meanRegime) == 0 }

func (g *generator[T]) now() time.Time {
	return syntheticStart.Add(time.Duration(g.step) * syntheticStep)
}

// SyntheticUsage generates programs that idle, work, ramp and alternate.
func SyntheticUsage(seed uint64) Stream[Usage] {
	type program struct{ level, slope, swing, memory float64 }
	programs := make([]program, syntheticUsers)
	return newGenerator(seed, 1, func(g *generator[Usage]) {
		for i := range programs {
			p := &programs[i]
			if g.changes() {
				*p = program{level: g.rng.Float64(), memory: 0.2 + g.rng.Float64()}
				switch g.rng.IntN(3) {
				case 0:
					p.slope = (g.rng.Float64() - 0.5) / meanRegime
				case 1:
					p.swing = g.rng.Float64() / 2
				}
			}
			p.level = clampShare(p.level + p.slope)
			wave := p.swing * math.Sin(float64(g.step)/3)
			g.batch = append(g.batch, Usage{
				At: g.now(), Over: syntheticStep, Agent: syntheticAgents | uint64(i), Name: "synthetic",
				CPU:    clampShare(p.level + wave + 0.02*g.rng.NormFloat64()),
				Memory: uint64(syntheticMemory * p.memory * (1 + 0.5*p.level)),
			})
		}
	})
}

// SyntheticReadings generates components that are well until one begins to sink,
// fails when its health is gone, and recovers.
func SyntheticReadings(seed uint64) Stream[Reading] {
	names := []string{"memory", "cpu", "io", "network"}
	type part struct{ health, sink float64 }
	parts := make([]part, len(names))
	for i := range parts {
		parts[i].health = 1
	}
	return newGenerator(seed, 2, func(g *generator[Reading]) {
		for i, name := range names {
			p := &parts[i]
			switch {
			case p.health <= 0.05:
				p.health, p.sink = 1, 0
			case p.sink == 0 && g.changes():
				p.sink = 0.02 + 0.06*g.rng.Float64()
			case p.sink > 0 && g.rng.IntN(2*meanRegime) == 0:
				p.health, p.sink = 1, 0 // it got better by itself: a reason for false alarms
			}
			p.health = clampShare(p.health - p.sink)
			h := clampShare(p.health - 0.02*math.Abs(g.rng.NormFloat64()))
			g.batch = append(g.batch, incident(Reading{At: g.now(), Component: name, Health: h, Value: 1 - h}, p.health <= 0.05))
		}
	})
}

// SyntheticFaults generates tasks that walk, stride, loop over a working set or
// jump about.
func SyntheticFaults(seed uint64) Stream[Fault] {
	type task struct {
		page, base, stride uint64
		way, at            int
	}
	tasks := make([]task, syntheticTasks)
	return newGenerator(seed, 3, func(g *generator[Fault]) {
		for i := range tasks {
			t := &tasks[i]
			if g.changes() {
				t.base = 1<<34 + uint64(g.rng.IntN(1<<20))
				t.page, t.way, t.at, t.stride = t.base, g.rng.IntN(4), 0, uint64(2+g.rng.IntN(6))
			}
			switch t.at++; t.way {
			case 0:
				t.page++
			case 1:
				t.page += t.stride
			case 2:
				t.page = t.base + uint64(t.at%8)*t.stride
			default:
				t.page = t.base + uint64(g.rng.IntN(1<<12))
			}
			g.batch = append(g.batch, Fault{
				At: time.Duration(g.step) * time.Microsecond, Agent: syntheticAgents | uint64(i), Addr: t.page * syntheticPage,
			})
		}
	})
}

// Numbers of the x86-64 table that the generated tasks use.
var (
	harmlessCalls = []uint16{0, 1, 3, 5, 8, 9, 257, 262}          // read write close fstat lseek mmap openat newfstatat
	hostileCalls  = []uint16{41, 42, 56, 57, 59, 90, 105, 106, 2} // socket connect clone fork execve chmod setuid setgid open
)

// SyntheticCalls generates tasks that read and write, some of which turn to starting
// programs, connecting and changing identity. It is a made-up contrast: good for
// exercising the path, no measure of detection.
func SyntheticCalls(seed uint64) Stream[Call] {
	return newGenerator(seed, 4, func(g *generator[Call]) {
		for i := range syntheticTasks {
			truth, mix := uint8(0), harmlessCalls
			if i%3 == 2 {
				truth, mix = 4, hostileCalls
			}
			for range callsPerTurn {
				calls := harmlessCalls
				if g.rng.IntN(3) == 0 {
					calls = mix
				}
				g.batch = append(g.batch, Call{
					At: time.Duration(g.step) * time.Millisecond, Agent: syntheticAgents | uint64(i),
					Stream: i, Truth: truth, Nr: calls[g.rng.IntN(len(calls))],
				})
			}
		}
	})
}
