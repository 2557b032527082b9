package security

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// verdictAt is the score from which behaviour counts as a threat.
const verdictAt = 0.5

// sureToKill is the confidence that an action which cannot be taken back needs;
// with less the agent is isolated, which can.
const sureToKill = 0.8

// guard is what one side, the model's way or the rule alone, knows of an agent and
// has done about it. Each keeps its own scores: they go into its next questions.
type guard struct {
	scores []float32     // the last ones, oldest first
	threat time.Duration // when the last threat was seen
	seen   bool          // there was one
	action uint8         // the strictest so far
}

// judge applies a prediction at time at and returns the action taken.
func (g *guard) judge(p *ipc.ThreatPrediction, at time.Duration) uint8 {
	if len(g.scores) == ipc.MaxThreatHistory {
		g.scores = append(g.scores[:0], g.scores[1:]...)
	}
	g.scores = append(g.scores, p.Score)
	if p.Score >= verdictAt {
		g.threat, g.seen = at, true
	}
	action := p.Action
	if action == ipc.ActionTerminate && p.Confidence < sureToKill {
		action = ipc.ActionIsolate
	}
	g.action = max(g.action, action)
	return action
}

// sinceThreat is in ms, ipc.Never when there was none.
func (g *guard) sinceThreat(at time.Duration) uint64 {
	if !g.seen {
		return ipc.Never
	}
	return uint64(max(at-g.threat, 0) / time.Millisecond)
}
