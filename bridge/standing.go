package bridge

import (
	"math/bits"
	"math/rand/v2"
	"sync"

	"github.com/mlbridge/mlbridge/ipc"
)

// Where a model stands (after SOL, Wang et al., ASPLOS 2022, whose agents are watched
// by safeguards of their own):
//
//	trusted  its answers are given
//	demoted  the rule has become better than it, beyond chance (see betting): the rule
//	         answers. Of the questions one in tryEvery goes to the model all the same,
//	         whose answer nobody gets: it is on probation, and comes back when these
//	         tries were better than the rule, beyond chance again.
//
// Every model of a kind has a standing of its own, by name and version: a new version
// does not inherit the old one's, and one that is rolled back to finds its own again. It
// has one for each target (see target.go). A model that is demoted for some of what was
// asked is asked all the same, and the rule's value takes the place of its own there: so
// it is on probation with every question. So are its earlier answers, which are given as stale
// where it does not answer in time: nobody need be asked to try one.
type standing struct {
	mu      sync.Mutex // for readers; the loop alone writes
	models  [maxStandings]modelStanding
	serving *modelStanding // whose answers come from the daemon now; nil before the first
	lastID  uint16
	// Which questions are tries while the rule answers: by the first target that it answers
	// for, or of components that are asked about in turn some would never be tried.
	tries [maxTargets]tries
	draws rand.PCG // without a seed: what was recorded is judged again in the same way
}

// tries picks one of each tryEvery questions, at a place drawn anew each time: agents that
// are asked about in a fixed order are all tried, whatever their number.
type tries struct{ asked, place uint8 }

// modelStanding is how one model did and where that leaves it.
type modelStanding struct {
	id      uint16 // 0 is nobody
	label   string // "name@version"
	used    uint16 // lastID of the standing when last looked for: the smallest goes
	demoted targetSet
	targets [maxTargets]targetStanding
}

// targetStanding is how it did at one target.
type targetStanding struct {
	betting betting
	window  pairWindow

	judged, tries           uint64
	modelSum, ruleSum       float64
	recentModel, recentRule float64 // exponentially weighted means
	demotions, recoveries   uint64
	returned                float64 // modelSum − ruleSum when it last came back

	turnPairs     int     // what its last demotion or return was decided on
	turnAdvantage float64 // and the rule's error − its own over those
}

// pairCase is one case that a model and the rule were both judged on.
type pairCase struct {
	model, rule float64 // their errors
	most        float64 // by which these could differ
	tried       bool    // nobody got the model's answer
}

const (
	// maxStandings is how many models of a kind are told apart: the one that serves, a
	// candidate, and those before them.
	maxStandings = 4
	// tryEvery is the part of the questions that a demoted model is tried with.
	tryEvery = 8
	// recentWeight makes the recent means look back over about 1,000 outcomes.
	recentWeight = 0.002
)

// of gives the standing of the model called label, a new one where it has none yet.
func (s *standing) of(label string) *modelStanding {
	if m := s.serving; m != nil && m.label == label {
		return m
	}
	oldest := &s.models[0]
	for i := range s.models {
		m := &s.models[i]
		if m.id != 0 && m.label == label {
			m.used = s.lastID
			return m
		}
		if m != s.serving && (oldest == s.serving || m.used < oldest.used) {
			oldest = m
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastID++; s.lastID == 0 {
		s.lastID++
	}
	*oldest = modelStanding{id: s.lastID, used: s.lastID, label: label}
	return oldest
}

// byID finds the model that an answer was remembered with; nil when it is forgotten.
func (s *standing) byID(id uint16) *modelStanding {
	for i := range s.models {
		if m := &s.models[i]; id != 0 && m.id == id {
			return m
		}
	}
	return nil
}

// lost are the targets of kind k for which the rule's values stand in for m's, of earlier
// answers where stale: those are demoted with the model, and by themselves.
func (m *modelStanding) lost(k ipc.Kind, stale bool) targetSet {
	if !stale {
		return m.demoted
	}
	n := len(targetNames[k-1])
	by := m.demoted >> (2 * n)
	return m.demoted | by | by<<n
}

// serve notes which model answers now.
func (s *standing) serve(label string) {
	m := s.of(label)
	s.mu.Lock()
	s.serving = m
	s.mu.Unlock()
}

// try reports whether a question with these deciding targets is one that a demoted model is
// tried with.
func (s *standing) try(deciding targetSet) bool {
	t := &s.tries[bits.TrailingZeros64(uint64(deciding))]
	if t.asked == 0 {
		t.place = uint8(s.draws.Uint64() % tryEvery)
	}
	try := t.asked == t.place
	t.asked = (t.asked + 1) % tryEvery
	return try
}

// judge takes a case of a target, and reports whether the model was demoted or came back
// for it.
func (s *standing) judge(m *modelStanding, target int, c pairCase) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if changed = m.targets[target].judge(c, m.demoted&(1<<target) != 0); changed {
		m.demoted ^= 1 << target
	}
	return changed
}

func (t *targetStanding) judge(c pairCase, demoted bool) (changed bool) {
	t.judged++
	if c.tried {
		t.tries++
	}
	t.modelSum += c.model
	t.ruleSum += c.rule
	if t.judged == 1 {
		t.recentModel, t.recentRule = c.model, c.rule
	} else {
		t.recentModel += recentWeight * (c.model - t.recentModel)
		t.recentRule += recentWeight * (c.rule - t.recentRule)
	}
	closed := t.window.add(c.model - c.rule)
	if demoted {
		if !closed || !t.window.better() {
			return false
		}
		t.turnPairs, t.turnAdvantage = t.window.pairs(), -t.window.mean()
		t.recoveries++
		t.returned = t.modelSum - t.ruleSum
		t.betting = betting{bursts: t.betting.bursts} // what it has been since is no record to be measured by
		return true
	}
	cases, worse := t.betting.add(c.model-c.rule, c.most)
	if cases == 0 {
		return false
	}
	t.turnPairs, t.turnAdvantage = cases, -worse
	t.demotions++
	t.window = pairWindow{doubled: t.probation()} // which starts from nothing
	return true
}

// probation is how often the tries of a model that is demoted now are doubled, after the last
// time. The bounds of few tries do not know what is rare: a model that gains a little in most
// cases and loses much in few would come back again and again, and one that is as often bad as
// good whenever it has just turned. So a return after which, all in all, the model erred more
// than the rule doubles them, and one that was worth it ends that.
func (t *targetStanding) probation() (doubled uint8) {
	if t.recoveries == 0 || t.modelSum-t.ruleSum <= t.returned {
		return 0
	}
	return min(t.window.doubled+1, maxDoubled)
}

// Standing is where a model of a kind stands at one target, and on what grounds.
type Standing struct {
	Kind    ipc.Kind
	Target  string // one of targetNames: "cpu", "memory" …
	With    string // what the questions tell that it is about: one of extras, "" of those that tell nothing more
	Stale   bool   // it is about what the model said earlier, to another question about the subject, whatever was told
	Without string // what others of these tell that the model was judged by, apart: where With is "" and there are two records
	Model   string // name@version
	Serving bool   // its answers come from the daemon now; false for a candidate or an earlier one
	Demoted bool

	Judged     uint64 // cases that it and the rule were judged on
	Tries      uint64 // of these, answers that nobody got: of a probation or a candidate
	Demotions  uint64
	Recoveries uint64

	ModelError, RuleError   float64 // mean over the judged; NaN when there are none
	RecentModel, RecentRule float64 // the same, over about the last 1,000

	Window    int     // cases in the window that decides
	Advantage float64 // rule's error − model's over the window, above 0 where the model is better; NaN without one
	// Low and High are the bounds of Advantage, each one-sided at 99 %: a demoted model is
	// back when Low is above 0. Infinite while there are too few cases.
	Low, High float64

	// What the last demotion or return was decided on. 0 cases: there was none.
	TurnCases     int
	TurnAdvantage float64
}

// Name names the target as people are told: "memory of questions with a past", "memory of
// questions without a past" where the model was judged by such as well, "memory of stale
// answers", else "memory".
func (s *Standing) Name() string {
	switch {
	case s.Stale:
		return s.Target + " of stale answers"
	case s.With != "":
		return s.Target + " of questions with " + phrase(s.With)
	case s.Without != "":
		return s.Target + " of questions without " + phrase(s.Without)
	}
	return s.Target
}

// snapshot gives the standings of kind k, the serving model's first. Targets that a model
// was never judged at are left out, but the first.
func (s *standing) snapshot(k ipc.Kind) []Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Standing
	add := func(m *modelStanding) {
		for i := range targetsOf(k) {
			if i == 0 || m.targets[i].judged > 0 || m.demoted&(1<<i) != 0 {
				list = append(list, s.look(k, m, i))
			}
		}
	}
	if s.serving != nil {
		add(s.serving)
	}
	for i := range s.models {
		if m := &s.models[i]; m.id != 0 && m != s.serving {
			add(m)
		}
	}
	return list
}

// standingOf gives one model's at one target.
func (s *standing) standingOf(k ipc.Kind, m *modelStanding, target int) Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.look(k, m, target)
}

// look is under s.mu.
func (s *standing) look(k ipc.Kind, m *modelStanding, target int) Standing {
	t := &m.targets[target]
	n := float64(t.judged)
	low, high := t.window.bounds()
	name, with, stale := nameOf(k, target)
	without := ""
	if other := target + len(targetNames[k-1]); with == "" && !stale && (m.targets[other].judged > 0 || m.demoted&(1<<other) != 0) {
		without = extras[k-1]
	}
	return Standing{
		Kind: k, Target: name, With: with, Without: without, Stale: stale, Model: m.label, Serving: m == s.serving, Demoted: m.demoted&(1<<target) != 0,
		Judged: t.judged, Tries: t.tries, Demotions: t.demotions, Recoveries: t.recoveries,
		ModelError: t.modelSum / n, RuleError: t.ruleSum / n, RecentModel: t.recentModel, RecentRule: t.recentRule,
		Window: t.window.pairs(), Advantage: -t.window.mean(), Low: -high, High: -low,
		TurnCases: t.turnPairs, TurnAdvantage: t.turnAdvantage,
	}
}
