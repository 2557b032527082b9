package api

import (
	"math"
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
)

var failureFields = fields{
	"component", "healthScore", "currentValue", "baseline", "trend",
	"historicalHealth", "failureHistory", "timeSinceLastFailure", "failureRates",
}

const failureRequired seen = 1<<5 - 1 // the first five

func (r *jsonReader) failure(q *ipc.FailureRequest) {
	name := q.Component // component may keep it
	*q = ipc.FailureRequest{
		HistoricalHealth:     q.HistoricalHealth[:0],
		FailureHistory:       q.FailureHistory[:0],
		FailureRates:         q.FailureRates[:0],
		TimeSinceLastFailure: ipc.Never,
	}
	if !r.open('{', "") {
		return
	}
	var had seen
	for r.member() {
		switch r.index(failureFields, &had) {
		case 0:
			q.Component = r.component("component", name)
		case 1:
			q.HealthScore = r.f32("healthScore")
		case 2:
			q.CurrentValue = r.f32("currentValue")
		case 3:
			q.Baseline = r.f32("baseline")
		case 4:
			q.Trend = int8(r.int("trend", int64(ipc.TrendCritical), int64(ipc.TrendImproving)))
		case 5:
			q.HistoricalHealth = r.f32s(q.HistoricalHealth, "historicalHealth", ipc.MaxHealthHistory)
		case 6:
			q.FailureHistory = r.small(q.FailureHistory, "failureHistory", ipc.MaxFailureHistory, 1)
		case 7:
			q.TimeSinceLastFailure = r.since("timeSinceLastFailure")
		case 8:
			q.FailureRates = r.f32s(q.FailureRates, "failureRates", ipc.MaxFailureRates)
		}
	}
	r.require(failureFields, had, failureRequired)
}

func appendFailureRequest(b []byte, q *ipc.FailureRequest) []byte {
	b = append(b, `{"component":`...)
	b = appendString(b, q.Component)
	b = appendF32Member(b, "healthScore", q.HealthScore)
	b = appendF32Member(b, "currentValue", q.CurrentValue)
	b = appendF32Member(b, "baseline", q.Baseline)
	b = strconv.AppendInt(appendMember(b, "trend"), int64(q.Trend), 10)
	b = appendF32sMember(b, "historicalHealth", q.HistoricalHealth)
	b = appendIntsMember(b, "failureHistory", q.FailureHistory)
	b = appendSinceMember(b, "timeSinceLastFailure", q.TimeSinceLastFailure)
	if len(q.FailureRates) > 0 {
		b = appendF32sMember(b, "failureRates", q.FailureRates)
	}
	return append(b, '}')
}

var failureAnswer = fields{"failureProbability", "predictedTime", "confidence", "failureType"}

const failureAnswerRequired seen = 1<<0 | 1<<2 | 1<<3

// failureMember reads a member of an answer's prediction; the time becomes ns.
func (r *jsonReader) failureMember(p *ipc.FailurePrediction, had *seen) {
	switch r.index(failureAnswer, had) {
	case 0:
		p.Probability = r.f32("failureProbability")
	case 1:
		if r.minusOne() {
			return
		}
		p.PredictedTime = ipc.Some(r.whole("predictedTime"))
		if err := fromMs(p); err != nil {
			r.bad("predictedTime", "%s", ErrorText(err))
		}
	case 2:
		p.Confidence = r.f32("confidence")
	case 3:
		p.Type = uint8(r.uint("failureType", math.MaxUint8))
	}
}

func appendFailurePrediction(b []byte, p *ipc.FailurePrediction) []byte {
	b = append(b, `{"failureProbability":`...)
	b = appendFloat(b, float64(p.Probability), 32)
	if p.PredictedTime.Valid {
		b = appendU64Member(b, "predictedTime", ipc.NanosToMillis(p.PredictedTime.Value))
	} else {
		b = append(b, `,"predictedTime":-1`...)
	}
	b = appendF32Member(b, "confidence", p.Confidence)
	b = appendU64Member(b, "failureType", uint64(p.Type))
	return append(b, '}')
}
