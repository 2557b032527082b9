package bridge

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// hung is a bridge whose daemon answered w.more and answers no more: to w.q, about the same
// subject, what it said is given as stale.
func hung(t *testing.T, w *twoWays) *trialOf {
	c := newTrial(t, &w.says)
	c.cfg.StaleBound = time.Hour
	c.submit(w.more)
	c.lanes[w.q.Kind()-1].routes[0].failed(http.ErrServerClosed)
	return c
}

// untilTurned tells that the model's answer to w.q is right, or that the rule's is, until each
// target that comes has turned, and gives the number of answers that it took.
func (w *twoWays) untilTurned(t *testing.T, c *trialOf, right bool) (n int) {
	t.Helper()
	said := w.wrong
	if right {
		said = w.right
	}
	for before := len(c.turns); len(c.turns) < before+len(w.decides); n++ {
		if n == 2*windowBlocks*blockPairs {
			t.Fatalf("%v: no change of standing: %+v", w.q.Kind(), c.Scores()[w.q.Kind()-1].Standings)
		}
		r := c.submit(w.q)[0].Reply
		c.Observe([]ipc.Outcome{{PredictionID: r.PredictionID, Subject: w.q.Subject(), Actual: said, Unobserved: w.unsaid}})
	}
	return n
}

// TestStaleAnswersAreJudgedByThemselves: where what the model said earlier does worse than the
// rule, the rule stands in, and each question is a try that costs no call; where it does better
// it is given again. The model itself, which was asked nothing, stands as it stood.
func TestStaleAnswersAreJudgedByThemselves(t *testing.T) {
	for _, w := range inTwoWays() {
		k := w.q.Kind()
		c := hung(t, &w)
		calls := c.conns[k-1].calls
		if r := c.submit(w.q)[0].Reply; r.Source != ipc.SourceStale || r.Reason != ipc.ReasonBreakerOpen {
			t.Fatalf("%v: %v because %v, want a stale answer", k, r.Source, r.Reason)
		}
		n := w.untilTurned(t, c, false)
		for i, s := range c.turns {
			if !s.Demoted || !s.Stale || s.Target != w.decides[i] || s.With != "" || s.Without != "" || s.Name() != s.Target+" of stale answers" {
				t.Errorf("%v: after %d cases %+v", k, n, s)
			}
		}
		r := c.submit(w.q)[0].Reply
		if r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted || r.Ruled != 0 || r.Age != 0 || r.Prediction == w.says {
			t.Errorf("%v: after %d cases %v because %v, ruled %b, of age %v; want the rule", k, n, r.Source, r.Reason, r.Ruled, r.Age)
		}
		if s := c.Scores()[k-1]; len(s.Standings) != 1+len(w.decides) || s.Standings[0].Judged != 0 || s.Standings[0].Demoted {
			t.Errorf("%v: %+v, want the model judged on nothing", k, s.Standings)
		} else if ruled, all := s.Ruled(); len(ruled) > 0 || all || !s.Outdated() {
			t.Errorf("%v: %q is told to be the rule's, all %v; of stale answers all, %v", k, ruled, all, s.Outdated())
		}
		if d := c.Status().Kinds[k-1]; d.Model.State != "serving" || len(d.Score.Targets) > 0 || !d.Score.Standings[1].Stale {
			t.Errorf("%v: status %+v, %+v", k, d.Model, d.Score)
		}

		n = w.untilTurned(t, c, true)
		for _, s := range c.turns[len(w.decides):] {
			if s.Demoted || !s.Stale || s.Tries != uint64(n) || n < fewBlocks*blockPairs {
				t.Errorf("%v: after %d cases %+v; want each of them a try", k, n, s)
			}
		}
		if r := c.submit(w.q)[0].Reply; r.Source != ipc.SourceStale {
			t.Errorf("%v: trusted again: %v because %v", k, r.Source, r.Reason)
		}
		if s := c.Scores()[k-1]; s.Outdated() {
			t.Errorf("%v: trusted again, but told to be the rule's: %+v", k, s.Standings)
		}
		if c.conns[k-1].calls != calls {
			t.Errorf("%v: the daemon was asked %d times", k, c.conns[k-1].calls-calls)
		}
	}
}

// TestAnOldAnswerToTheSameQuestionIsTheModels: it is what the model would say again, whatever
// it is worth to another.
func TestAnOldAnswerToTheSameQuestionIsTheModels(t *testing.T) {
	w := inTwoWays()[0]
	c := hung(t, &w)
	w.untilTurned(t, c, false)
	r := c.submit(w.more)[0].Reply
	c.Observe([]ipc.Outcome{{PredictionID: r.PredictionID, Subject: w.q.Subject(), Actual: w.right}})
	if s := c.Scores()[0].Standings[1]; r.Ruled != 0 || r.Source != ipc.SourceStale || s.Stale || s.With != "past" || s.Judged != 1 {
		t.Errorf("%v: %+v; want a stale answer, judged as the model's", r.Source, s)
	}
}

// TestOfWhatAStaleAnswerTheRuleHasAPart: what stale answers are demoted for and what the model is.
func TestOfWhatAStaleAnswerTheRuleHasAPart(t *testing.T) {
	const cpu, memory, gpu = targetSet(ipc.TargetCPU), targetSet(ipc.TargetMemory), targetSet(ipc.TargetGPU)
	const past, stale = 3, 6 // where the targets begin
	for _, v := range []struct {
		demoted targetSet
		past    bool // the question tells of one
		ruled   ipc.Targets
		none    bool // nothing is left of the stale answer
	}{
		{0, false, 0, false},
		{memory << stale, false, ipc.TargetMemory, false},
		{memory << stale, true, ipc.TargetMemory, false},
		{memory << past, false, 0, false},
		{memory << past, true, ipc.TargetMemory, false},
		{gpu << stale, true, 0, false}, // which the agent has not
		{memory | cpu<<stale, false, 0, true},
		{memory<<past | cpu<<stale, false, ipc.TargetCPU, false},
		{memory<<past | cpu<<stale, true, 0, true},
		{(cpu | memory) << stale, true, 0, true},
	} {
		w := inTwoWays()[0]
		q, before := w.q, w.more
		if v.past {
			q, before = before, q
		}
		w.q, w.more = q, before
		c := hung(t, &w)
		c.score.of(ipc.Workload).standing.serving.demoted = v.demoted
		r := c.submit(q)[0].Reply
		if v.none != (r.Source == ipc.SourceRule && r.Reason == ipc.ReasonDemoted) || !v.none && (r.Source != ipc.SourceStale || r.Reason != ipc.ReasonBreakerOpen) || r.Ruled != v.ruled {
			t.Errorf("demoted for %b, told of a past %v: %v because %v, ruled %b; want %+v", v.demoted, v.past, r.Source, r.Reason, r.Ruled, v)
		}
	}
}

// TestAHungDaemonCostsItsModelNothing: its model was right whenever it was asked, and answers
// when the daemon is back. Meanwhile what it said before does worse than the rule, as agents do
// something else by now, so the rule decides; and when they go back to what they did, it is
// given again. (Memory is as it was, of which neither is in doubt.)
func TestAHungDaemonCostsItsModelNothing(t *testing.T) {
	n := newNode(t)
	goesOn := func(now, _ float32) float32 { return now }
	goesBack := func(_, before float32) float32 { return before }
	patiently, hurried := ipc.Options{Budget: patient}, ipc.Options{Budget: 2 * time.Millisecond}
	for range 300 {
		if r := n.ask(t, patiently, goesOn); r.Source != ipc.SourceModel && r.Source != ipc.SourceCache {
			t.Fatalf("a good model: %v because %v", r.Source, r.Reason)
		}
	}
	release := n.hang()
	for _, came := range []func(float32, float32) float32{goesOn, goesBack} {
		const cases = 2 * windowBlocks * blockPairs
		ruled := 0 // of the last 100
		for i := range cases {
			r := n.ask(t, hurried, came)
			if r.Source == ipc.SourceModel {
				t.Fatal("a daemon that hangs answers")
			}
			if i >= cases-100 && r.Ruled == ipc.TargetCPU {
				ruled++
			}
		}
		// Now and then an agent does the very same as before.
		if want := 100 * (1 - came(0, 1)); math.Abs(float64(ruled)-float64(want)) > 10 {
			t.Errorf("after %d cases the rule's cpu is in %d of 100 answers, want about %v", cases, ruled, want)
		}
	}
	release()
	r := n.ask(t, ipc.Options{Budget: patient, RequireModel: true}, goesOn)
	if r.Source != ipc.SourceModel {
		t.Errorf("the daemon is back: %v because %v; want the model", r.Source, r.Reason)
	}
	if s := n.Scores()[0].Standings[0]; s.Stale || s.Demotions != 0 || s.ModelError > 0.001 || s.RuleError < 0.04 {
		t.Errorf("%+v, want a model that is right", s)
	}
	if !slices.ContainsFunc(n.Scores()[0].Standings, func(s Standing) bool {
		return s.Stale && s.Target == "cpu" && s.Demotions == 1 && s.Recoveries == 1
	}) {
		t.Errorf("%+v, want stale answers demoted and trusted again", n.Scores()[0].Standings)
	}
}

// node has agents that do something else all the time. The model says that one goes on as it
// is, the rule that it is as it was on average, which is a little less.
type node struct {
	*Bridge
	d     *fakeDaemon
	r     *rand.Rand
	agent uint64
	did   [8]float32 // by agent, when its question last reached the model
}

func newNode(t *testing.T) *node {
	n := &node{d: newFakeDaemon(t), r: rand.New(rand.NewPCG(1, 2))}
	n.Bridge = start(t, Config{Upstream: target(t, n.d.URL), StaleBound: time.Hour})
	return n
}

// ask asks about the next agent, and tells what came of what it does now and of what it did
// when the model was last heard about it.
func (n *node) ask(t *testing.T, opts ipc.Options, came func(now, before float32) float32) ipc.Reply {
	t.Helper()
	n.agent++
	agent := n.agent % uint64(len(n.did))
	now := 0.1 + 0.8*n.r.Float32()
	q := workload(agent, now)
	q.HistoricalCPU = []float32{now - 0.1, now}
	r := ask(t, n.Bridge, opts, q)[0]
	if r.Source == ipc.SourceModel {
		n.did[agent] = now
	}
	o := ipc.Outcome{PredictionID: r.PredictionID, Subject: q.Subject(), Actual: usage(came(now, n.did[agent])), Unobserved: ipc.TargetMemory}
	if err := n.Outcomes(context.Background(), []ipc.Outcome{o}); err != nil {
		t.Fatal(err)
	}
	return r
}

// hang makes the daemon take questions and say nothing, until it is released.
func (n *node) hang() (release func()) {
	hung := make(chan struct{})
	n.d.on(func(http.ResponseWriter, *http.Request) bool { <-hung; return true })
	return func() { n.d.on(nil); close(hung) }
}

// TestTryingAStaleAnswerAllocatesNothing.
func TestTryingAStaleAnswerAllocatesNothing(t *testing.T) {
	for _, w := range inTwoWays() {
		c := hung(t, &w)
		w.untilTurned(t, c, false)
		call := ipc.NewCall(w.q, &c.done)
		calls := []*ipc.Call{call}
		o := []ipc.Outcome{{Subject: w.q.Subject(), Actual: w.wrong}}
		if n := testing.AllocsPerRun(100, func() {
			call.Arrived = c.now()
			call.Deadline = call.Arrived.Add(patient)
			c.Round(calls)
			o[0].PredictionID = call.Reply.PredictionID
			c.Observe(o)
		}); n != 0 || call.Reply.Source != ipc.SourceRule {
			t.Errorf("%v: %v allocations, answered by the %v", w.q.Kind(), n, call.Reply.Source)
		}
	}
}
