package bridge

import (
	"slices"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// parted is a question, what the model says to it, and what comes: the model is right about
// the answer itself, and about a part of it the rule is.
type parted struct {
	name   string
	q      ipc.Request
	says   ipc.Prediction
	came   ipc.Prediction
	target string
	ruled  ipc.Targets
	gives  ipc.Prediction // when it is demoted for that part
}

func partlyWrong() []parted {
	threat := func(kind uint8) ipc.Prediction {
		return ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: 0.75, Type: kind, Confidence: 0.75, Action: ipc.ActionThrottle}}
	}
	failure := func(after uint64, kind uint8) ipc.Prediction {
		return ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{
			Probability: 0.75, PredictedTime: ipc.Some(after), Confidence: 0.75, Type: kind,
		}}
	}
	access := func(kind uint8) ipc.Prediction {
		return ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: 1 << 20, Probability: 0.75, Confidence: 0.75, Type: kind}}
	}
	dying := &ipc.FailureRequest{Component: "disk-io", HealthScore: 1, Trend: ipc.TrendCritical}
	return []parted{
		// The rule sees no attack, and would guess a local one.
		{"type of a threat", &ipc.ThreatRequest{AgentID: 1}, threat(5), threat(1), "type", ipc.TargetThreatType, threat(1)},
		{"time of a failure", dying, failure(1e9, 3), failure(60e9, 3), "io time", ipc.TargetFailureTime, failure(60e9, 3)}, // the rule would say io
		{"type of a failure", dying, failure(40e9, 5), failure(40e9, 2), "io type", ipc.TargetFailureType, failure(40e9, 2)},
		{"kind of an access", &ipc.MemoryRequest{AgentID: 1, AccessHistory: []uint64{0}, AccessTypes: []uint8{1}}, access(2), access(1), "type", ipc.TargetAccessType, access(1)},
	}
}

// trialOf is a bridge whose model answers so, and whose caller tells what came.
type trialOf struct {
	*rig
	turns []Standing
}

func newTrial(t testing.TB, says *ipc.Prediction) *trialOf {
	c := new(trialOf)
	c.rig = newRig(t, Config{TTL: 1, OnStanding: func(s Standing) { c.turns = append(c.turns, s) }})
	answer := api.Answer{Model: "p@1"}
	answer.Resize(1)
	answer.Slots[0].Prediction = *says
	c.conns[says.Kind-1].sync = replay(api.Msgpack.AppendAnswer(nil, &answer, true))
	return c
}

func (c *trialOf) ask(q ipc.Request, came *ipc.Prediction) ipc.Reply {
	r := c.submit(q)[0].Reply
	c.Observe([]ipc.Outcome{{PredictionID: r.PredictionID, Subject: q.Subject(), Actual: *came}})
	return r
}

// until asks until a standing changes.
func (c *trialOf) until(t *testing.T, q ipc.Request, came *ipc.Prediction, limit int) (n int) {
	t.Helper()
	for before := len(c.turns); len(c.turns) == before; n++ {
		if n == limit {
			t.Fatalf("no change of standing: %+v", c.Scores()[q.Kind()-1].Standings)
		}
		c.ask(q, came)
	}
	return n
}

// TestAModelThatLosesAtAPartAlone goes on giving its answer, with the rule's type or time in
// it, and earns that back.
func TestAModelThatLosesAtAPartAlone(t *testing.T) {
	for _, p := range partlyWrong() {
		t.Run(p.name, func(t *testing.T) {
			c := newTrial(t, &p.says)
			k := p.q.Kind()
			came := p.came // with the certainty of what came
			came.Threat.Score, came.Failure.Probability = 1, 1
			c.until(t, p.q, &came, 200)
			if s := c.turns[0]; !s.Demoted || s.Target != p.target || s.Kind != k || len(c.turns) != 1 {
				t.Fatalf("turns %+v, want %s alone to be demoted", c.turns, p.target)
			}
			r := c.ask(p.q, &came)
			if r.Source != ipc.SourceModel || r.Reason != ipc.ReasonDemoted || r.Ruled != p.ruled || r.Model != "p@1" || r.Prediction != p.gives {
				t.Errorf("%v, %v, ruled %b by %q: %+v; want the model's and in it the rule's %s: %+v", r.Source, r.Reason, r.Ruled, r.Model, r.Prediction, p.name, p.gives)
			}
			s := c.Scores()[k-1]
			if ruled, all := s.Ruled(); !slices.Equal(ruled, []string{p.target}) || all {
				t.Errorf("ruled %v, all %v", ruled, all)
			}
			if m := c.Status().Kinds[k-1].Model; m.State != "partly demoted" {
				t.Errorf("status %+v", m)
			}
			insisting := ipc.NewCall(p.q, &c.done)
			insisting.Arrived = c.now()
			insisting.Deadline, insisting.RequireModel = insisting.Arrived.Add(patient), true
			c.Round([]*ipc.Call{insisting})
			if r := insisting.Reply; r.Status != ipc.StatusUnavailable || r.Reason != ipc.ReasonDemoted {
				t.Errorf("insisting: %+v", r)
			}

			// What it says itself is judged on, although nobody gets it.
			right := p.says
			right.Threat.Score, right.Failure.Probability = 1, 1
			n := c.until(t, p.q, &right, 2*windowBlocks*blockPairs)
			if s := c.turns[1]; s.Demoted || s.Target != p.target || s.Recoveries != 1 || s.Tries < uint64(n) {
				t.Errorf("after %d good cases %+v; want it trusted again, each of them a try", n, s)
			}
			if r := c.ask(p.q, &right); r.Ruled != 0 || r.Reason != ipc.ReasonNone || r.Prediction != p.says {
				t.Errorf("trusted again: %v, ruled %b, %+v", r.Reason, r.Ruled, r.Prediction)
			}
		})
	}
}

// TestNoTypeIsMadeUp: where neither the score nor the model tells of an attack, the rule's
// guess of its type is not given.
func TestNoTypeIsMadeUp(t *testing.T) {
	q := &ipc.ThreatRequest{AgentID: 1}
	for _, v := range []struct {
		score      float32
		said, want uint8
	}{{0.25, 0, 0}, {0.25, 5, 1}, {0.5, 0, 1}} {
		r := ipc.Reply{Prediction: ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: v.score, Type: v.said}}}
		giveRuled(q, &r, ipc.TargetThreatType)
		if r.Threat.Type != v.want || r.Threat.Score != v.score {
			t.Errorf("score %v and type %d became %v and %d, want type %d", v.score, v.said, r.Threat.Score, r.Threat.Type, v.want)
		}
	}
}

// TestAModelWithoutATimeIsGivenTheRules: one that expects failures and never says when is
// judged by that, and the rule's time is given where it is the better word.
func TestAModelWithoutATimeIsGivenTheRules(t *testing.T) {
	q := &ipc.FailureRequest{Component: "memory", HealthScore: 1, Trend: ipc.TrendCritical}
	says := ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 0.75, Confidence: 0.75}}
	c := newTrial(t, &says)
	came := ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 1, PredictedTime: ipc.Some[uint64](50e9)}}
	c.until(t, q, &came, 200)
	if s := c.turns[0]; s.Target != "memory time" || !s.Demoted {
		t.Errorf("turns %+v", c.turns)
	}
	if r := c.ask(q, &came); r.Failure.PredictedTime != ipc.Some[uint64](60e9) || r.Failure.Probability != 0.75 || r.Ruled != ipc.TargetFailureTime {
		t.Errorf("%+v, ruled %b", r.Failure, r.Ruled)
	}
}

// TestTheRuleAnswersWhereTheAnswerIsItsOwn: a model that is trusted with the type alone has
// nothing to give.
func TestTheRuleAnswersWhereTheAnswerIsItsOwn(t *testing.T) {
	for _, p := range partlyWrong() {
		c := newTrial(t, &p.says)
		c.ask(p.q, &p.came)
		k := p.q.Kind()
		c.score.of(k).standing.serving.demoted = 1 << targetOf(k, 0, componentOf(p.q), false)
		if r := c.submit(p.q)[0].Reply; r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted || r.Ruled != 0 {
			t.Errorf("%v: %v, %v, ruled %b; want the rule's answer", k, r.Source, r.Reason, r.Ruled)
		}
	}
}

// TestAnAnswerThatIsPartlyTheRulesAllocatesNothing, from the cache.
func TestAnAnswerThatIsPartlyTheRulesAllocatesNothing(t *testing.T) {
	for i, q := range oneOfEach() {
		r := newRig(t, Config{TTL: time.Hour})
		fill(r.Bridge, oneOfEach()[i])
		call := ipc.NewCall(q, &r.done)
		calls := []*ipc.Call{call}
		hit := func() {
			call.Arrived = r.now()
			call.Deadline = call.Arrived.Add(time.Millisecond)
			r.Round(calls)
		}
		hit()
		all, deciding := asked(q)
		m := r.score.of(q.Kind()).standing.of("fake@1")
		if m.demoted = all &^ deciding; q.Kind() == ipc.Workload {
			m.demoted = targetSet(ipc.TargetMemory)
		}
		if allocs := testing.AllocsPerRun(100, hit); allocs != 0 || call.Reply.Ruled == 0 || call.Reply.Source != ipc.SourceCache {
			t.Errorf("%v: %v allocations, %v, ruled %b", q.Kind(), allocs, call.Reply.Source, call.Reply.Ruled)
		}
	}
}
