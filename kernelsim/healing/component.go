package healing

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// component is one watched part of the host.
type component struct {
	name     string
	id       uint64 // for the scores' blocks
	health   []float32
	flags    []uint8
	sum      float64 // of all readings: their mean is the baseline
	readings int
	failing  bool
	failed   time.Time // when it last began to fail; zero for never

	// open holds the questions whose horizon is not over, oldest first.
	open     []question
	request  ipc.FailureRequest
	ml, rule guard
}

// question waits for its outcome.
type question struct {
	at     time.Time
	number int // of the reading
	advice advice.Advice
}

// horizon is how many readings ahead a question looks: as in the data that the
// models learn from, 20 for a program's memory, 10 for the others.
func (c *component) horizon() int {
	if c.name == "memory" {
		return 20
	}
	return 10
}

// observe adds a reading and reports whether a failure begins with it.
func (c *component) observe(r *source.Reading) (begins bool) {
	c.readings++
	c.sum += r.Value
	c.health = push(c.health, float32(r.Health), ipc.MaxHealthHistory)
	c.flags = push(c.flags, flag(r.Flag), ipc.MaxFailureHistory)
	begins = r.Incident && !c.failing
	c.failing = r.Incident
	if begins {
		c.failed = r.At
	}
	return begins
}

// ask writes the question about the time after reading r.
func (c *component) ask(r *source.Reading) ipc.Request {
	since := ipc.Never
	if !c.failed.IsZero() {
		since = uint64(max(r.At.Sub(c.failed), 0) / time.Millisecond)
	}
	c.request = ipc.FailureRequest{
		Component: c.name, HealthScore: float32(r.Health), CurrentValue: float32(r.Value),
		Baseline: float32(c.sum / float64(c.readings)), Trend: trend(c.health),
		HistoricalHealth: c.health, FailureHistory: c.flags, TimeSinceLastFailure: since,
	}
	return &c.request
}

// Steps of the trend: the health now against the mean of up to four values before.
const (
	criticalFall  = -0.20
	degradingFall = -0.02
	improvingRise = 0.02
)

// trend needs two values to be other than stable.
func trend(h []float32) int8 {
	n := len(h)
	if n < 2 {
		return ipc.TrendStable
	}
	before := h[max(0, n-5) : n-1]
	var sum float32
	for _, v := range before {
		sum += v
	}
	switch d := h[n-1] - sum/float32(len(before)); {
	case d < criticalFall:
		return ipc.TrendCritical
	case d < degradingFall:
		return ipc.TrendDegrading
	case d > improvingRise:
		return ipc.TrendImproving
	}
	return ipc.TrendStable
}

func push[T any](h []T, v T, limit int) []T {
	if len(h) == limit {
		h = append(h[:0], h[1:]...)
	}
	return append(h, v)
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
