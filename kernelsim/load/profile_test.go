package load

import (
	"testing"
	"time"
)

// TestSchedulesOfTheirOwnLength decide how long is measured, and all of them is.
func TestSchedulesOfTheirOwnLength(t *testing.T) {
	const steps = "steps 100/s for 2s, 300/s for 2s"
	for _, c := range []struct {
		rate                         string
		duration, warmup             time.Duration
		planned                      time.Duration
		warm, firstHalf, inAll, sent uint64
		name                         string
	}{
		{"steps:100x2s,300x2s", 0, time.Second, 4 * time.Second, 100, 200, 800, 900, steps},
		{"steps:100x2s,300x2s", 0, 0, 4 * time.Second, 0, 200, 800, 800, steps},
		{"steps:100x2s,300x2s", 4 * time.Second, time.Second, 4 * time.Second, 100, 200, 800, 900, steps},
		{"steps:100x2s,300x2s", 10 * time.Second, time.Second, 10 * time.Second, 100, 200, 2600, 2700, steps + ", then 300/s to the end"},
		{"steps:100x2s,300x2s", 3 * time.Second, time.Second, 3 * time.Second, 100, 200, 500, 600, steps + ", cut off after 3s"},
		{"steps:10x2s,0x3s", 0, 300 * time.Millisecond, 5 * time.Second, 3, 20, 20, 23, "steps 10/s for 2s, 0/s for 3s"},
		{"steps:0x2s,10x2s", 0, time.Second, 4 * time.Second, 0, 0, 20, 20, "steps 0/s for 2s, 10/s for 2s"},
		{"ramp:100-300x4s", 0, time.Second, 4 * time.Second, 100, 300, 800, 900, "ramp 100/s to 300/s over 4s"},
		{"ramp:0-100x4s", 0, time.Second, 4 * time.Second, 0, 50, 200, 200, "ramp 0/s to 100/s over 4s"},
		{"ramp:100-300x4s", 6 * time.Second, time.Second, 6 * time.Second, 100, 300, 1400, 1500, "ramp 100/s to 300/s over 4s, then 300/s to the end"},
		{"100", 4 * time.Second, time.Second, 4 * time.Second, 100, 200, 400, 500, "constant 100/s"},
	} {
		clock := &fakeClock{}
		o := fakeOptions(t, clock)
		o.Pacer, o.Duration, o.Warmup = mustPace(t, c.rate), c.duration, c.warmup
		var sent, firstHalf uint64
		half := int64(startDelay + c.warmup + 2*time.Second)
		res := runOpen(t, o, func(call Call) {
			if sent++; call.Intended >= int64(startDelay+c.warmup) && call.Intended < half {
				firstHalf++
			}
			call.Done(Outcome{})
		})
		all := res.Total()
		if res.Planned != c.planned || res.Elapsed != c.planned || res.WarmupCalls != c.warm || all.Intended != c.inAll || firstHalf != c.firstHalf || sent != c.sent {
			t.Errorf("%s for %v after %v: measured %v of %v, %d calls of warm-up, %d in the first 2 s of %d, %d sent; want %v, %d, %d of %d, %d",
				c.rate, c.duration, c.warmup, res.Elapsed, res.Planned, res.WarmupCalls, firstHalf, all.Intended, sent, c.planned, c.warm, c.firstHalf, c.inAll, c.sent)
		}
		if res.Schedule != c.name {
			t.Errorf("%s for %v is called %q, want %q", c.rate, c.duration, res.Schedule, c.name)
		}
	}
}

func TestARateGoesOn(t *testing.T) {
	for _, rate := range []string{"100", "poisson:100"} {
		o := fakeOptions(t, &fakeClock{})
		o.Pacer, o.Duration = mustPace(t, rate), 0
		if _, err := StartOpen(t.Context(), o, TargetFunc(func(Call) {})); err == nil {
			t.Errorf("%s without a duration is begun", rate)
		}
	}
}

// TestStartsAfterTheEnd: a generator that stood still beyond its schedule's end says so.
func TestStartsAfterTheEnd(t *testing.T) {
	clock := &fakeClock{}
	clock.oversleep = func(at int64) int64 {
		if at == int64(startDelay+50*time.Millisecond) {
			return int64(300 * time.Millisecond)
		}
		return 0
	}
	res := runOpen(t, fakeOptions(t, clock), func(c Call) { c.Done(Outcome{}) })
	if res.Overtime != 250*time.Millisecond || res.Elapsed != 100*time.Millisecond {
		t.Errorf("starts until %v after the end of %v, want 250ms and 100ms", res.Overtime, res.Elapsed)
	}
	if res := runOpen(t, fakeOptions(t, &fakeClock{}), func(c Call) { c.Done(Outcome{}) }); res.Overtime != 0 {
		t.Errorf("on time, and starts until %v after the end", res.Overtime)
	}
}
