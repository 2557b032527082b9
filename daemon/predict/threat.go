package predict

import (
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// threat serves models with the output probability, the threat score, and, where
// the model learnt types, type_odds: what speaks for each type from 1 on, as odds,
// log odds or shares; the largest tells. The metadata counters_percent says how often
// a verdict from the four counters alone was right in training, foreign and ordinary
// windows being equally many.
type threat struct {
	probability int
	types       int // output, -1 without one
	counters    float32
}

func newThreat(m *metadata) *threat {
	m.layout(&features.Threat)
	return &threat{
		probability: m.output("probability"), types: m.optional("type_odds", int(ipc.ThreatWebShell)),
		counters: float32(m.numbers("counters_percent", 1, 100)[0]) / 100,
	}
}

func (*threat) maxRows() int { return 1 }

func (*threat) prepare(req ipc.Request, _ *slot, dst []float32) int {
	features.ThreatRow(req.(*ipc.ThreatRequest), dst)
	return 1
}

// conclude maps the score to type and action. The type is the likeliest from
// typeFrom on; a model that learnt none leaves it to the rule's guess from the
// counters, from 0.5 on.
// The action follows the score (see threatAction).
func (m *threat) conclude(req ipc.Request, _ *slot, w *worker, first int, out *ipc.Prediction) {
	q := req.(*ipc.ThreatRequest)
	p := &out.Threat
	p.Score = unit(w.read(m.probability, first))
	p.Action = threatAction(p.Score)
	if p.Score >= 0.5 || m.types >= 0 && p.Score >= typeFrom {
		p.Type = m.likeliest(q, w, first)
	}
	switch {
	case features.HasSyscalls(q):
		p.Confidence = verdict(p.Score)
	case features.UnreadEvidence(q):
		// Something else found something, and nothing here could read it.
		p.Confidence = m.counters / 2
	default:
		p.Confidence = m.counters
	}
}

// likeliest is the type that the model finds likeliest, the rule's guess where it
// learnt none or the request has no call stream to tell by.
func (m *threat) likeliest(q *ipc.ThreatRequest, w *worker, row int) uint8 {
	if m.types < 0 || !features.HasSyscalls(q) {
		return threatType(q)
	}
	const n = int(ipc.ThreatWebShell)
	odds, best := w.reads(m.types, row*n, n), 0
	for i, v := range odds {
		if v > odds[best] {
			best = i
		}
	}
	return uint8(1 + best)
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

// monitorFrom is the score from which an agent is watched.
const monitorFrom = 0.25

// typeFrom is the score from which a model that learnt types says what it would be: the
// share of attacks that its scores assume, above which an agent is more suspicious than
// any. Hard attacks seldom score more, and whoever looks into them wants to know for what.
const typeFrom = 0.1

// threatAction never terminates: a process cannot be brought back when a score
// was wrong, an isolated one can.
func threatAction(score float32) uint8 {
	switch {
	case score < monitorFrom:
		return ipc.ActionNone
	case score < 0.5:
		return ipc.ActionMonitor
	case score < 0.8:
		return ipc.ActionThrottle
	}
	return ipc.ActionIsolate
}
