package load

import "sync/atomic"

// fakeClock is time that only moves when somebody sleeps or a test says so.
type fakeClock struct {
	now atomic.Int64
	// oversleep is added to the wake-up times that it is given: a bad pacing
	// thread. Nil sleeps exactly.
	oversleep func(t int64) int64
}

func (c *fakeClock) Now() int64 { return c.now.Load() }

func (c *fakeClock) SleepUntil(t int64) {
	if t <= c.now.Load() {
		return
	}
	if c.oversleep != nil {
		t += c.oversleep(t)
	}
	c.now.Store(t)
}

func (c *fakeClock) advance(ns int64) { c.now.Add(ns) }
