package bridge

import (
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestAModelIsDemotedTriedAndTrustedAgain is the life of a model.
func TestAModelIsDemotedTriedAndTrustedAgain(t *testing.T) {
	c := newCourt(t)
	right, wrong := float32(0.75), float32(0.25) // for the model; the rule is the other way round
	for range 1000 {
		if r := c.ask(right); r.Source != ipc.SourceModel {
			t.Fatalf("a good model: %v, %v", r.Source, r.Reason)
		}
	}
	n := c.until(wrong, 1000)
	if n > windowBlocks*blockPairs || len(c.turns) != 2 || !c.turns[0].Demoted || c.turns[0].Model != "m@1" || c.turns[1].Target != "memory" {
		t.Errorf("after %d bad cases %+v; want a demotion within the window", n, c.turns)
	}
	if s := c.turns[0]; s.TurnAdvantage >= 0 || s.TurnCases == 0 {
		t.Errorf("demoted on %d cases and an advantage of %v", s.TurnCases, s.TurnAdvantage)
	}

	asked := c.conns[0].calls
	for range 80 {
		if r := c.ask(wrong); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted || r.Prediction.Workload.CPU != 0.25 {
			t.Fatalf("demoted: %v, %v, %+v", r.Source, r.Reason, r.Prediction.Workload)
		}
	}
	if tries := c.conns[0].calls - asked; tries != 80/tryEvery {
		t.Errorf("%d tries in 80 questions, want %d", tries, 80/tryEvery)
	}
	// Whoever insists on a model is told.
	insisting := ipc.NewCall(workload(1, 0.25), &c.done)
	insisting.Arrived = c.now()
	insisting.Deadline, insisting.RequireModel = insisting.Arrived.Add(patient), true
	c.Round([]*ipc.Call{insisting})
	if r := insisting.Reply; r.Status != ipc.StatusUnavailable || r.Source != ipc.SourceNone {
		t.Errorf("insisting on a demoted model: %+v", r)
	}
	if d := c.Status(); d.Kinds[0].Answers["none"] != 1 || d.Fallbacks["demoted"] != 81 {
		t.Errorf("refused %d, for the demotion %d; want 1, and 80 given to the rule besides", d.Kinds[0].Answers["none"], d.Fallbacks["demoted"])
	}

	n = c.until(right, 20*tryEvery*windowBlocks*blockPairs)
	if s := c.turns[2]; s.Demoted || s.Recoveries != 1 || s.TurnCases != s.Window || s.TurnCases < fewBlocks*blockPairs || s.TurnAdvantage <= 0 {
		t.Errorf("after %d good cases: %+v", n, s)
	}
	if u := c.score.of(ipc.Workload).standing.serving.targets[0].betting.bursts; u.n < fewBursts {
		t.Errorf("how outcomes hang together was forgotten with the demotion: %+v", u)
	}
	if r := c.ask(right); r.Source != ipc.SourceModel {
		t.Errorf("trusted again: %v, %v", r.Source, r.Reason)
	}
	// What the model said while it was demoted was nobody's answer, but it was judged.
	if s := c.standing("memory"); s.Tries < fewBlocks*blockPairs || s.Demotions != 1 {
		t.Errorf("%+v, want at least %d tries", s, fewBlocks*blockPairs)
	}
}

// A daemon need not say what its models are called; the origin's did not. They are judged
// like others, and known again after a hand-over.
func TestAModelWithoutANameIsJudged(t *testing.T) {
	c := newCourt(t)
	c.name = ""
	c.ask(0.75)
	if s := c.standing("cpu"); s.Judged != 1 {
		t.Errorf("after an outcome: %+v, want one case", s)
	}
	if s := c.Status().Kinds[0].Model; s.State != "serving" {
		t.Errorf("told as %+v, want serving", s)
	}
	c.until(0.25, 1000)
	asked := c.conns[0].calls
	for range 80 {
		if r := c.ask(0.25); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
			t.Fatalf("demoted: %v, %v", r.Source, r.Reason)
		}
	}
	if tries := c.conns[0].calls - asked; tries != 80/tryEvery {
		t.Errorf("%d tries in 80 questions, want %d", tries, 80/tryEvery)
	}
	if s := c.Status().Kinds[0].Model; s.State != "demoted" {
		t.Errorf("told as %+v, want demoted", s)
	}
	next := new(scoreboard)
	if n, err := next.restore(c.score.save()); n != 1 || err != nil {
		t.Errorf("restore() = %d, %v; want 1", n, err)
	}
}

// TestANewModelStartsWithoutTheOldOnesRecord: also one that comes while the rule
// decides, and one that is rolled back to keeps what it had.
func TestANewModelStartsWithoutTheOldOnesRecord(t *testing.T) {
	c := newCourt(t)
	c.until(0.25, 1000)
	c.name, c.says = "m@2", 0.25
	for range 2 * tryEvery { // the next try finds the new one
		c.ask(0.25)
	}
	if r := c.ask(0.25); r.Source != ipc.SourceModel || r.Model != "m@2" {
		t.Errorf("a new model: %v by %q, %v", r.Source, r.Model, r.Reason)
	}
	c.name = "m@1"
	c.ask(0.25) // the answer says that the old one is back: it is not given
	if r := c.ask(0.25); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
		t.Errorf("rolled back to a demoted model: %v by %q, %v", r.Source, r.Model, r.Reason)
	}
	for i := range 2 * maxStandings { // and many more models do no harm
		c.name = string(rune('a' + i))
		for range 2*tryEvery + 1 {
			c.ask(0.25)
		}
	}
	if got := c.Scores()[0].Standings; len(got) != 2*maxStandings || !got[0].Serving || !got[1].Serving {
		t.Errorf("standings %+v", got)
	}
}

// TestAnAnswerUnderWayWhenItsModelIsDemoted is not given any more.
func TestAnAnswerUnderWayWhenItsModelIsDemoted(t *testing.T) {
	c := newCourt(t)
	answers := c.conns[0].sync
	for len(c.turns) == 0 {
		c.ask(0.25)
	}
	// One more question of before, as it were.
	c.conns[0].sync = nil
	m := c.score.of(ipc.Workload).standing.serving
	m.demoted = 0
	call := c.submit(c.question())[0]
	m.demoted = targetSet(ipc.TargetCPU | ipc.TargetMemory)
	c.conns[0].end(answers)
	if r := call.Reply; r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted {
		t.Errorf("%v, %v", r.Source, r.Reason)
	}
}

// TestTheLeastRecentModelIsForgotten, and never the one that serves.
func TestTheLeastRecentModelIsForgotten(t *testing.T) {
	var s standing
	known := func(label string) bool {
		return slices.ContainsFunc(s.models[:], func(m modelStanding) bool { return m.id != 0 && m.label == label })
	}
	s.serve("a")
	for _, label := range []string{"b", "c", "d", "b", "e"} {
		s.of(label)
	}
	if known("c") || !known("a") || !known("b") || !known("d") || !known("e") || s.serving.label != "a" {
		t.Errorf("after a, which serves, b, c, d, b and e these are known: %+v", s.models)
	}
	s = standing{lastID: math.MaxUint16}
	if m := s.of("x"); m.id == 0 || s.byID(m.id) != m || s.byID(0) != nil {
		t.Errorf("a model with id %d; 0 is nobody's", m.id)
	}
}

// TestAModelIsToldOfBeforeItIsJudged, by its first target.
func TestAModelIsToldOfBeforeItIsJudged(t *testing.T) {
	c := newCourt(t)
	c.submit(c.question())
	scores := c.Scores()
	if len(scores) != len(ipc.Kinds) || len(scores[0].Standings) != 1 || len(scores[1].Standings) != 0 {
		t.Fatalf("scores %+v, want the one model's first target", scores)
	}
	if s := scores[0].Standings[0]; s.Model != "m@1" || s.Target != "cpu" || !s.Serving || s.Kind != ipc.Workload || s.Judged != 0 {
		t.Errorf("%+v", s)
	}
}

// TestRecentMeans follow both errors, slowly.
func TestRecentMeans(t *testing.T) {
	var s targetStanding
	s.judge(pairCase{model: 0.5, rule: 0.25, most: 1}, false)
	s.judge(pairCase{model: 1, rule: 0.75, most: 1}, false)
	if m, r := s.recentModel, s.recentRule; m != 0.5+recentWeight*0.5 || r != 0.25+recentWeight*0.5 {
		t.Errorf("recent means %v and %v after 0.5, 1 and 0.25, 0.75", m, r)
	}
}

// TestWhatIsDemotedIsToldOf: by name, of the model that serves, and whether anything is left
// of its answers, or of its stale ones.
func TestWhatIsDemotedIsToldOf(t *testing.T) {
	serving := func(target string, judged uint64, demoted bool) Standing {
		return Standing{Model: "m@1", Serving: true, Target: target, Judged: judged, Demoted: demoted}
	}
	stale := func(target string, judged uint64, demoted bool) Standing {
		return Standing{Model: "m@1", Serving: true, Target: target, Judged: judged, Demoted: demoted, Stale: true}
	}
	calls := func(target string, judged uint64, demoted bool) Standing {
		return Standing{Model: "m@1", Serving: true, Target: target, Judged: judged, Demoted: demoted, With: "calls"}
	}
	for _, v := range []struct {
		line     string
		k        ipc.Kind
		of       []Standing
		want     []string
		all      bool
		outdated bool
	}{
		{"nothing known", ipc.Threat, nil, nil, false, false},
		{"never judged", ipc.Threat, []Standing{serving("score", 0, false)}, nil, false, false},
		{"all of a threat", ipc.Threat, []Standing{serving("score", 9, true), serving("type", 9, true)}, []string{"score", "type"}, true, true},
		{"the score is all of it", ipc.Threat, []Standing{serving("score", 9, true), serving("type", 9, false)}, []string{"score"}, true, true},
		{"its type", ipc.Threat, []Standing{serving("score", 9, false), serving("type", 9, true)}, []string{"type"}, false, false},
		{"of a type alone it was judged", ipc.Threat, []Standing{serving("score", 0, false), serving("type", 9, true)}, []string{"type"}, false, false},
		{"a component", ipc.Failure, []Standing{serving("io", 9, true), serving("cpu", 9, false)}, []string{"io"}, false, false},
		{"the others were not judged", ipc.Failure, []Standing{serving("io", 9, true), serving("cpu", 0, false)}, []string{"io"}, true, true},
		{"every component", ipc.Failure, []Standing{serving("io", 9, true), serving("other", 1, true)}, []string{"io", "other"}, true, true},
		{"a component's time", ipc.Failure, []Standing{serving("io", 9, false), serving("io time", 9, true)}, []string{"io time"}, false, false},
		{"cpu and memory, not gpu", ipc.Workload, []Standing{serving("cpu", 9, true), serving("memory", 9, true), serving("gpu", 1, false)}, []string{"cpu", "memory"}, false, false},
		{"cpu, and stale answers at memory", ipc.Workload, []Standing{serving("cpu", 9, true), serving("memory", 9, false), stale("memory", 9, true)}, []string{"cpu"}, false, true},
		{"another model's", ipc.Workload, []Standing{{Model: "c@2", Target: "cpu", Judged: 9, Demoted: true}}, nil, false, false},
		{"stale answers", ipc.Threat, []Standing{serving("score", 9, false), stale("score", 9, true)}, nil, false, true},
		{"stale answers, of nothing else it was judged", ipc.Threat, []Standing{serving("score", 0, false), stale("score", 9, true)}, nil, false, true},
		{"the type of stale answers", ipc.Threat, []Standing{serving("score", 9, false), stale("score", 9, false), stale("type", 9, true)}, nil, false, false},
		{"stale answers are no better than the model", ipc.Threat, []Standing{serving("score", 9, true), stale("score", 9, false)}, []string{"score"}, true, true},
		{"who tells of calls has them", ipc.Threat, []Standing{serving("score", 9, true), calls("score", 9, false)}, []string{"score"}, false, false},
		{"and has not", ipc.Threat, []Standing{serving("score", 9, true), calls("score", 9, false), stale("score", 9, true)}, []string{"score"}, false, true},
	} {
		s := Score{Kind: v.k, Standings: v.of}
		if got, all := s.Ruled(); !slices.Equal(got, v.want) || all != v.all {
			t.Errorf("%s: %q, all %v; want %q, %v", v.line, got, all, v.want, v.all)
		}
		if got := s.Outdated(); got != v.outdated {
			t.Errorf("%s: nothing is left of stale answers: %v", v.line, got)
		}
	}
}

func TestKillSwitch(t *testing.T) {
	c := newCourt(t)
	c.ask(0.75)
	c.UseModels(false)
	asked := c.conns[0].calls
	for range 5 * tryEvery {
		if r := c.ask(0.75); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonSwitchedOff {
			t.Fatalf("models are off: %v, %v", r.Source, r.Reason)
		}
	}
	if c.conns[0].calls != asked || !c.ModelsOff() {
		t.Errorf("the daemon was asked %d times", c.conns[0].calls-asked)
	}
	if d := c.Status(); d.Kinds[0].Model.State != "off" {
		t.Errorf("status says %q", d.Kinds[0].Model.State)
	}
	c.UseModels(true)
	if r := c.ask(0.75); r.Source != ipc.SourceModel {
		t.Errorf("models are on again: %v, %v", r.Source, r.Reason)
	}
}

// TestTheReasonIsOfOneMoment: models are turned off and on by another goroutine, at any point
// of a call. None was demoted, so nobody is told so.
func TestTheReasonIsOfOneMoment(t *testing.T) {
	c := newCourt(t)
	end := make(chan struct{})
	var operator sync.WaitGroup
	operator.Go(func() {
		for on := false; ; on = !on {
			select {
			case <-end:
				return
			default:
				c.UseModels(on)
			}
		}
	})
	defer operator.Wait()
	defer close(end)
	var seen [len(ipc.Reasons)]int
	for range 10_000 {
		r := c.submit(c.question())[0].Reply
		seen[r.Reason]++
		if r.Reason == ipc.ReasonDemoted {
			t.Fatalf("%v because %v; by reason %v", r.Source, r.Reason, seen)
		}
	}
}

// TestStandingAllocatesNothing: neither deciding by rule with a try in eight, nor an
// outcome, nor a question's sample for the drift.
func TestStandingAllocatesNothing(t *testing.T) {
	c := newCourt(t)
	c.until(0.25, 1000)
	body := []byte(nil)
	c.conns[0].sync(&upstream.Exchange{Body: api.Msgpack.AppendCall(body, ipc.Workload, []ipc.Request{c.question()}, true)})
	answer := api.Answer{Model: c.name}
	answer.Resize(1)
	answer.Slots[0].Prediction = usage(0.75)
	c.conns[0].sync = replay(api.Msgpack.AppendAnswer(nil, &answer, true))
	q := c.question()
	call := ipc.NewCall(q, &c.done)
	calls := []*ipc.Call{call}
	o := []ipc.Outcome{{Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Workload}}}
	if n := testing.AllocsPerRun(1000, func() {
		call.Arrived = c.now()
		call.Deadline = call.Arrived.Add(patient)
		c.Round(calls)
		o[0].PredictionID = call.Reply.PredictionID
		c.Observe(o)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
