package bridge

import (
	"math"
	"sync/atomic"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// scoreboard compares models and rules with what really happened. It remembers the
// last predictions that were delivered, and beside each what the rule would have
// said to the very same question, so that both are judged on the same cases. It also
// remembers an answer that was not delivered: of a demoted model that is tried, or of
// a candidate that answers in the shadow.
//
// The error of a prediction, smaller is better:
//
//	workload   |predicted cpu − actual cpu|
//	threat     Brier score (score − attack)²
//	failure    Brier score (probability − failed)²
//	memory     0 for the right page, 1 for another
//
// (Brier: Verification of forecasts expressed in terms of probability, Monthly
// Weather Review 78, 1950.)
type scoreboard struct {
	ring  []remembered // by prediction id modulo its length
	kinds [len(ipc.Kinds)]kindScore
	off   atomic.Bool // the kill switch: rules answer everything
	told  func(Standing)
}

// remembered is what is needed to judge one prediction later.
type remembered struct {
	id      uint64
	subject uint64 // hash of the subject: an outcome must be about the same one
	said    value  // what was delivered; the actual value once it is known
	rule    value  // what the rule would have said
	other   value  // what was answered besides, and not delivered
	by      uint16 // the standing of who said it, 0 for the rule
	otherBy uint16
	kind    ipc.Kind
	joined  bool // its outcome came
}

// value is the judged part of a prediction: the bits of a share or probability as a
// float32, or the number of a page.
type value uint64

func numberOf(v float32) value { return value(math.Float32bits(v)) }

func (v value) number() float64 { return float64(math.Float32frombits(uint32(v))) }

// kindScore is written by the loop and read by anyone.
type kindScore struct {
	drift                                     drift
	standing                                  standing
	joined, duplicate, late, foreign, missing atomic.Uint64
}

const (
	// rememberedPredictions bounds how late an outcome may come: at 10,000
	// predictions a second, 13 seconds.
	rememberedPredictions = 1 << 17
	pageShift             = 12
)

func (s *scoreboard) init(told func(Standing)) {
	s.ring, s.told = make([]remembered, rememberedPredictions), told
}

func (s *scoreboard) of(k ipc.Kind) *kindScore { return &s.kinds[k-1] }

func (s *scoreboard) place(id uint64) *remembered { return &s.ring[id%uint64(len(s.ring))] }

// ruled reports whether the rule answers for kind k: because the model that serves is
// demoted, or because models are off.
func (s *scoreboard) ruled(k ipc.Kind) bool {
	m := s.of(k).standing.serving
	return s.off.Load() || m != nil && m.demoted
}

// verdict is why a model that is not trusted is not.
func (s *scoreboard) verdict() ipc.Reason {
	if s.off.Load() {
		return ipc.ReasonSwitchedOff
	}
	return ipc.ReasonDemoted
}

// serve notes that the model called label answers for kind k now. A new model is told
// apart from new questions: what it is asked at first is what drift is measured by.
func (s *scoreboard) serve(k ipc.Kind, label string) {
	s.of(k).standing.serve(label)
	s.of(k).drift.restart()
}

// distrusts reports whether the answers of the model called label are not to be given.
func (s *scoreboard) distrusts(k ipc.Kind, label string) bool {
	return s.off.Load() || s.of(k).standing.of(label).demoted
}

// remember notes a delivered prediction. What it displaces had no outcome in time.
func (s *scoreboard) remember(q ipc.Request, r *ipc.Reply) {
	e := s.place(r.PredictionID)
	if e.id != 0 && !e.joined {
		s.of(e.kind).missing.Add(1)
	}
	*e = remembered{id: r.PredictionID, kind: r.Kind, subject: subjectHash(q.Subject()), said: judged(&r.Prediction)}
	if r.Source == ipc.SourceRule {
		e.rule = e.said
		return
	}
	e.rule = ruleSays(q)
	e.by = s.of(r.Kind).standing.of(r.Model).id
}

// besides notes what the model called label answered to the question of a delivered
// prediction, without being delivered. The outcome may have come before.
func (s *scoreboard) besides(id uint64, label string, p *ipc.Prediction) {
	e := s.place(id)
	if e.id != id || e.kind != p.Kind {
		return
	}
	k := s.of(e.kind)
	m := k.standing.of(label)
	e.other, e.otherBy = judged(p), m.id
	if e.joined && e.by == 0 {
		s.judge(e, m, e.other, e.said, true)
	}
}

// ruleSays gives the judged part of what the rule says: of a workload the cpu alone,
// since this is done for every answer.
func ruleSays(q ipc.Request) value {
	if w, ok := q.(*ipc.WorkloadRequest); ok {
		return numberOf(rules.CPU(w))
	}
	var p ipc.Prediction
	rules.Predict(q, &p)
	return judged(&p)
}

// observe joins an outcome to its prediction. Outcomes that come twice, too late,
// or about somebody else are counted and change nothing.
func (s *scoreboard) observe(o *ipc.Outcome, lastID uint64) {
	k := s.of(o.Actual.Kind)
	e := s.place(o.PredictionID)
	switch {
	case o.PredictionID == 0 || o.PredictionID > lastID:
		k.foreign.Add(1)
		return
	case e.id != o.PredictionID && lastID-o.PredictionID >= uint64(len(s.ring)):
		k.late.Add(1)
		return
	case e.id != o.PredictionID || e.kind != o.Actual.Kind || e.subject != subjectHash(o.Subject):
		k.foreign.Add(1)
		return
	case e.joined:
		k.duplicate.Add(1)
		return
	}
	e.joined = true
	k.joined.Add(1)
	actual := judged(&o.Actual)
	if m := k.standing.byID(e.by); m != nil {
		s.judge(e, m, e.said, actual, false)
	}
	if m := k.standing.byID(e.otherBy); m != nil {
		s.judge(e, m, e.other, actual, true)
	}
	e.said = actual
}

// judge scores what m said about e's question beside what the rule says.
func (s *scoreboard) judge(e *remembered, m *modelStanding, said, actual value, tried bool) {
	k := &s.of(e.kind).standing
	if k.judge(m, loss(e.kind, said, actual), loss(e.kind, e.rule, actual), apart(e.kind, said, e.rule), tried) {
		s.told(k.standingOf(e.kind, m))
	}
}

func judged(p *ipc.Prediction) value {
	switch p.Kind {
	case ipc.Workload:
		return numberOf(p.Workload.CPU)
	case ipc.Threat:
		return numberOf(p.Threat.Score)
	case ipc.Failure:
		return numberOf(p.Failure.Probability)
	}
	return value(p.Memory.NextAddress >> pageShift)
}

func loss(k ipc.Kind, said, actual value) float64 {
	if k == ipc.Memory {
		if said == actual {
			return 0
		}
		return 1
	}
	d := said.number() - actual.number()
	if k == ipc.Workload {
		return math.Abs(d)
	}
	return d * d
}

// apart is the most by which the losses of two answers to the same question can differ,
// whatever the outcome.
func apart(k ipc.Kind, a, b value) float64 {
	if k == ipc.Memory {
		return loss(k, a, b)
	}
	d, sum := math.Abs(a.number()-b.number()), a.number()+b.number()
	if k == ipc.Workload {
		return d
	}
	return d * max(sum, 2-sum) // |a²-b²| or |(1-a)²-(1-b)²|
}

// subjectHash is FNV-1a (RFC 9923) over the component, or the agent itself.
func subjectHash(s ipc.Subject) uint64 {
	if s.Component == "" {
		return s.Agent
	}
	h := uint64(14695981039346656037)
	for i := range len(s.Component) {
		h = (h ^ uint64(s.Component[i])) * 1099511628211
	}
	return h
}

// Score is how a kind's predictions were joined to outcomes, and how its models stand.
type Score struct {
	Kind      ipc.Kind
	Joined    uint64     // outcomes that found their prediction
	Duplicate uint64     // outcomes that came again
	Late      uint64     // outcomes whose prediction was forgotten, the last 131,072 being remembered
	Foreign   uint64     // outcomes about no prediction of this bridge, or about another subject
	Missing   uint64     // predictions forgotten without an outcome
	Standings []Standing // the serving model's first
	Drifts    []Drift    // of the questions
}

// Scores takes a snapshot, one a kind. Any goroutine may call it.
func (b *Bridge) Scores() []Score {
	out := make([]Score, len(ipc.Kinds))
	for i, kind := range ipc.Kinds {
		k := b.score.of(kind)
		out[i] = Score{
			Kind: kind, Joined: k.joined.Load(), Duplicate: k.duplicate.Load(), Late: k.late.Load(),
			Foreign: k.foreign.Load(), Missing: k.missing.Load(), Standings: k.standing.snapshot(kind), Drifts: k.drift.snapshot(kind),
		}
	}
	return out
}
