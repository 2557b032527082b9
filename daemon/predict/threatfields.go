package predict

import (
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// threatFields serves models with the outputs threat_score and, where they have them,
// confidence and threat_type_0 … threat_type_5, of which the largest tells the type.
type threatFields struct {
	oneRow
	score      column
	confidence ownConfidence
	types      []column
}

func newThreatFields(p *plain) *threatFields {
	return &threatFields{
		score: p.must("threat_score"), confidence: p.ownConfidence(),
		types: p.classes("threat_type_", int(ipc.ThreatWebShell)+1),
	}
}

func (*threatFields) prepare(req ipc.Request, _ *slot, dst []float32) int {
	features.ThreatFieldsRow(req.(*ipc.ThreatRequest), dst[:features.ThreatFields.Width()])
	return 1
}

func (m *threatFields) conclude(req ipc.Request, _ *slot, w *worker, row int, out *ipc.Prediction) {
	p := &out.Threat
	p.Score = unit(m.score.of(w, row))
	p.Action = threatAction(p.Score)
	p.Confidence = m.confidence.of(w, row, p.Score)
	switch {
	case len(m.types) > 0:
		p.Type = largest(m.types, w, row)
	case p.Score >= 0.5:
		p.Type = threatType(req.(*ipc.ThreatRequest))
	}
}
