package source

import (
	"context"
	"io"
	"time"
)

// Shift is a finite stream whose behaviour changes half-way, so that what predicted it
// well in the first half does not in the second: programs that drift become programs
// that waver about a level, tasks that stride become tasks that walk page by page. It
// shows what happens to a model that has learnt the first half only.
const (
	// ShiftInstants is the length of each half.
	ShiftInstants = 2000

	shiftStep  = 0.03 // of a drifting program's cpu, standard deviation
	shiftNoise = 0.04 // about a wavering program's level
	shiftPages = 3    // of a stride
)

// half ends a generated stream after both halves.
type half[T any] struct{ *generator[T] }

func (h half[T]) Next(ctx context.Context) ([]T, error) {
	if h.step >= 2*ShiftInstants && ctx.Err() == nil {
		return nil, io.EOF
	}
	return h.generator.Next(ctx)
}

// Turned reports whether what Next gave last is the first of the second half.
func (h half[T]) Turned() bool { return h.step == ShiftInstants+1 }

// second reports whether the behaviour has changed.
func (g *generator[T]) second() bool { return g.step >= ShiftInstants }

// ShiftUsage is of programs that drift, then waver.
func ShiftUsage(seed uint64) Stream[Usage] {
	var levels [syntheticUsers]float64
	return half[Usage]{newGenerator(seed, 5, func(g *generator[Usage]) {
		for i := range levels {
			level := &levels[i]
			if g.step == 0 {
				*level = 0.2 + 0.6*g.rng.Float64()
			}
			cpu := *level
			if g.second() {
				cpu = clampShare(cpu + shiftNoise*g.rng.NormFloat64())
			} else {
				// Drifts are turned back at the ends, so that no program sticks there.
				cpu += shiftStep * g.rng.NormFloat64()
				if cpu < 0.1 || cpu > 0.9 {
					cpu = *level
				}
				*level = cpu
			}
			g.batch = append(g.batch, Usage{
				At: g.now(), Over: syntheticStep, Agent: syntheticAgents | uint64(i), Name: "shift", CPU: cpu,
				Memory: uint64(syntheticMemory * (1 + cpu)),
			})
		}
	})}
}

// ShiftFaults is of tasks that take every third page, then every page. Now and then
// they start elsewhere.
func ShiftFaults(seed uint64) Stream[Fault] {
	var pages [syntheticTasks]uint64
	return half[Fault]{newGenerator(seed, 6, func(g *generator[Fault]) {
		for i := range pages {
			switch {
			case g.changes():
				pages[i] = 1<<34 + uint64(g.rng.IntN(1<<20))
			case g.second():
				pages[i]++
			default:
				pages[i] += shiftPages
			}
			g.batch = append(g.batch, Fault{At: time.Duration(g.step) * time.Microsecond, Agent: syntheticAgents | uint64(i), Addr: pages[i] * syntheticPage})
		}
	})}
}
