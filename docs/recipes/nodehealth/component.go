package main

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// component is a part of the node and its past, oldest first.
type component struct {
	name     string
	health   []float32
	failures []uint8
	value    float64
	sum      float64 // of all values: their mean is the baseline
	readings int
	failed   time.Time // when it last failed; zero for never

	asked []asked // predictions whose horizon is not over
}

// asked is a prediction that waits for its outcome.
type asked struct {
	id      uint64
	reading int       // after which it was made
	at      time.Time // and when
}

// horizon is how many readings ahead a failure counts as foreseen, as in the data that
// the models learn from.
const horizon = 10

// failing is the health below which a component counts as failed.
const failing = 0.3

func (c *component) observe(r reading, at time.Time) {
	failed := r.health < failing
	c.health = push(c.health, r.health, ipc.MaxHealthHistory)
	c.failures = push(c.failures, map[bool]uint8{true: 1}[failed], ipc.MaxFailureHistory)
	c.value, c.sum, c.readings = r.value, c.sum+r.value, c.readings+1
	if failed {
		c.failed = at
	}
}

func (c *component) question(now time.Time) *ipc.FailureRequest {
	since := ipc.Never
	if !c.failed.IsZero() {
		since = uint64(now.Sub(c.failed) / time.Millisecond)
	}
	return &ipc.FailureRequest{
		Component: c.name, HealthScore: c.health[len(c.health)-1], CurrentValue: float32(c.value),
		Baseline: float32(c.sum / float64(c.readings)), Trend: trend(c.health),
		HistoricalHealth: c.health, FailureHistory: c.failures, TimeSinceLastFailure: since,
	}
}

// settle adds the outcomes of predictions that came true with the last reading, and of
// those whose horizon is over without a failure. When a failure came is known, of which type
// it was is not.
func (c *component) settle(list []ipc.Outcome) []ipc.Outcome {
	failed := c.failures[len(c.failures)-1] == 1
	var open []asked
	for _, a := range c.asked {
		if !failed && c.readings-a.reading < horizon {
			open = append(open, a)
			continue
		}
		o := ipc.Outcome{
			PredictionID: a.id, Subject: ipc.Subject{Component: c.name},
			Actual: ipc.Prediction{Kind: ipc.Failure}, Unobserved: ipc.TargetFailureType,
		}
		if failed {
			o.Actual.Failure.Probability = 1
			o.Actual.Failure.PredictedTime = ipc.Some(uint64(c.failed.Sub(a.at)))
		}
		list = append(list, o)
	}
	c.asked = open
	return list
}

// trend compares the health now with the mean of up to four readings before.
func trend(h []float32) int8 {
	if len(h) < 2 {
		return ipc.TrendStable
	}
	before := h[max(0, len(h)-5) : len(h)-1]
	var sum float32
	for _, v := range before {
		sum += v
	}
	switch d := h[len(h)-1] - sum/float32(len(before)); {
	case d < -0.20:
		return ipc.TrendCritical
	case d < -0.02:
		return ipc.TrendDegrading
	case d > 0.02:
		return ipc.TrendImproving
	}
	return ipc.TrendStable
}

func push[T any](s []T, v T, n int) []T {
	s = append(s, v)
	return s[max(0, len(s)-n):]
}
