package bridge

import (
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
// does not inherit the old one's, and one that is rolled back to finds its own again.
type standing struct {
	mu      sync.Mutex // for readers; the loop alone writes
	models  [maxStandings]modelStanding
	serving *modelStanding // whose answers come from the daemon now; nil before the first
	lastID  uint16
	calls   uint32 // asked while the rule answers, to take every tryEvery-th
}

// modelStanding is how one model did and where that leaves it.
type modelStanding struct {
	id      uint16 // 0 is nobody
	label   string // "name@version"
	used    uint16 // lastID of the standing when last looked for: the smallest goes
	demoted bool
	betting betting
	window  pairWindow

	judged, tries           uint64
	modelSum, ruleSum       float64
	recentModel, recentRule float64 // exponentially weighted means
	demotions, recoveries   uint64

	turnPairs     int     // what its last demotion or return was decided on
	turnAdvantage float64 // and the rule's error − its own over those
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

// serve notes which model answers now.
func (s *standing) serve(label string) {
	m := s.of(label)
	s.mu.Lock()
	s.serving = m
	s.mu.Unlock()
}

// try reports whether this question is one that a demoted model is tried with.
func (s *standing) try() bool {
	s.calls++
	return s.calls%tryEvery == 0
}

// judge takes one case that the model and the rule were both judged on, with the errors
// of both and the most by which these could differ, and reports whether the model was
// demoted or came back for it.
func (s *standing) judge(m *modelStanding, model, rule, most float64, tried bool) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.judged++
	if tried {
		m.tries++
	}
	m.modelSum += model
	m.ruleSum += rule
	if m.judged == 1 {
		m.recentModel, m.recentRule = model, rule
	} else {
		m.recentModel += recentWeight * (model - m.recentModel)
		m.recentRule += recentWeight * (rule - m.recentRule)
	}
	closed := m.window.add(model - rule)
	if m.demoted {
		if !closed || !m.window.better() {
			return false
		}
		m.turnPairs, m.turnAdvantage = m.window.pairs(), -m.window.mean()
		m.demoted = false
		m.recoveries++
		m.betting = betting{bursts: m.betting.bursts} // what it has been since is no record to be measured by
		return true
	}
	cases, worse := m.betting.add(model-rule, most)
	if cases == 0 {
		return false
	}
	m.turnPairs, m.turnAdvantage = cases, -worse
	m.demoted = true
	m.demotions++
	m.window = pairWindow{} // probation starts from nothing
	return true
}

// Standing is where a model of a kind stands, and on what grounds.
type Standing struct {
	Kind    ipc.Kind
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

// snapshot gives the standings of kind k, the serving model's first.
func (s *standing) snapshot(k ipc.Kind) []Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Standing
	for i := range s.models {
		m := &s.models[i]
		if m.id == 0 {
			continue
		}
		list = append(list, s.look(k, m))
		if m == s.serving {
			list[0], list[len(list)-1] = list[len(list)-1], list[0]
		}
	}
	return list
}

// standingOf gives one model's.
func (s *standing) standingOf(k ipc.Kind, m *modelStanding) Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.look(k, m)
}

// look is under s.mu.
func (s *standing) look(k ipc.Kind, m *modelStanding) Standing {
	n := float64(m.judged)
	low, high := m.window.bounds()
	return Standing{
		Kind: k, Model: m.label, Serving: m == s.serving, Demoted: m.demoted,
		Judged: m.judged, Tries: m.tries, Demotions: m.demotions, Recoveries: m.recoveries,
		ModelError: m.modelSum / n, RuleError: m.ruleSum / n, RecentModel: m.recentModel, RecentRule: m.recentRule,
		Window: m.window.pairs(), Advantage: -m.window.mean(), Low: -high, High: -low,
		TurnCases: m.turnPairs, TurnAdvantage: m.turnAdvantage,
	}
}
