// Package ladder decides which rung answers when the model has not. It is one pure
// function that the client and the bridge both use, so that the same situation
// gives the same kind of answer on either side.
package ladder

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// State is what is known when an answer is due.
type State struct {
	// Answered says that the model answered this very question. Its answer decides
	// unless Why says what is wrong with it.
	Answered bool
	// Why is why the model's answer does not count, or why there is none:
	// ReasonNone only with an answer that does, or before anybody was asked.
	Why ipc.Reason

	Cached       bool          // a model's earlier answer about this subject is known
	SameQuestion bool          // and it was given to this very question
	Age          time.Duration // of that answer

	TTL        time.Duration // an answer serves the same question for so long
	StaleBound time.Duration // and another question about the subject for so long
}

// Choose gives the best rung and the reason that belongs in the reply:
//
//	model   it answered, and nothing is wrong with that
//	cache   it answered the same question at most TTL ago
//	stale   it answered about this subject at most StaleBound ago
//	rule    otherwise
//
// A model that is not to be trusted now is not to be trusted a moment ago either:
// when it was demoted, or its answer was invalid or below the confidence
// threshold, the rule answers.
func Choose(s State) (ipc.Source, ipc.Reason) {
	switch {
	case s.Answered && s.Why == ipc.ReasonNone:
		return ipc.SourceModel, ipc.ReasonNone
	case s.Why == ipc.ReasonDemoted, s.Why == ipc.ReasonInvalidOutput, s.Why == ipc.ReasonLowConfidence:
		return ipc.SourceRule, s.Why
	case s.Cached && s.SameQuestion && s.Age <= s.TTL:
		return ipc.SourceCache, ipc.ReasonNone
	case s.Cached && s.Age <= s.StaleBound:
		return ipc.SourceStale, s.Why
	}
	return ipc.SourceRule, s.Why
}
