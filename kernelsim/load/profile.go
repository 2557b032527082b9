package load

import (
	"fmt"
	"math"
	"time"
)

// profile is a schedule with a length of its own: it decides how long is measured where
// nobody else does, and none of it is warm-up.
type profile interface {
	Pacer
	lasts() time.Duration // > 0
	firstRate() float64   // the rate it begins with, calls a second
	lastRate() float64    // the rate that goes on behind it
}

func (s *steps) lasts() time.Duration { return offset(s.ends) }
func (s *steps) firstRate() float64   { return s.list[0].Rate }
func (s *steps) lastRate() float64    { return s.list[len(s.list)-1].Rate }

func (r ramp) lasts() time.Duration { return r.over }
func (r ramp) firstRate() float64   { return r.from }
func (r ramp) lastRate() float64    { return r.to }

// Length is how long a schedule lasts by itself: its steps together, or its ramp. A rate
// that goes on has none, which is 0.
func Length(p Pacer) time.Duration {
	if f, ok := p.(profile); ok {
		return f.lasts()
	}
	return 0
}

// warmed is a profile behind a warm-up at its first rate.
type warmed struct {
	profile
	warmup time.Duration
	calls  uint64 // of the warm-up
}

// afterWarmup puts a warm-up before a profile; any other schedule just goes on from it
// into what is measured.
func afterWarmup(p Pacer, warmup time.Duration) Pacer {
	f, ok := p.(profile)
	if !ok || warmup == 0 {
		return p
	}
	// A call that rounding alone puts before the end of the warm-up is the profile's first.
	calls := math.Ceil(f.firstRate()*warmup.Seconds() - 1e-6)
	return warmed{f, warmup, uint64(max(calls, 0))}
}

// At implements Pacer.
func (w warmed) At(n uint64) time.Duration {
	if n < w.calls {
		return min(offset(float64(n)/w.firstRate()), w.warmup)
	}
	return w.warmup + min(w.profile.At(n-w.calls), forever-w.warmup)
}

// describe names a schedule that is measured for so long.
func describe(p Pacer, measured time.Duration) string {
	f, ok := p.(profile)
	switch {
	case ok && measured > f.lasts():
		return fmt.Sprintf("%v, then %g/s to the end", f, f.lastRate())
	case ok && measured < f.lasts():
		return fmt.Sprintf("%v, cut off after %v", f, measured)
	}
	return p.String()
}
