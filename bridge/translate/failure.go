package translate

import "github.com/mlbridge/mlbridge/ipc"

var failureRequest = []field[ipc.FailureRequest]{
	kindField[ipc.FailureRequest](ipc.Failure),
	{
		name: "component",
		get:  func(s *scanner, q *ipc.FailureRequest) { q.Component = s.text() },
		put:  func(w *writer, q *ipc.FailureRequest) { w.text(q.Component) },
	},
	{
		name: "health_score",
		get:  func(s *scanner, q *ipc.FailureRequest) { q.HealthScore = s.f32() },
		put:  func(w *writer, q *ipc.FailureRequest) { w.f32(q.HealthScore) },
	},
	{
		name: "current_value",
		get:  func(s *scanner, q *ipc.FailureRequest) { q.CurrentValue = s.f32() },
		put:  func(w *writer, q *ipc.FailureRequest) { w.f32(q.CurrentValue) },
	},
	{
		name: "baseline",
		get:  func(s *scanner, q *ipc.FailureRequest) { q.Baseline = s.f32() },
		put:  func(w *writer, q *ipc.FailureRequest) { w.f32(q.Baseline) },
	},
	{
		name: "trend",
		get: func(s *scanner, q *ipc.FailureRequest) {
			q.Trend = int8(s.integer(int64(ipc.TrendCritical), int64(ipc.TrendImproving)))
		},
		put: func(w *writer, q *ipc.FailureRequest) { w.integer(int64(q.Trend)) },
	},
	{
		name: "historical_health", optional: true, // no history
		get: func(s *scanner, q *ipc.FailureRequest) {
			q.HistoricalHealth = list(s, ipc.MaxHealthHistory, s.f32)
		},
		put: func(w *writer, q *ipc.FailureRequest) { each(w, q.HistoricalHealth, w.f32) },
	},
	{
		name: "failure_history", optional: true, // no history
		get: func(s *scanner, q *ipc.FailureRequest) {
			q.FailureHistory = list(s, ipc.MaxFailureHistory, func() uint8 { return s.u8(1) })
		},
		put: func(w *writer, q *ipc.FailureRequest) { each(w, q.FailureHistory, w.u8) },
	},
	{
		name: "time_since_last_failure", optional: true, // never
		get: func(s *scanner, q *ipc.FailureRequest) { q.TimeSinceLastFailure = s.never() },
		put: func(w *writer, q *ipc.FailureRequest) { w.never(q.TimeSinceLastFailure) },
	},
	{
		name: "failure_rates", optional: true, // not counted
		get: func(s *scanner, q *ipc.FailureRequest) {
			q.FailureRates = list(s, ipc.MaxFailureRates, s.f32)
		},
		put:  func(w *writer, q *ipc.FailureRequest) { each(w, q.FailureRates, w.f32) },
		omit: func(_ *writer, q *ipc.FailureRequest) bool { return len(q.FailureRates) == 0 },
	},
}

var failurePrediction = []field[ipc.FailurePrediction]{
	{
		name: "failure_probability",
		get:  func(s *scanner, p *ipc.FailurePrediction) { p.Probability = s.f32() },
		put:  func(w *writer, p *ipc.FailurePrediction) { w.f32(p.Probability) },
	},
	{
		name: "predicted_time", optional: true, // no failure in sight, or none happened
		get:  func(s *scanner, p *ipc.FailurePrediction) { p.PredictedTime = s.optU64() },
		put:  func(w *writer, p *ipc.FailurePrediction) { w.optU64(p.PredictedTime) },
		omit: unless[ipc.FailurePrediction](ipc.TargetFailureTime),
	},
	{
		name: "confidence", optional: true, // an observation has none
		get: func(s *scanner, p *ipc.FailurePrediction) { p.Confidence = s.f32() },
		put: func(w *writer, p *ipc.FailurePrediction) { w.f32(p.Confidence) },
	},
	{
		name: "failure_type", optional: true, // not known
		get:  func(s *scanner, p *ipc.FailurePrediction) { p.Type = s.u8(ipc.FailureKernel) },
		put:  func(w *writer, p *ipc.FailurePrediction) { w.integer(int64(p.Type)) },
		omit: unless[ipc.FailurePrediction](ipc.TargetFailureType),
	},
}
