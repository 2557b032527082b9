package load

import (
	"errors"
	"fmt"
	"time"
)

// Defaults and bounds of [Options].
const (
	DefaultBudget      = time.Millisecond
	DefaultMaxInFlight = 1024
	DefaultDrain       = time.Second
	DefaultInterval    = time.Second
	// MaxBudget is the longest budget; it is what the histograms can hold.
	MaxBudget = time.Minute
	// maxInFlight bounds the pool of call records (about 130 bytes each).
	maxInFlight = 1 << 20
	// reserve is how many call records there are beyond the in-flight bound. They
	// sit with the recorder for up to drainEvery and whatever the scheduler adds;
	// 8192 is 80 ms at 100,000 calls a second.
	reserve = 8192
)

// Options says what a run does. Zero values mean the default where there is one.
type Options struct {
	// Pacer is the schedule of an open loop. Required there, unused by a closed one.
	Pacer Pacer
	// Workers is how many callers a closed loop has, 1 to 4096. Unused by an open one.
	Workers int

	// Duration is how long calls are made and measured. 0 is the schedule's own [Length],
	// where it has one; else required. A schedule that is shorter goes on with its last
	// rate, one that is longer is cut off.
	Duration time.Duration
	// Warmup comes before: calls are made and answered, and only counted. A schedule with
	// a length of its own begins behind it, and is preceded by its first rate.
	Warmup time.Duration
	// MaxCalls ends the run after that many calls, warm-up included; 0 is no bound.
	MaxCalls uint64

	// Budget is the time that an answer may take, at most [MaxBudget].
	Budget time.Duration
	// MaxInFlight is how many calls may be open at a time; starts beyond are
	// dropped and counted. 1 to 2^20.
	MaxInFlight int
	// Drain is how long to wait for open calls after the last start, at least Budget:
	// who has time left is not lost. A run that is cancelled waits for the budget, or
	// cancelDrain if that is longer.
	Drain time.Duration
	// Interval is the length of a timeline point, at least 10 ms. Long runs get
	// longer intervals, so that a timeline stays below 3600 points.
	Interval time.Duration

	// Labels names the kinds of calls, at least one; Sources who may answer, at
	// least one.
	Labels, Sources []string
	// Reasons names why a better source did not answer; may be empty.
	Reasons []string
	// LabelOf is the label of call n. A pure function, called where the pacing
	// must not wait. Nil deals the labels out in turn.
	LabelOf func(n uint64) int

	// Clock is the time to live in; nil is [NewMonotonic](0).
	Clock Clock
}

var errNoPacer = errors.New("load: an open loop needs a pacer")

// cancelDrain is how long a cancelled run waits for open calls whose budget is shorter.
const cancelDrain = 100 * time.Millisecond

// Slots is the number of different values that [Call.Slot] can have.
func (o Options) Slots() int {
	if o.MaxInFlight == 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	return o.MaxInFlight + reserve
}

// complete fills in defaults and checks the rest.
func (o *Options) complete() error {
	setDefault(&o.Budget, DefaultBudget)
	setDefault(&o.MaxInFlight, DefaultMaxInFlight)
	setDefault(&o.Drain, DefaultDrain)
	setDefault(&o.Interval, DefaultInterval)
	if o.Clock == nil {
		o.Clock = NewMonotonic(0)
	}
	if o.LabelOf == nil {
		labels := uint64(max(len(o.Labels), 1))
		o.LabelOf = func(n uint64) int { return int(n % labels) }
	}
	switch {
	case o.Duration <= 0:
		return fmt.Errorf("load: duration %v, want more than 0", o.Duration)
	case o.Warmup < 0:
		return fmt.Errorf("load: warm-up %v is negative", o.Warmup)
	case o.Budget < 0 || o.Budget > MaxBudget:
		return fmt.Errorf("load: budget %v is not in (0, %v]", o.Budget, MaxBudget)
	case o.MaxInFlight < 0 || o.MaxInFlight > maxInFlight:
		return fmt.Errorf("load: in-flight bound %d is not in [1, %d]", o.MaxInFlight, maxInFlight)
	case o.Drain < 0:
		return fmt.Errorf("load: drain %v is negative", o.Drain)
	case o.Interval < 10*time.Millisecond:
		return fmt.Errorf("load: interval %v, want at least 10ms", o.Interval)
	case len(o.Labels) == 0 || len(o.Sources) == 0:
		return fmt.Errorf("load: a run needs a label and a source")
	}
	o.Drain = max(o.Drain, o.Budget)
	o.Interval = intervalFor(o.Interval, o.Duration+o.Drain)
	return nil
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
