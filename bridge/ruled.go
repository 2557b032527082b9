package bridge

import (
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/ladder"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// maxTrials bounds the predictions that one answer is scored beside.
const maxTrials = 64

// decideByRule answers a call that no model is trusted with, which is why. Of a demoted one's
// questions some go to it all the same, to see whether it has got better: nobody waits
// for these answers and nobody gets them. With models off it is asked nothing.
func (b *Bridge) decideByRule(call *ipc.Call, key *cachekey.Key, why ipc.Reason, now ipc.Instant) {
	var q *question
	if why != ipc.ReasonSwitchedOff {
		if _, deciding := asked(call.Request); b.score.of(key.Kind).standing.try(deciding) {
			q = b.lanes[key.Kind-1].trial(call, key, now)
		}
	}
	given := &b.score.of(key.Kind).given
	before := given.last
	b.fallBack(call, key, why) // the call is over and may be another's now
	if q != nil && given.last != before && len(q.trials) < maxTrials {
		q.trials = append(q.trials, given.last)
	}
}

// tryOutdated has the rule answer a call in the place of what the model said earlier, which
// lies at e and does worse. The reason is the one that keeps clients from what they
// remember themselves. Nobody gets the earlier answer, it is only judged.
func (b *Bridge) tryOutdated(call *ipc.Call, e cached) {
	var earlier ipc.Prediction
	b.cache.load(e, &earlier)
	model := b.cache.model(e)
	rules.Predict(call.Request, &call.Reply.Prediction)
	b.deliver(call, ladder.Decision{Source: ipc.SourceRule, Reason: ipc.ReasonDemoted, Subject: true}, 0, rules.Name(e.kind))
	b.score.besides(b.score.of(e.kind).given.last, model, &earlier)
}

// giveRuled puts the rule's values in the place of those that the model is demoted for,
// into a reply that has the model's otherwise, and says so in it. A workload's confidence
// is about the cpu, and comes from whom the cpu comes from.
func giveRuled(q ipc.Request, r *ipc.Reply, ruled ipc.Targets) {
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		var rule ipc.WorkloadPrediction
		rules.Workload(q, &rule)
		giveRuledWorkload(&r.Workload, &rule, ruled)
	case *ipc.ThreatRequest:
		// The rule's own type goes with its own score: this one goes with the model's.
		if to := &r.Threat; to.Type != ipc.ThreatNone || to.Score >= likely {
			to.Type = rules.ThreatType(&q.Metrics)
		}
	case *ipc.FailureRequest:
		var rule ipc.FailurePrediction
		rules.Failure(q, &rule)
		if ruled.Has(ipc.TargetFailureTime) {
			r.Failure.PredictedTime = rule.PredictedTime
		}
		if ruled.Has(ipc.TargetFailureType) {
			r.Failure.Type = rule.Type
		}
	case *ipc.MemoryRequest:
		var rule ipc.MemoryPrediction
		rules.Memory(q, &rule)
		r.Memory.Type = rule.Type
	}
	if r.Ruled = ruled; r.Reason == ipc.ReasonNone {
		r.Reason = ipc.ReasonDemoted
	}
}

func giveRuledWorkload(to, rule *ipc.WorkloadPrediction, ruled ipc.Targets) {
	if ruled.Has(ipc.TargetCPU) {
		to.CPU, to.Confidence = rule.CPU, rule.Confidence
	}
	if ruled.Has(ipc.TargetMemory) {
		to.Memory = rule.Memory
	}
	if ruled.Has(ipc.TargetGPU) {
		to.GPU = rule.GPU
	}
}

// trial queues a question that nobody waits for; nil when the daemon cannot take it.
func (l *lane) trial(call *ipc.Call, key *cachekey.Key, now ipc.Instant) *question {
	if l.closed || l.down() && (l.busy() || l.next(now) > now) {
		return nil
	}
	return l.question(call, key, now)
}

// UseModels turns the models of all kinds on or off: the kill switch. While they are
// off the rules answer everything, with the reason "switched off", and the daemon is asked
// nothing. Any goroutine may call it; it holds for the next call.
func (b *Bridge) UseModels(on bool) { b.score.off.Store(!on) }

// ModelsOff reports whether UseModels has turned the models off.
func (b *Bridge) ModelsOff() bool { return b.score.off.Load() }
