package load

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// Pacer is a schedule: rate as a value. The same pacer and seed give the same
// schedule on every run.
type Pacer interface {
	// At is the offset of the intended start of call n (0, 1, 2, …) from the
	// start of the run. It never decreases with n. A run asks in order and from
	// one goroutine, so that a pacer may keep state.
	At(n uint64) time.Duration
	// String names the schedule in reports, e.g. "constant 2000/s".
	String() string
}

// MaxRate bounds what a pacer accepts, in calls a second. One pacing thread does
// not get anywhere near it; a larger figure is a slip of the pen.
const MaxRate = 100e6

// forever is an offset no run reaches: what At says when no call follows.
const forever = time.Duration(math.MaxInt64)

func checkRate(rate float64) error {
	if !(rate > 0 && rate <= MaxRate) { // also refuses NaN
		return fmt.Errorf("load: rate %v is not in (0, %g] calls a second", rate, MaxRate)
	}
	return nil
}

// offset turns seconds into a duration that saturates instead of overflowing.
func offset(seconds float64) time.Duration {
	ns := seconds * 1e9
	if ns >= math.MaxInt64 {
		return forever
	}
	return time.Duration(ns)
}

type constant struct{ rate float64 }

// Constant makes calls evenly spaced, rate a second, rate in (0, [MaxRate]].
func Constant(rate float64) (Pacer, error) {
	if err := checkRate(rate); err != nil {
		return nil, err
	}
	return constant{rate}, nil
}

// At multiplies rather than adds up gaps: no drift over a long run.
func (c constant) At(n uint64) time.Duration { return offset(float64(n) / c.rate) }
func (c constant) String() string            { return fmt.Sprintf("constant %g/s", c.rate) }

type poisson struct {
	rate float64
	seed uint64

	rng  *rand.Rand
	next uint64  // the call that sum belongs to
	sum  float64 // seconds
}

// Poisson makes calls with independent exponential gaps, rate a second on
// average: what many unrelated callers look like, bursts included.
func Poisson(rate float64, seed uint64) (Pacer, error) {
	if err := checkRate(rate); err != nil {
		return nil, err
	}
	p := &poisson{rate: rate, seed: seed}
	p.rewind()
	return p, nil
}

func (p *poisson) rewind() {
	p.rng = rand.New(rand.NewPCG(p.seed, 0x6d6c627269646765))
	p.next, p.sum = 0, p.rng.ExpFloat64()/p.rate
}

func (p *poisson) At(n uint64) time.Duration {
	if n < p.next {
		p.rewind()
	}
	for p.next < n {
		p.sum += p.rng.ExpFloat64() / p.rate
		p.next++
	}
	return offset(p.sum)
}

func (p *poisson) String() string { return fmt.Sprintf("poisson %g/s seed %d", p.rate, p.seed) }

// Step is a stretch of constant rate. Rate 0 is a pause.
type Step struct {
	Rate float64       // calls a second, [0, MaxRate]
	For  time.Duration // > 0
}

type steps struct {
	list  []Step
	first []float64 // calls made before step i begins
	begin []float64 // seconds at which step i begins
	ends  float64   // seconds at which the last one does
}

// Steps runs one stretch after the other; the last one goes on until the run
// ends. At least one step must have a rate above 0.
func Steps(list ...Step) (Pacer, error) {
	s := &steps{list: append([]Step(nil), list...)}
	var calls, at float64
	for i, st := range list {
		if st.Rate != 0 {
			if err := checkRate(st.Rate); err != nil {
				return nil, fmt.Errorf("step %d: %w", i+1, err)
			}
		}
		if st.For <= 0 {
			return nil, fmt.Errorf("load: step %d lasts %v, want more than 0", i+1, st.For)
		}
		s.first, s.begin = append(s.first, calls), append(s.begin, at)
		calls += st.Rate * st.For.Seconds()
		at += st.For.Seconds()
	}
	if calls == 0 {
		return nil, fmt.Errorf("load: steps make no call")
	}
	s.ends = at
	return s, nil
}

// At finds the last step that has begun by call n. Fractions of a call carry
// over from step to step, so the total stays right.
func (s *steps) At(n uint64) time.Duration {
	x := float64(n)
	for i, st := range s.list {
		last := i == len(s.list)-1
		if st.Rate > 0 && (last || x < s.first[i+1]) {
			return offset(s.begin[i] + (x-s.first[i])/st.Rate)
		}
	}
	return forever // the last step is a pause
}

func (s *steps) String() string {
	parts := make([]string, len(s.list))
	for i, st := range s.list {
		parts[i] = fmt.Sprintf("%g/s for %v", st.Rate, st.For)
	}
	return "steps " + strings.Join(parts, ", ")
}

type ramp struct {
	from, to float64
	over     time.Duration
}

// Ramp goes from one rate to another in a straight line, in the time over, and
// keeps the second rate afterwards. from may be 0.
func Ramp(from, to float64, over time.Duration) (Pacer, error) {
	if from != 0 {
		if err := checkRate(from); err != nil {
			return nil, err
		}
	}
	if err := checkRate(to); err != nil {
		return nil, err
	}
	if over <= 0 {
		return nil, fmt.Errorf("load: ramp over %v, want more than 0", over)
	}
	return ramp{from, to, over}, nil
}

// At inverts the number of calls made by time t, from·t + (to−from)·t²/2T. The
// root is written with the square root in the denominator: no cancellation
// when the ramp is nearly flat.
func (r ramp) At(n uint64) time.Duration {
	x, T := float64(n), r.over.Seconds()
	during := (r.from + r.to) / 2 * T
	if x >= during {
		return offset(T + (x-during)/r.to)
	}
	slope := (r.to - r.from) / T
	d := max(r.from*r.from+2*slope*x, 0)
	if x == 0 {
		return 0
	}
	return offset(2 * x / (r.from + math.Sqrt(d)))
}

func (r ramp) String() string { return fmt.Sprintf("ramp %g/s to %g/s over %v", r.from, r.to, r.over) }
