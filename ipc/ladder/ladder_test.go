package ladder_test

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ladder"
)

const (
	ttl       = 100 * time.Millisecond
	bound     = time.Second
	threshold = 0.5
)

func rung(age time.Duration, confidence float32) ladder.Rung {
	return ladder.Rung{Available: true, Age: age, Confidence: confidence}
}

func TestDecide(t *testing.T) {
	none := ladder.Rung{}
	const why = ipc.ReasonDeadline
	for _, c := range []struct {
		line                 string
		fresh, same, subject ladder.Rung
		require              bool
		why                  ipc.Reason
		want                 ladder.Decision
	}{
		{"the model answers", rung(0, 0.9), none, none, false, 0, ladder.Decision{Source: ipc.SourceModel}},
		{"exactly at the threshold", rung(0, 0.5), none, none, false, 0, ladder.Decision{Source: ipc.SourceModel}},
		{"the model before a cached answer", rung(0, 0.9), rung(1, 0.9), rung(1, 0.9), false, 0, ladder.Decision{Source: ipc.SourceModel}},
		{"an unsure model, nothing else", rung(0, 0.4), none, none, false, 0, ladder.Decision{Source: ipc.SourceRule, Reason: ipc.ReasonLowConfidence}},
		{"an unsure model beats its surer past", rung(0, 0.4), rung(1, 0.9), rung(1, 0.9), false, 0, ladder.Decision{Source: ipc.SourceRule, Reason: ipc.ReasonLowConfidence}},
		{"cached", none, rung(1, 0.9), none, false, why, ladder.Decision{Source: ipc.SourceCache}},
		{"cached in the future counts as now", none, rung(-5, 0.9), none, false, why, ladder.Decision{Source: ipc.SourceCache}},
		{"last moment of the TTL", none, rung(ttl-1, 0.9), none, false, why, ladder.Decision{Source: ipc.SourceCache}},
		{"the TTL is over", none, rung(ttl, 0.9), none, false, why, ladder.Decision{Source: ipc.SourceStale, Reason: why}},
		{"cached but unsure", none, rung(1, 0.4), none, false, why, ladder.Decision{Source: ipc.SourceRule, Reason: ipc.ReasonLowConfidence}},
		{"the same question before the subject", none, rung(bound, 0.9), rung(1, 0.9), false, why, ladder.Decision{Source: ipc.SourceStale, Reason: why}},
		{"the subject, however fresh, is stale", none, none, rung(1, 0.9), false, why, ladder.Decision{Source: ipc.SourceStale, Reason: why, Subject: true}},
		{"past the bound the subject's serves", none, rung(bound+1, 0.9), rung(bound, 0.9), false, why, ladder.Decision{Source: ipc.SourceStale, Reason: why, Subject: true}},
		{"an unsure stale one is passed over", none, rung(ttl, 0.4), rung(1, 0.9), false, why, ladder.Decision{Source: ipc.SourceStale, Reason: why, Subject: true}},
		{"all too old", none, rung(bound+1, 0.9), rung(bound+1, 0.9), false, why, ladder.Decision{Source: ipc.SourceRule, Reason: why}},
		{"nothing", none, none, none, false, why, ladder.Decision{Source: ipc.SourceRule, Reason: why}},
		{"demoted", rung(0, 0.9), rung(1, 0.9), rung(1, 0.9), false, ipc.ReasonDemoted, ladder.Decision{Source: ipc.SourceRule, Reason: ipc.ReasonDemoted}},
		{"required and there", rung(0, 0.9), none, none, true, 0, ladder.Decision{Source: ipc.SourceModel}},
		{"required and unsure", rung(0, 0.1), none, none, true, 0, ladder.Decision{Source: ipc.SourceModel}},
		{"required and cached", none, rung(1, 0.1), none, true, why, ladder.Decision{Source: ipc.SourceCache}},
		{"required and stale", none, rung(ttl, 0.9), rung(1, 0.9), true, why, ladder.Decision{Reason: why}},
		{"switched off", rung(0, 0.9), rung(1, 0.9), rung(1, 0.9), false, ipc.ReasonSwitchedOff, ladder.Decision{Source: ipc.SourceRule, Reason: ipc.ReasonSwitchedOff}},
		{"required and demoted", rung(0, 0.9), none, none, true, ipc.ReasonDemoted, ladder.Decision{Reason: ipc.ReasonDemoted}},
	} {
		got := ladder.Decide(ladder.State{
			Fresh: c.fresh, Same: c.same, Subject: c.subject, RequireModel: c.require, Why: c.why,
			TTL: ttl, StaleBound: bound, Threshold: threshold,
		})
		if got != c.want {
			t.Errorf("%s: Decide = %+v, want %+v", c.line, got, c.want)
		}
	}
}

// states visits every combination of rungs, ages and confidences on either side
// of each limit, of reasons and of requiring a model.
func states(visit func(s ladder.State)) {
	rungs := []ladder.Rung{{}}
	for _, age := range []time.Duration{0, ttl - 1, ttl, bound, bound + 1} {
		for _, confidence := range []float32{0, 0.49, 0.5, 1} {
			rungs = append(rungs, rung(age, confidence))
		}
	}
	for _, fresh := range rungs[:5] { // its age does not matter
		for _, same := range rungs {
			for _, subject := range rungs {
				for _, why := range ipc.Reasons {
					if why == ipc.ReasonNone && !fresh.Available {
						continue
					}
					for _, require := range []bool{false, true} {
						visit(ladder.State{
							Fresh: fresh, Same: same, Subject: subject, Why: why, RequireModel: require,
							TTL: ttl, StaleBound: bound, Threshold: threshold,
						})
					}
				}
			}
		}
	}
}

// promises are what a caller may rely on whatever the state.
var promises = []struct {
	name string
	kept func(s ladder.State, d ladder.Decision) bool
}{
	{"there is an answer unless a model was required", func(s ladder.State, d ladder.Decision) bool {
		return d.Source != ipc.SourceNone || s.RequireModel
	}},
	{"a required model is never replaced by stale or rule", func(s ladder.State, d ladder.Decision) bool {
		return !s.RequireModel || d.Source != ipc.SourceStale && d.Source != ipc.SourceRule
	}},
	{"exactly what is not fresh has a reason", func(_ ladder.State, d ladder.Decision) bool {
		fresh := d.Source == ipc.SourceModel || d.Source == ipc.SourceCache
		return fresh == (d.Reason == ipc.ReasonNone)
	}},
	{"an answer comes from a rung that is there", func(s ladder.State, d ladder.Decision) bool {
		switch d.Source {
		case ipc.SourceModel:
			return s.Fresh.Available
		case ipc.SourceCache:
			return s.Same.Available && s.Same.Age < s.TTL
		case ipc.SourceStale:
			r := s.Same
			if d.Subject {
				r = s.Subject
			}
			return r.Available && r.Age <= s.StaleBound && r.Confidence >= s.Threshold
		}
		return !d.Subject
	}},
	{"no unsure answer unless a model was required", func(s ladder.State, d ladder.Decision) bool {
		switch d.Source {
		case ipc.SourceModel:
			return s.RequireModel || s.Fresh.Confidence >= s.Threshold
		case ipc.SourceCache:
			return s.RequireModel || s.Same.Confidence >= s.Threshold
		}
		return true
	}},
	{"a demoted model never answers", func(s ladder.State, d ladder.Decision) bool {
		return !s.Why.Condemns() || d.Source == ipc.SourceRule || d.Source == ipc.SourceNone
	}},
	{"a sure fresh answer is given", func(s ladder.State, d ladder.Decision) bool {
		return s.Why.Condemns() || !s.Fresh.Available || s.Fresh.Confidence < s.Threshold || d.Source == ipc.SourceModel
	}},
	{"the rule means that nothing better could answer", func(s ladder.State, d ladder.Decision) bool {
		usable := func(r ladder.Rung) bool { return r.Available && r.Age <= bound && r.Confidence >= threshold }
		unsure := s.Fresh.Available || s.Same.Available && s.Same.Age < ttl && s.Same.Confidence < threshold
		return d.Source != ipc.SourceRule || s.Why.Condemns() || unsure || !usable(s.Same) && !usable(s.Subject)
	}},
}

func TestDecideKeepsItsPromises(t *testing.T) {
	visited := 0
	states(func(s ladder.State) {
		visited++
		d := ladder.Decide(s)
		for _, p := range promises {
			if !p.kept(s, d) {
				t.Errorf("%s: broken by Decide(%+v) = %+v", p.name, s, d)
			}
		}
	})
	if n := len(ipc.Reasons); visited != (4*21*21*n+21*21*(n-1))*2 {
		t.Errorf("visited %d states, want every combination of 21 × 21 rungs, %d reasons and the rest", visited, n)
	}
}

func TestCachedAgreesWithDecide(t *testing.T) {
	states(func(s ladder.State) {
		if s.Fresh.Available || s.RequireModel || s.Why.Condemns() {
			return
		}
		decided := ladder.Decide(s).Source == ipc.SourceCache
		if cached := ladder.Cached(s.Same, s.TTL, s.Threshold); cached != decided {
			t.Errorf("Cached(%+v) = %v, but Decide(%+v) is cache: %v", s.Same, cached, s, decided)
		}
	})
}

func TestDecideDoesNotAllocate(t *testing.T) {
	s := ladder.State{Same: rung(1, 0.9), TTL: ttl, StaleBound: bound, Why: ipc.ReasonNotCached}
	if n := testing.AllocsPerRun(100, func() { ladder.Decide(s) }); n != 0 {
		t.Errorf("Decide allocates %v times, want 0", n)
	}
}
