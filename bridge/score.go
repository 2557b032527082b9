package bridge

import (
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// scoreboard compares models and rules with what really happened. It remembers the
// last predictions that were delivered, and beside each what the rule would have
// said to the very same question, so that both are judged on the same cases. It also
// remembers an answer that was not delivered: of a demoted model that is tried, or of
// a candidate that answers in the shadow. Errors are those of judged.go.
type scoreboard struct {
	kinds [len(ipc.Kinds)]kindScore
	off   atomic.Bool // the kill switch: rules answer everything
	told  func(Standing)
}

// kindScore is written by the loop and read by anyone.
type kindScore struct {
	given    given
	drift    drift
	standing standing

	joined, duplicate, late, foreign, unissued, missing atomic.Uint64
}

const pageShift = 12

// init begins with no predictions. Those of a bridge that was restarted must not be taken
// for those of the one before: ids count on from the time of the start.
func (s *scoreboard) init(told func(Standing)) {
	s.told = told
	now := uint64(time.Now().UnixNano())
	for _, k := range ipc.Kinds {
		s.of(k).given.init(k, now)
	}
}

func (s *scoreboard) of(k ipc.Kind) *kindScore { return &s.kinds[k-1] }

// withheld says why the answers of model m, which may be nil, are not to be given to the
// call, ReasonNone where they are: models are off, or m is demoted for the answer itself, or
// for a part of it and the caller insists on a model. It is asked once about an answer: models
// may be turned on or off at any moment.
func (s *scoreboard) withheld(call *ipc.Call, m *modelStanding) ipc.Reason {
	if s.off.Load() {
		return ipc.ReasonSwitchedOff
	}
	if m == nil || m.demoted == 0 {
		return ipc.ReasonNone
	}
	all, deciding := asked(call.Request)
	if m.demoted&deciding == deciding || m.demoted&all != 0 && call.RequireModel {
		return ipc.ReasonDemoted
	}
	return ipc.ReasonNone
}

// outdated reports whether nothing is to be given of what the model called label said
// earlier, to another question about the subject of q.
func (s *scoreboard) outdated(q ipc.Request, label string) bool {
	k := q.Kind()
	_, deciding := asked(q)
	return s.of(k).standing.of(label).lost(k, true)&deciding == deciding
}

// serve notes that the model called label answers for kind k now. A new model is told
// apart from new questions: what it is asked at first is what drift is measured by.
func (s *scoreboard) serve(k ipc.Kind, label string) {
	s.of(k).standing.serve(label)
	s.of(k).drift.restart()
}

// distrusts is withheld of the model called label, which answered about kind k.
func (s *scoreboard) distrusts(call *ipc.Call, k ipc.Kind, label string) ipc.Reason {
	return s.withheld(call, s.of(k).standing.of(label))
}

// useless reports whether nothing of what the model called label answers is given to
// anybody who asks as it was asked: deciding are the targets of that.
func (s *scoreboard) useless(k ipc.Kind, deciding targetSet, label string) bool {
	return s.off.Load() || s.of(k).standing.of(label).demoted&deciding == deciding
}

// remember notes a prediction that is about to be delivered, and gives the targets for
// which the rule's value is to be delivered in its place. What it displaces had no
// outcome in time. stale says that it is, or stands for, what was said earlier to another
// question about the subject.
func (s *scoreboard) remember(q ipc.Request, r *ipc.Reply, stale bool) (ruled ipc.Targets) {
	e := s.of(r.Kind).given.place(r.PredictionID)
	if e.id != 0 && !e.joined {
		s.of(r.Kind).missing.Add(1)
	}
	*e = remembered{id: r.PredictionID, stale: stale, subject: q.Subject().Hash(), unit: unitOf(q)}
	e.told = informed(q) // in the literal above it cost 10 ns: the copy waited for the short store
	e.said = judged(&r.Prediction, e.unit)
	if r.Source == ipc.SourceRule {
		e.rule = ruleValues(q, &r.Prediction, e.unit)
		return 0
	}
	e.rule = ruleSays(q, e.unit)
	m := s.of(r.Kind).standing.of(r.Model)
	e.by = m.id
	if m.demoted != 0 {
		all, _ := asked(q)
		all &= m.lost(r.Kind, stale)
		for i, part := range partsOf(r.Kind) {
			if all&(1<<e.target(r.Kind, i, part.bit)) != 0 {
				e.ruled |= part.bit
			}
		}
	}
	return e.ruled
}

// besides notes what the model called label answered to the question of a delivered
// prediction, without being delivered. The outcome may have come before.
func (s *scoreboard) besides(id uint64, label string, p *ipc.Prediction) {
	e := s.of(p.Kind).given.place(id)
	if e.id != id {
		return
	}
	m := s.of(p.Kind).standing.of(label)
	e.other, e.otherBy = judged(p, e.unit), m.id
	if e.joined && e.by == 0 {
		s.judge(p.Kind, e, m, &e.other, &e.said, everyValue)
	}
}

// observe joins an outcome to its prediction. Outcomes that come twice, too late,
// about somebody else or about nothing are counted and change nothing.
func (s *scoreboard) observe(o *ipc.Outcome) {
	k := s.of(o.Actual.Kind)
	e := k.given.place(o.PredictionID)
	switch {
	case o.PredictionID == 0:
		k.foreign.Add(1)
		return
	case !k.given.issued(o.PredictionID):
		k.unissued.Add(1)
		return
	case k.given.forgotten(o.PredictionID):
		k.late.Add(1)
		return
	case e.id != o.PredictionID || e.subject != o.Subject.Hash():
		k.foreign.Add(1)
		return
	case e.joined:
		k.duplicate.Add(1)
		return
	}
	e.joined = true
	k.joined.Add(1)
	actual := happened(o, e.unit)
	if m := k.standing.byID(e.by); m != nil {
		s.judge(o.Actual.Kind, e, m, &e.said, &actual, e.ruled)
	}
	if m := k.standing.byID(e.otherBy); m != nil {
		s.judge(o.Actual.Kind, e, m, &e.other, &actual, everyValue)
	}
	e.said = actual
}

// judge scores what m said about e's question beside what the rule says. tried are the
// values that nobody got.
func (s *scoreboard) judge(k ipc.Kind, e *remembered, m *modelStanding, said, actual *values, tried ipc.Targets) {
	st := &s.of(k).standing
	for i, part := range partsOf(k) {
		if !part.judgeable(said, &e.rule, actual) {
			continue
		}
		c := pairCase{
			model: part.loss(said, actual), rule: part.loss(&e.rule, actual),
			most: part.apart(said, &e.rule), tried: tried&part.bit != 0,
		}
		target := e.target(k, i, part.bit)
		if e.stale {
			target = staleOf(k, target)
		}
		if st.judge(m, target, c) {
			s.told(st.standingOf(k, m, target))
		}
	}
}

// everyValue are those of an answer of which nobody got any.
const everyValue = ^ipc.Targets(0)

// Score is how a kind's predictions were joined to outcomes, and how its models stand.
type Score struct {
	Kind      ipc.Kind
	Joined    uint64     // outcomes that found their prediction
	Duplicate uint64     // outcomes that came again
	Late      uint64     // outcomes whose prediction was forgotten, the last 131,072 of a kind being remembered
	Foreign   uint64     // outcomes about a client's own answer (id 0), or about another subject
	Unissued  uint64     // outcomes under an id that no prediction of the kind had since the bridge started
	Missing   uint64     // predictions forgotten without an outcome
	Standings []Standing // one a model and target, the serving model's first
	Drifts    []Drift    // of the questions
}

// Scores takes a snapshot, one a kind. Any goroutine may call it.
func (b *Bridge) Scores() []Score {
	out := make([]Score, len(ipc.Kinds))
	for i, kind := range ipc.Kinds {
		k := b.score.of(kind)
		out[i] = Score{
			Kind: kind, Joined: k.joined.Load(), Duplicate: k.duplicate.Load(), Late: k.late.Load(),
			Foreign: k.foreign.Load(), Unissued: k.unissued.Load(), Missing: k.missing.Load(), Standings: k.standing.snapshot(kind), Drifts: k.drift.snapshot(kind),
		}
	}
	return out
}
