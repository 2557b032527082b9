package ipc

import "time"

// Outcome reports what really happened after a prediction. It travels one way,
// in batches, and is never answered.
type Outcome struct {
	PredictionID uint64 // as in the reply; 0 for an answer of the client's own rule
	Subject      Subject
	Ago          time.Duration // how long ago it was observed, ≥ 0
	// Actual holds the observed values in the prediction's own fields: the cpu
	// share that came, 1 or 0 for an attack or a failure that did or did not
	// happen, the address that was touched. Confidence is ignored.
	Actual Prediction
}
