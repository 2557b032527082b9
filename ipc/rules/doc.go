// Package rules predicts without a model. It is the last rung of the ladder and
// the yardstick of every model: it always has an answer, never touches the clock
// or the outside world, and is a pure function of the request, so the client and
// the bridge give the same answer to the same question.
//
// A rule expects a request that passes its Validate; then its prediction passes
// Prediction.Validate. It allocates nothing and works with any length of history,
// none included.
//
// The rules of the system this one replaces are kept, where ours are others, under names
// that begin with Origin, as the baseline that improved rules are measured against.
package rules

import "github.com/mlbridge/mlbridge/ipc"

// Names of the rules as a reply's model. The number changes whenever the same
// request would get another answer.
const (
	WorkloadName = "rule-workload@1"
	ThreatName   = "rule-threat@1"
	FailureName  = "rule-failure@1"
	MemoryName   = "rule-memory@1"
)

var names = [...]string{
	ipc.Workload: WorkloadName,
	ipc.Threat:   ThreatName,
	ipc.Failure:  FailureName,
	ipc.Memory:   MemoryName,
}

// Name gives the name of the rule for kind k, "" when k is no kind.
func Name(k ipc.Kind) string {
	if !k.Valid() {
		return ""
	}
	return names[k]
}

// Predict answers q by the rule of its kind. Whatever was in p is overwritten.
func Predict(q ipc.Request, p *ipc.Prediction) {
	*p = ipc.Prediction{Kind: q.Kind()}
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		Workload(q, &p.Workload)
	case *ipc.ThreatRequest:
		Threat(q, &p.Threat)
	case *ipc.FailureRequest:
		Failure(q, &p.Failure)
	case *ipc.MemoryRequest:
		Memory(q, &p.Memory)
	}
}

// Answer fills r with the rule's answer to q, marked as such: status ok, source
// rule, age 0, prediction id 0. Why a rule had to answer is the caller's to say.
func Answer(q ipc.Request, why ipc.Reason, r *ipc.Reply) {
	*r = ipc.Reply{Source: ipc.SourceRule, Reason: why, Model: Name(q.Kind())}
	Predict(q, &r.Prediction)
}
