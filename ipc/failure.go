package ipc

import (
	"math"
	"slices"
	"strings"
)

// FailureRequest asks whether a component is about to fail.
type FailureRequest struct {
	Component            string    // 1-64 bytes
	HealthScore          float32   // in [0, 1], 1 = healthy
	CurrentValue         float32   // the component's own reading; 0.0 is a reading
	Baseline             float32   // its long-term mean, in the same unit
	Trend                int8      // TrendCritical … TrendImproving
	HistoricalHealth     []float32 // ≤ 20 scores in [0, 1], oldest first
	FailureHistory       []uint8   // ≤ 10 flags, 1 = failed in that interval
	TimeSinceLastFailure uint64    // ms, Never when there was none
	FailureRates         []float32 // optional, ≤ 16: longer counts and the peers', RateMonth …
}

// Values of FailureRequest.Trend.
const (
	TrendCritical  int8 = -2
	TrendDegrading int8 = -1
	TrendStable    int8 = 0
	TrendImproving int8 = 1
)

// Places in FailureRequest.FailureRates, each a number of at least 0. What a
// sender does not know it leaves out from there on: a list may end early.
const (
	RateMonth     = iota // failures of the component in the last 30 days
	RateQuarter          // in the last 90 days
	RateYear             // in the last 365 days
	RateEver             // since it is watched
	RateWatched          // days since it is watched
	RatePeerDay          // failures of its peers in the last day, per peer
	RatePeerWeek         // in the last 7 days, per peer
	RatePeerMonth        // in the last 30 days, per peer
	RatePeerDaily        // since they are watched, per peer and day
	Rates                // how many there are
)

// Values of FailurePrediction.Type.
const (
	FailureMemory uint8 = iota // memory exhaustion
	FailureCPU                 // cpu overload
	FailureIO
	FailureNetwork
	FailureService // service crash
	FailureKernel  // kernel panic
	failureTypes   // how many there are
)

// FailurePrediction is the chance and the kind of a coming failure.
type FailurePrediction struct {
	Probability   float32          // in [0, 1]
	PredictedTime Optional[uint64] // ns until the failure; the daemon's HTTP API speaks ms
	Confidence    float32          // probability that the verdict at 0.5 is right
	Type          uint8            // FailureMemory … FailureKernel
}

// Kind returns Failure.
func (q *FailureRequest) Kind() Kind { return Failure }

// Subject returns the component.
func (q *FailureRequest) Subject() Subject { return Subject{Component: q.Component} }

// Validate checks the ranges stated with the fields.
func (q *FailureRequest) Validate() error {
	if len(q.Component) < 1 || len(q.Component) > MaxComponentBytes {
		return invalidf("component: %d bytes, want 1-%d", len(q.Component), MaxComponentBytes)
	}
	if q.Trend < TrendCritical || q.Trend > TrendImproving {
		return invalidf("trend: %d is outside -2..1", q.Trend)
	}
	if len(q.FailureHistory) > MaxFailureHistory {
		return tooMany("failure_history", len(q.FailureHistory), MaxFailureHistory)
	}
	for i, f := range q.FailureHistory {
		if f > 1 {
			return invalidf("failure_history[%d]: %d is not 0 or 1", i, f)
		}
	}
	return firstError(
		checkUnit("health_score", q.HealthScore),
		checkFinite("current_value", q.CurrentValue),
		checkFinite("baseline", q.Baseline),
		checkUnits("historical_health", q.HistoricalHealth, MaxHealthHistory),
		checkRates(q.FailureRates),
	)
}

func checkRates(rates []float32) error {
	if len(rates) > MaxFailureRates {
		return tooMany("failure_rates", len(rates), MaxFailureRates)
	}
	for i, v := range rates {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return invalidf("failure_rates[%d]: %v is not a finite number of at least 0", i, v)
		}
	}
	return nil
}

// Copy returns a deep copy.
func (q *FailureRequest) Copy() Request {
	c := *q
	c.Component = strings.Clone(q.Component) // it may be in storage of the request's reader
	c.HistoricalHealth = slices.Clone(q.HistoricalHealth)
	c.FailureHistory = slices.Clone(q.FailureHistory)
	c.FailureRates = slices.Clone(q.FailureRates)
	return &c
}

const failureRequestFields = 8 // failure_rates follow when there are any

func (q *FailureRequest) append(b []byte) []byte {
	if len(q.FailureRates) > 0 {
		b = appendArray(b, failureRequestFields+1)
	} else {
		b = appendArray(b, failureRequestFields)
	}
	b = appendString(b, q.Component)
	b = appendF32(b, q.HealthScore)
	b = appendF32(b, q.CurrentValue)
	b = appendF32(b, q.Baseline)
	b = appendInt8(b, q.Trend)
	b = appendF32s(b, q.HistoricalHealth)
	b = appendSmall(b, q.FailureHistory)
	b = appendUint(b, q.TimeSinceLastFailure)
	if len(q.FailureRates) > 0 {
		b = appendF32s(b, q.FailureRates)
	}
	return b
}

func (q *FailureRequest) parse(r *reader) {
	n := r.tuple("failure request", failureRequestFields)
	switch name := r.bytes("component", MaxComponentBytes); {
	case r.held != nil:
		q.Component = r.held.hold(name)
	case string(name) != q.Component:
		// A component asks about itself again and again: its name is only copied
		// when it differs from the one already here.
		q.Component = r.names.intern(name)
	}
	q.HealthScore = r.f32("health_score")
	q.CurrentValue = r.f32("current_value")
	q.Baseline = r.f32("baseline")
	q.Trend = int8(r.int("trend", int64(TrendCritical), int64(TrendImproving)))
	q.HistoricalHealth = r.f32s(q.HistoricalHealth, "historical_health", MaxHealthHistory)
	q.FailureHistory = r.small(q.FailureHistory, "failure_history", MaxFailureHistory, 1)
	q.TimeSinceLastFailure = r.u64("time_since_last_failure")
	q.FailureRates = q.FailureRates[:0]
	known := failureRequestFields
	if r.optional(n, &known) {
		q.FailureRates = r.f32s(q.FailureRates, "failure_rates", MaxFailureRates)
	}
	r.skipRest(n, known)
}

const failurePredictionFields = 4

func (p *FailurePrediction) append(b []byte) []byte {
	b = appendArray(b, failurePredictionFields)
	b = appendF32(b, p.Probability)
	b = appendOptUint(b, p.PredictedTime)
	b = appendF32(b, p.Confidence)
	return appendUint(b, uint64(p.Type))
}

func (p *FailurePrediction) parse(r *reader) {
	n := r.tuple("failure prediction", failurePredictionFields)
	p.Probability = r.f32("failure_probability")
	p.PredictedTime = r.optU64("predicted_time")
	p.Confidence = r.f32("confidence")
	p.Type = uint8(r.uint("failure_type", uint64(failureTypes-1)))
	r.skipRest(n, failurePredictionFields)
}

// Validate checks the ranges stated with the fields.
func (p *FailurePrediction) Validate() error {
	if p.Type >= failureTypes {
		return invalidf("failure_type: %d is outside 0-%d", p.Type, failureTypes-1)
	}
	return firstError(checkUnit("failure_probability", p.Probability), checkUnit("confidence", p.Confidence))
}
