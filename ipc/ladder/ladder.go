// Package ladder decides which rung answers a question: the model itself, an
// answer of its that is cached, one that is stale, or the rule. Client and bridge
// ask the same pure function, so they cannot come to differ.
//
// From the top:
//
//	model  it answered this very question, confidently enough
//	cache  it answered the same question less than a TTL ago, confidently enough
//	stale  it answered the same question, or another about the same subject, within
//	       the stale bound, confidently enough
//	rule   always
//
// Two findings of the model's own cut the ladder short, down to the rule: an
// answer to this very question below the confidence threshold (older answers know
// less than it), and a demotion, or that it was switched off (its older answers are no
// better than it is).
package ladder

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Rung is an answer of the model that could be given. The zero Rung is none.
type Rung struct {
	Available  bool
	Age        time.Duration // since the model computed it; a negative one counts as 0
	Confidence float32       // in [0, 1]
}

// State is all that the decision depends on.
type State struct {
	Fresh   Rung // the model's reply to this call; its age does not matter
	Same    Rung // the latest answer to the same question
	Subject Rung // the latest answer to any question about the same subject

	TTL        time.Duration // younger than this, the same question's answer is as good as new
	StaleBound time.Duration // up to this age an answer may be given as stale
	Threshold  float32       // confidence below which the rule is preferred

	// RequireModel refuses stale answers and rules. The threshold does not apply
	// then: who insists on the model gets its answer with its confidence.
	RequireModel bool
	// Why the model did not answer; it must not be ReasonNone unless Fresh is
	// available. A reason that condemns the model's answers also condemns those
	// given here.
	Why ipc.Reason
}

// Decision is the rung to answer from and the reason to give with it.
type Decision struct {
	Source ipc.Source // SourceNone only when a model was required
	Reason ipc.Reason
	// Subject says that the stale answer is the one about the subject, not the one
	// to the same question.
	Subject bool
}

// Decide picks the highest rung that may answer.
func Decide(s State) Decision {
	switch {
	case s.Why.Condemns():
		return s.lower(s.Why)
	case s.Fresh.Available && s.trusted(s.Fresh):
		return Decision{Source: ipc.SourceModel}
	case s.Fresh.Available:
		return s.lower(ipc.ReasonLowConfidence)
	case s.RequireModel && s.Same.within(s.TTL), Cached(s.Same, s.TTL, s.Threshold):
		return Decision{Source: ipc.SourceCache}
	case s.Same.within(s.TTL):
		return s.lower(ipc.ReasonLowConfidence)
	case s.RequireModel:
		return Decision{Source: ipc.SourceNone, Reason: s.Why}
	case s.Same.upTo(s.StaleBound) && s.trusted(s.Same):
		return Decision{Source: ipc.SourceStale, Reason: s.Why}
	case s.Subject.upTo(s.StaleBound) && s.trusted(s.Subject):
		return Decision{Source: ipc.SourceStale, Reason: s.Why, Subject: true}
	}
	return Decision{Source: ipc.SourceRule, Reason: s.Why}
}

// Cached reports whether the latest answer to the same question is as good as new:
// whether, for a model that is not demoted and was not asked, Decide says cache. It
// is for callers that have 100 ns in all and nothing else to look at.
func Cached(same Rung, ttl time.Duration, threshold float32) bool {
	return same.within(ttl) && same.Confidence >= threshold
}

// lower goes straight to the rule, or to nothing where a rule is refused.
func (s *State) lower(why ipc.Reason) Decision {
	if s.RequireModel {
		return Decision{Source: ipc.SourceNone, Reason: why}
	}
	return Decision{Source: ipc.SourceRule, Reason: why}
}

func (s *State) trusted(r Rung) bool { return s.RequireModel || r.Confidence >= s.Threshold }

func (r Rung) within(d time.Duration) bool { return r.Available && max(r.Age, 0) < d }
func (r Rung) upTo(d time.Duration) bool   { return r.Available && max(r.Age, 0) <= d }
