package bridge

import (
	"testing"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestACandidateIsScoredWhileTheModelIsDemoted: a rule that stands in for the one is no
// reason to know nothing of the other, and the other way round.
func TestACandidateIsScoredWhileTheModelIsDemoted(t *testing.T) {
	c := newCourt(t)
	c.candidate, c.suggests = "c@2", 0.25 // as the rule, which is right
	judged := func(label string) uint64 {
		for _, s := range c.Scores()[0].Standings {
			if s.Model == label && s.Target == "cpu" {
				return s.Judged
			}
		}
		return 0
	}
	grow := func(when string) {
		t.Helper()
		model, candidate := judged("m@1"), judged("c@2")
		for range 160 {
			if r := c.ask(0.25); r.Source != ipc.SourceRule {
				t.Fatalf("%s: %v answers", when, r.Source)
			}
		}
		if m, n := judged("m@1")-model, judged("c@2")-candidate; m < 10 || n < 10 {
			t.Errorf("%s: of 160 answers by the rule %d tried the model, %d the candidate", when, m, n)
		}
	}
	c.until(0.25, 1000)
	if !c.standing("cpu").Demoted || !c.standing("memory").Demoted {
		t.Fatal("the model is not demoted")
	}
	grow("a candidate in the shadow of a demoted model")

	c = newCourt(t)
	c.candidate, c.suggests = "c@2", 0 // what nobody uses; the rule is nearer
	c.until(0.75, 1000)
	if ruled, all := c.ruled(); len(ruled) > 0 || all || c.turns[0].Model != "c@2" || c.Status().Kinds[0].Model.State != "serving" {
		t.Errorf("a candidate that is demoted in the shadow: %q are told to be the rule's, all %v; the model serves", ruled, all)
	}

	c = newCourt(t)
	c.candidate, c.suggests, c.says, c.share = "c@2", 0.75, 0.25, true
	c.until(0.25, 1000)
	if len(c.turns) != 2 || c.turns[0].Model != "c@2" || c.turns[1].Model != "c@2" {
		t.Fatalf("%+v, want the candidate's demotion", c.turns)
	}
	grow("the share of a demoted candidate")
	if n := c.until(0.75, 2000); c.turns[2].Demoted || c.turns[2].Model != "c@2" {
		t.Errorf("after %d good tries %+v, want the candidate trusted again", n, c.turns[2])
	}
}

// TestACandidateIsScoredBesideTheModel, in the shadow and on its share, and demoted
// without the model's harm.
func TestACandidateIsScoredBesideTheModel(t *testing.T) {
	c := newCourt(t)
	c.candidate, c.suggests = "c@2", 0.5
	of := func(label string) (s Standing) {
		for _, s = range c.Scores()[0].Standings {
			if s.Model == label && s.Target == "cpu" {
				return s
			}
		}
		t.Fatalf("no standing of %s", label)
		return s
	}
	for range 100 {
		if r := c.ask(0.75); r.Source != ipc.SourceModel || r.Model != "m@1" {
			t.Fatalf("in the shadow: %v by %s", r.Source, r.Model)
		}
	}
	if s := of("c@2"); s.Judged != 100 || s.Tries != 100 || s.ModelError != 0.25 || s.Serving {
		t.Errorf("in the shadow: %+v", s)
	}
	c.share = true
	for range 10 {
		if r := c.ask(0.75); r.Source != ipc.SourceModel || r.Model != "c@2" || r.Prediction.Workload.CPU != 0.5 {
			t.Fatalf("in its share: %v by %s", r.Source, r.Model)
		}
	}
	if s, m := of("c@2"), of("m@1"); s.Judged != 110 || s.Tries != 100 || m.Judged != 110 || m.Tries != 10 {
		t.Errorf("in its share: candidate %+v, model %+v", s, m)
	}
	// The rule is right now, and the candidate worse than it; the model is, too, but a
	// candidate's demotion is its own: c.says makes the model right.
	c.says = 0.25
	for len(c.turns) == 0 {
		c.ask(0.25)
	}
	if c.turns[0].Model != "c@2" {
		t.Fatalf("%+v was demoted, want the candidate", c.turns[0])
	}
	if r := c.ask(0.25); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
		t.Errorf("a demoted candidate's share: %v by %s, %v", r.Source, r.Model, r.Reason)
	}
	c.share = false
	if r := c.ask(0.25); r.Source != ipc.SourceModel || r.Model != "m@1" {
		t.Errorf("the model beside it: %v by %s, %v", r.Source, r.Model, r.Reason)
	}
}

// sharing answers as a daemon whose candidate, if it has one, answers for the agents of an
// odd number.
func sharing(name, candidate string) func(*upstream.Exchange) {
	return func(x *upstream.Exchange) {
		model(ipc.Workload, name)(x)
		call, answer := api.Call{Kind: ipc.Workload, Batch: true}, api.Answer{}
		if candidate == "" || api.Msgpack.ParseCall(x.Body, &call) != nil ||
			api.Msgpack.ParseAnswer(x.Answer, ipc.Workload, true, len(call.Requests), &answer) != nil {
			return
		}
		answer.Beside = name
		for i, q := range call.Requests {
			if slot := &answer.Slots[i]; q.Subject().Agent%2 == 1 {
				slot.Model, slot.Beside, slot.HasBeside = candidate, slot.Prediction, true
			}
		}
		x.Answer = api.Msgpack.AppendAnswer(nil, &answer, true)
	}
}

// TestACandidateInItsShareReplacesNobody: two models that answer side by side leave each
// other's cached answers alone, until one of them answers no more.
func TestACandidateInItsShareReplacesNobody(t *testing.T) {
	for _, c := range []struct {
		line             string
		model, candidate string
		about            uint64 // the agent that is asked about in between
		served, shared   ipc.Source
	}{
		{"the model in between", "m@1", "c@1", 4, ipc.SourceCache, ipc.SourceCache},
		{"the candidate in between", "m@1", "c@1", 3, ipc.SourceCache, ipc.SourceCache},
		{"another model", "m@2", "c@1", 4, ipc.SourceStale, ipc.SourceCache},
		{"another model, seen beside the candidate", "m@2", "c@1", 3, ipc.SourceStale, ipc.SourceCache},
		{"another candidate", "m@1", "c@2", 3, ipc.SourceCache, ipc.SourceStale},
		{"no candidate any more", "m@1", "", 4, ipc.SourceCache, ipc.SourceStale},
		{"the candidate promoted", "c@1", "", 4, ipc.SourceStale, ipc.SourceCache},
	} {
		r := newRig(t, adaptive)
		r.submit(workload(2, 0.5), workload(1, 0.5))
		r.conns[0].end(sharing("m@1", "c@1"))
		r.submit(workload(c.about, 0.5))
		r.conns[0].end(sharing(c.model, c.candidate))
		again := r.submit(workload(2, 0.5), workload(1, 0.5))
		if served, shared := again[0].Reply.Source, again[1].Reply.Source; served != c.served || shared != c.shared {
			t.Errorf("%s: %v of the model's and %v of the candidate's, want %v and %v", c.line, served, shared, c.served, c.shared)
		}
	}
}
