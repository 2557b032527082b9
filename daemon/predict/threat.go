package predict

import (
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// threat serves models with one output, probability: the threat score. The
// metadata counters_percent says how often a verdict from the four counters
// alone was right in training, foreign and ordinary windows being equally many.
type threat struct {
	probability int
	counters    float32
}

func newThreat(m *metadata) *threat {
	m.layout(&features.Threat)
	return &threat{m.output("probability"), float32(m.numbers("counters_percent", 1, 100)[0]) / 100}
}

func (*threat) maxRows() int { return 1 }

func (*threat) prepare(req ipc.Request, _ *slot, dst []float32) int {
	features.ThreatRow(req.(*ipc.ThreatRequest), dst)
	return 1
}

// conclude maps the score to type and action. The model learnt neither: the
// type is the rule's guess from the counters, and none below 0.5; the action
// follows the score (see threatAction).
func (m *threat) conclude(req ipc.Request, _ *slot, w *worker, first int, out *ipc.Prediction) {
	q := req.(*ipc.ThreatRequest)
	raw := w.session.Output(m.probability)[first]
	p := &out.Threat
	p.Score = unit(raw)
	p.Action = threatAction(p.Score)
	if p.Score >= 0.5 {
		p.Type = threatType(q)
	}
	switch {
	case raw-raw != 0: // no number: confidence 0
	case features.HasSyscalls(q):
		p.Confidence = verdict(p.Score)
	case features.UnreadEvidence(q):
		// Something else found something, and nothing here could read it.
		p.Confidence = m.counters / 2
	default:
		p.Confidence = m.counters
	}
}

// threatType is the rule's guess. Where the rule sees no threat but the model
// does, the stream is foreign without a sign of its purpose: a payload.
func threatType(q *ipc.ThreatRequest) uint8 {
	var rule ipc.ThreatPrediction
	rules.Threat(q, &rule)
	if rule.Type == ipc.ThreatNone {
		return ipc.ThreatRemotePayload
	}
	return rule.Type
}

// threatAction never terminates: a process cannot be brought back when a score
// was wrong, an isolated one can.
func threatAction(score float32) uint8 {
	switch {
	case score < 0.25:
		return ipc.ActionNone
	case score < 0.5:
		return ipc.ActionMonitor
	case score < 0.8:
		return ipc.ActionThrottle
	}
	return ipc.ActionIsolate
}
