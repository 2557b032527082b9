package bridge

import (
	"math"
	"sync/atomic"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// scoreboard compares models and rules with what really happened. It remembers the
// last predictions that were delivered, and beside each what the rule would have
// said to the very same question, so that both are judged on the same cases.
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
}

// remembered is what is needed to judge one prediction later.
type remembered struct {
	id      uint64
	subject uint64 // hash of the subject: an outcome must be about the same one
	kind    ipc.Kind
	byModel bool
	said    value // what was delivered
	rule    value // what the rule would have said
}

// value is the judged part of a prediction: a share or probability, or a page.
type value struct {
	number float32
	page   uint64
}

// kindScore is written by the loop and read by anyone.
type kindScore struct {
	joined, unknown         atomic.Uint64
	modelSum, ruleSum       atomicFloat // errors of predictions that a model made
	judged                  atomic.Uint64
	recentModel, recentRule atomicFloat // exponentially weighted means of the same
}

const (
	// rememberedPredictions bounds how late an outcome may come: at 10,000
	// predictions a second, 13 seconds.
	rememberedPredictions = 1 << 17
	// recentWeight makes the recent means look back over about 1,000 outcomes.
	recentWeight = 0.002
	pageShift    = 12
)

func (s *scoreboard) init() { s.ring = make([]remembered, rememberedPredictions) }

// remember notes a delivered prediction.
func (s *scoreboard) remember(q ipc.Request, r *ipc.Reply) {
	e := &s.ring[r.PredictionID%uint64(len(s.ring))]
	e.id, e.kind, e.subject = r.PredictionID, r.Kind, subjectHash(q.Subject())
	e.said = judged(&r.Prediction)
	if e.byModel = r.Source != ipc.SourceRule; !e.byModel {
		e.rule = e.said
		return
	}
	e.rule = ruleSays(q)
}

// ruleSays gives the judged part of what the rule says: of a workload the cpu alone,
// since this is done for every answer.
func ruleSays(q ipc.Request) value {
	if w, ok := q.(*ipc.WorkloadRequest); ok {
		return value{number: rules.CPU(w)}
	}
	var p ipc.Prediction
	rules.Predict(q, &p)
	return judged(&p)
}

// observe joins an outcome to its prediction. Outcomes that come twice, too late,
// or about somebody else are counted as unknown and change nothing.
func (s *scoreboard) observe(o *ipc.Outcome) {
	k := &s.kinds[o.Actual.Kind-1]
	e := &s.ring[o.PredictionID%uint64(len(s.ring))]
	if o.PredictionID == 0 || e.id != o.PredictionID || e.kind != o.Actual.Kind || e.subject != subjectHash(o.Subject) {
		k.unknown.Add(1)
		return
	}
	e.id = 0 // the next report of it is a duplicate
	k.joined.Add(1)
	if !e.byModel {
		return
	}
	actual := judged(&o.Actual)
	model, rule := loss(e.kind, e.said, actual), loss(e.kind, e.rule, actual)
	k.modelSum.add(model)
	k.ruleSum.add(rule)
	if k.judged.Add(1) == 1 {
		k.recentModel.store(model)
		k.recentRule.store(rule)
		return
	}
	k.recentModel.store(k.recentModel.load() + recentWeight*(model-k.recentModel.load()))
	k.recentRule.store(k.recentRule.load() + recentWeight*(rule-k.recentRule.load()))
}

func judged(p *ipc.Prediction) value {
	switch p.Kind {
	case ipc.Workload:
		return value{number: p.Workload.CPU}
	case ipc.Threat:
		return value{number: p.Threat.Score}
	case ipc.Failure:
		return value{number: p.Failure.Probability}
	}
	return value{page: p.Memory.NextAddress >> pageShift}
}

func loss(k ipc.Kind, said, actual value) float64 {
	d := float64(said.number) - float64(actual.number)
	switch k {
	case ipc.Workload:
		return math.Abs(d)
	case ipc.Threat, ipc.Failure:
		return d * d
	}
	if said.page == actual.page {
		return 0
	}
	return 1
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

// Score is how a kind's model and rule did on the same cases.
type Score struct {
	Kind        ipc.Kind
	Joined      uint64  // outcomes that found their prediction
	Unknown     uint64  // outcomes that did not: late, twice, or of a client's own rule
	Judged      uint64  // of the joined, those whose prediction a model made
	ModelError  float64 // mean over the judged; NaN when there are none
	RuleError   float64 // what the rule would have had
	RecentModel float64 // the same, over about the last 1,000
	RecentRule  float64
}

// Scores takes a snapshot, one a kind. Any goroutine may call it.
func (b *Bridge) Scores() []Score {
	out := make([]Score, len(ipc.Kinds))
	for i, kind := range ipc.Kinds {
		k := &b.score.kinds[i]
		n := k.judged.Load()
		out[i] = Score{
			Kind: kind, Joined: k.joined.Load(), Unknown: k.unknown.Load(), Judged: n,
			ModelError: k.modelSum.load() / float64(n), RuleError: k.ruleSum.load() / float64(n),
			RecentModel: k.recentModel.load(), RecentRule: k.recentRule.load(),
		}
	}
	return out
}

// atomicFloat is a float64 with one writer and many readers.
type atomicFloat struct{ bits atomic.Uint64 }

func (f *atomicFloat) load() float64   { return math.Float64frombits(f.bits.Load()) }
func (f *atomicFloat) store(v float64) { f.bits.Store(math.Float64bits(v)) }
func (f *atomicFloat) add(v float64)   { f.store(f.load() + v) }
