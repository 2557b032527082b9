package recordings

import (
	"math"
	"math/rand/v2"
)

// Made-up series of known behaviour, so that a model learns what to do with each
// and not only with those that few hosts and programs happen to show: where the
// last value is best (walks, ramps, creeping memory), where the mean or median is
// (noise about a level, spikes), and what lies between (drifting levels, bursts,
// cycles). Nothing in them is fitted to any recording.
const (
	syntheticSeries = 30 // of each behaviour
	syntheticLength = 240
)

type behaviour func(r *rand.Rand, x []float64)

var behaviours = [...]behaviour{walk, level, drift, spikes, bursts, cycles, creep, ramps, wander, jobs}

func readSynthetic(string) ([]*series, error) {
	r := rand.New(rand.NewPCG(20261123, 5))
	var all []*series
	for _, make := range behaviours {
		for range syntheticSeries {
			all = append(all, synthetic(r, make))
		}
	}
	return all, nil
}

// turns is how many made-up series of each behaviour change to another one.
const turns = 12

// readTurns: what an agent did before may mislead from the moment on that it does
// something else.
func readTurns(string) ([]*series, error) {
	r := rand.New(rand.NewPCG(20261123, 6))
	var all []*series
	for i, make := range behaviours {
		for range turns {
			s := synthetic(r, make)
			other := behaviours[(i+1+r.IntN(len(behaviours)-1))%len(behaviours)]
			s.samples = append(s.samples, synthetic(r, other).samples...)
			all = append(all, s)
		}
	}
	return all, nil
}

// synthetic scales a behaviour into [0, 1] and, at times, rounds it coarsely, as
// meters do.
func synthetic(r *rand.Rand, make behaviour) *series {
	var x [syntheticLength]float64
	make(r, x[:])
	low, high := x[0], x[0]
	for _, v := range x {
		low, high = min(low, v), max(high, v)
	}
	size := math.Exp(-4 * r.Float64()) // of the range that is used
	base := (1 - size) * r.Float64() * r.Float64()
	grid := [...]float64{1e4, 1e4, 1e3, 100}[r.IntN(4)]
	s := &series{name: "synthetic", has: [3]bool{true, false, false}}
	for _, v := range x {
		v = base + size*(v-low)/max(high-low, 1e-9)
		s.samples = append(s.samples, sample{cpu: math.Round(v*grid) / grid})
	}
	return s
}

// between is log-uniform.
func between(r *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, r.Float64())
}

// heavy is normal, now and then five times as large.
func heavy(r *rand.Rand) float64 {
	v := r.NormFloat64()
	if r.IntN(20) == 0 {
		v *= 5
	}
	return v
}

func walk(r *rand.Rand, x []float64) {
	v := 0.0
	for i := range x {
		v += heavy(r)
		x[i] = v
	}
}

// level changes rarely, if at all, and is measured with noise.
func level(r *rand.Rand, x []float64) {
	v, often := 0.0, between(r, 1e-3, 5e-2)
	for i := range x {
		if r.Float64() < often {
			v = 8 * r.NormFloat64()
		}
		x[i] = v + heavy(r)
	}
}

func drift(r *rand.Rand, x []float64) {
	v, step := 0.0, between(r, 0.05, 2)
	for i := range x {
		v += step * heavy(r)
		x[i] = v + r.NormFloat64()
	}
}

func spikes(r *rand.Rand, x []float64) {
	often, noise := between(r, 0.02, 0.3), between(r, 1e-3, 0.1)
	for i := range x {
		x[i] = noise * heavy(r)
		if r.Float64() < often {
			x[i] += r.ExpFloat64()
		}
	}
}

// bursts go between idle and busy; how long each lasts and how busy is drawn.
func bursts(r *rand.Rand, x []float64) {
	start, stop := between(r, 0.02, 0.7), between(r, 0.02, 0.7)
	noise, spread := between(r, 0.005, 0.3), r.Float64()
	busy, height := false, 1.0
	for i := range x {
		if busy {
			busy = r.Float64() >= stop
		} else if busy = r.Float64() < start; busy {
			height = 1 - spread*r.Float64()
		}
		x[i] = 0
		if busy {
			x[i] = max(0, height+noise*r.NormFloat64())
		}
	}
}

func cycles(r *rand.Rand, x []float64) {
	period, duty, noise := between(r, 2, 24), 0.1+0.8*r.Float64(), between(r, 0.01, 0.3)
	round, phase := r.IntN(2) == 0, r.Float64()
	for i := range x {
		at := math.Mod(float64(i)/period+phase, 1)
		if x[i] = math.Sin(2 * math.Pi * at); !round {
			x[i] = 0
			if at < duty {
				x[i] = 1
			}
		}
		x[i] += noise * r.NormFloat64()
	}
}

// creep stands still, moves by little, and rarely by much.
func creep(r *rand.Rand, x []float64) {
	still, up, often := r.Float64(), r.Float64(), between(r, 1e-3, 3e-2)
	v := 0.0
	for i := range x {
		if r.Float64() >= still {
			d := r.ExpFloat64()
			if r.Float64() >= up {
				d = -d
			}
			v += d
		}
		if r.Float64() < often {
			v += 30 * r.NormFloat64()
		}
		x[i] = math.Round(v)
	}
}

// ramps grow steadily and fall back at once, as memory that is collected.
func ramps(r *rand.Rand, x []float64) {
	slope, noise, often := between(r, 0.05, 1), between(r, 1e-3, 0.3), between(r, 5e-3, 0.1)
	v := 0.0
	for i := range x {
		if v += slope * r.Float64(); r.Float64() < often {
			v *= r.Float64()
			slope = between(r, 0.05, 1)
		}
		x[i] = v + noise*r.NormFloat64()
	}
}

// wander returns to its mean, quickly or slowly.
func wander(r *rand.Rand, x []float64) {
	keep, second := 2*r.Float64()-1, 0.4*(2*r.Float64()-1)
	a, b := 0.0, 0.0
	for i := range x {
		a, b = keep*(1-math.Abs(second))*a+second*b+heavy(r), a
		x[i] = a
	}
}

// jobs come at random, each for a while of its own, and share one machine: what an
// interval saw of them.
func jobs(r *rand.Rand, x []float64) {
	rate, length := between(r, 0.05, 3), between(r, 0.1, 10)
	clear(x)
	for at := 0.0; ; {
		if at += r.ExpFloat64() / rate; at >= float64(len(x)) {
			break
		}
		load, end := r.ExpFloat64(), at+length*r.ExpFloat64()
		for i := int(at); i < len(x) && float64(i) < end; i++ {
			x[i] += load * (min(end, float64(i+1)) - max(at, float64(i)))
		}
	}
	if full := r.Float64() * 4; full > 1 { // what is more than the machine has waits elsewhere
		for i := range x {
			x[i] = min(x[i], full)
		}
	}
}
