package main

import (
	"math"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// Failure tables: label 1 = a failure begins within the horizon, left = the
// intervals until the next failure (0 where none is known), group = what an
// alarm is counted by (a run, a machine, a system).
var failureColumns = []string{"entity", "label", "left", "keep", "rule", "rule_confidence", "health", "since", "flags"}

func extractFailure(j *job) error {
	for _, part := range parts {
		if err := writeLANL(j, part); err != nil {
			return err
		}
		if err := writeOOM(j, part); err != nil {
			return err
		}
		if err := writeSMDHealth(j, part); err != nil {
			return err
		}
	}
	return nil
}

// probe is one component's past, sampled at even intervals.
type probe struct {
	component string
	health    []float32
	flags     []uint8
	reading   []float32
	sum       float64 // of all readings so far: the baseline
}

func (p *probe) sample(health, reading float64, failed bool) {
	p.health = append(p.health, float32(math.Max(0, math.Min(1, health))))
	p.flags = append(p.flags, uint8(b2i(failed)))
	p.reading = append(p.reading, float32(reading))
	p.sum += reading
}

// request asks now, since ms after the last failure (ipc.Never: none).
func (p *probe) request(since uint64) *ipc.FailureRequest {
	n := len(p.health)
	q := &ipc.FailureRequest{
		Component: p.component, HealthScore: p.health[n-1], CurrentValue: p.reading[n-1],
		Baseline: float32(p.sum / float64(n)), TimeSinceLastFailure: since,
		HistoricalHealth: p.health[max(0, n-ipc.MaxHealthHistory):],
		FailureHistory:   p.flags[max(0, n-ipc.MaxFailureHistory):],
	}
	q.Trend = trend(q.HistoricalHealth)
	return q
}

// trend compares the health now with the mean of the four values before: a
// kernel's healing subsystem reports its own reading, the thresholds are this
// recording's.
func trend(h []float32) int8 {
	n := len(h)
	if n < 2 {
		return ipc.TrendStable
	}
	var sum float32
	before := h[max(0, n-5) : n-1]
	for _, v := range before {
		sum += v
	}
	switch d := h[n-1] - sum/float32(len(before)); {
	case d < -0.2:
		return ipc.TrendCritical
	case d < -0.02:
		return ipc.TrendDegrading
	case d > 0.02:
		return ipc.TrendImproving
	}
	return ipc.TrendStable
}

// ask writes one row. left is the number of intervals until the next failure
// begins, negative when none is known; keep is the weight of a sampled row.
func (p *probe) ask(t *table, id float64, since uint64, left, horizon int, keep float64) error {
	q := p.request(since)
	if err := q.Validate(); err != nil {
		return err
	}
	var rule ipc.FailurePrediction
	rules.Failure(q, &rule)
	var row [128]float32
	features.FailureRow(q, rule.Type, row[:features.Failure.Width()])
	ago := math.Inf(1)
	if since != ipc.Never {
		ago = float64(since)
	}
	set := 0
	for _, f := range q.FailureHistory {
		set += int(f)
	}
	t.witness(q)
	return t.add(row[:], id, float64(b2i(left > 0 && left <= horizon)), float64(max(left, 0)), keep,
		float64(rule.Probability), float64(rule.Confidence), float64(q.HealthScore), ago, float64(set))
}
