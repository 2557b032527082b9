package predict

import (
	"time"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// failureFields serves models with the outputs failure_probability and, where they
// have them, confidence, predicted_time (ms; below 0 is none) and failure_type_0 …
// failure_type_5.
type failureFields struct {
	oneRow
	probability column
	confidence  ownConfidence
	time        column
	timed       bool
	types       []column
}

func newFailureFields(p *plain) *failureFields {
	f := &failureFields{
		probability: p.must("failure_probability"), confidence: p.ownConfidence(),
		types: p.classes("failure_type_", int(ipc.FailureKernel)+1),
	}
	f.time, f.timed = p.may("predicted_time")
	return f
}

func (*failureFields) prepare(req ipc.Request, s *slot, dst []float32) int {
	q := req.(*ipc.FailureRequest)
	var rule ipc.FailurePrediction
	rules.Failure(q, &rule)
	s.kind = rule.Type // by the component's name
	features.FailureFieldsRow(q, s.kind, dst[:features.FailureFields.Width()])
	return 1
}

// maxTimeMs bounds a told time to 45 years, far inside u64 nanoseconds.
const maxTimeMs = 45 * 365 * 24 * 60 * 60 * 1000

func (m *failureFields) conclude(_ ipc.Request, s *slot, w *worker, row int, out *ipc.Prediction) {
	p := &out.Failure
	p.Probability, p.Type = unit(m.probability.of(w, row)), s.kind
	p.Confidence = m.confidence.of(w, row, p.Probability)
	if len(m.types) > 0 {
		p.Type = largest(m.types, w, row)
	}
	if m.timed {
		if ms := m.time.of(w, row); ms >= 0 {
			p.PredictedTime = ipc.Some(uint64(min(float64(ms), maxTimeMs) * float64(time.Millisecond)))
		}
	}
}
