package bridge

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestAModelThatLosesAtMemoryAlone gives its cpu and the rule's memory, and the reply
// says which is which, from the cache too. It earns memory back without further tries.
func TestAModelThatLosesAtMemoryAlone(t *testing.T) {
	c := newCourt(t)
	c.loses(1000)
	if s := c.turns[0]; !s.Demoted || s.Target != "memory" || len(c.turns) != 1 {
		t.Fatalf("turns %+v, want memory alone to be demoted", c.turns)
	}
	asked := c.conns[0].calls
	for range 10 {
		q := c.question()
		for i, from := range []ipc.Source{ipc.SourceModel, ipc.SourceCache} {
			r := c.submit(q)[0].Reply
			if r.Source != from || r.Reason != ipc.ReasonDemoted || r.Ruled != ipc.TargetMemory || r.Model != "m@1" {
				t.Fatalf("answer %d: %v, %v, ruled %q by %q; want the %v and the rule's memory", i, r.Source, r.Reason, r.Ruled, r.Model, from)
			}
			if w := r.Workload; w.CPU != 0.75 || w.Confidence != 1 || w.Memory != gib/4 {
				t.Fatalf("answer %d: %+v; want the model's cpu and confidence and the rule's memory", i, w)
			}
		}
	}
	if n := c.conns[0].calls - asked; n != 10 {
		t.Errorf("the daemon was asked %d times for 10 new questions", n)
	}
	if ruled, all := c.ruled(); len(ruled) != 1 || ruled[0] != "memory" || all {
		t.Errorf("ruled %v, all %v", ruled, all)
	}
	if m := c.Status().Kinds[0].Model; m.State != "partly demoted" || len(m.Ruled) != 1 {
		t.Errorf("status %+v", m)
	}
	// Whoever insists on a model is not given a part of the rule's.
	insisting := ipc.NewCall(c.question(), &c.done)
	insisting.Arrived = c.now()
	insisting.Deadline, insisting.RequireModel = insisting.Arrived.Add(patient), true
	c.Round([]*ipc.Call{insisting})
	if r := insisting.Reply; r.Status != ipc.StatusUnavailable || r.Reason != ipc.ReasonDemoted {
		t.Errorf("insisting: %+v", r)
	}

	// What the model said of memory is judged, although nobody got it.
	before := c.standing("memory")
	n := c.until(0.75, 2*windowBlocks*blockPairs)
	s := c.turns[1]
	if s.Demoted || s.Target != "memory" || s.Recoveries != 1 || s.Tries-before.Tries != uint64(n) {
		t.Errorf("after %d good cases %+v; want memory trusted again, each of them a try", n, s)
	}
	if cpu := c.standing("cpu"); cpu.Tries != 0 || cpu.Demotions != 0 {
		t.Errorf("cpu: %+v, want all of its answers given", cpu)
	}
	if r := c.ask(0.75); r.Source != ipc.SourceModel || r.Reason != ipc.ReasonNone || r.Ruled != 0 || r.Workload.Memory != gib*3/4 {
		t.Errorf("trusted again: %v, %v, ruled %q, %+v", r.Source, r.Reason, r.Ruled, r.Workload)
	}
}

// TestAnAnswerUnderWayWhenItsMemoryIsDemoted has the rule's memory.
func TestAnAnswerUnderWayWhenItsMemoryIsDemoted(t *testing.T) {
	c := newCourt(t)
	c.ask(0.75)
	answers := c.conns[0].sync
	c.conns[0].sync = nil
	call := c.submit(c.question())[0]
	c.score.of(ipc.Workload).standing.serving.demoted = targetSet(ipc.TargetMemory)
	c.conns[0].end(answers)
	if r := call.Reply; r.Source != ipc.SourceModel || r.Ruled != ipc.TargetMemory || r.Workload.Memory != gib/4 {
		t.Errorf("%v, ruled %q, %+v", r.Source, r.Ruled, r.Workload)
	}
}

// TestAModelThatLosesAtEverythingButTheGPU: an agent without one has the rule's answer,
// one with a gpu the model's.
func TestAModelThatLosesAtEverythingButTheGPU(t *testing.T) {
	c := newCourt(t)
	c.gpu = ipc.Some[float32](0.5)
	for len(c.turns) < 2 {
		actual := usage(0.25)
		actual.Workload.GPU = c.gpu
		c.askOf(actual, 0)
	}
	if s := c.standing("gpu"); s.Judged == 0 || s.Demoted {
		t.Errorf("gpu: %+v", s)
	}
	r := c.submit(c.question())[0].Reply
	if r.Source != ipc.SourceModel || r.Ruled != ipc.TargetCPU|ipc.TargetMemory || r.Workload.CPU != 0.25 || r.Workload.Confidence == 1 {
		t.Errorf("with a gpu: %v, ruled %q, %+v; want the rule's cpu and its confidence", r.Source, r.Ruled, r.Workload)
	}
	c.gpu = ipc.Optional[float32]{}
	if r := c.submit(c.question())[0].Reply; r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDemoted || r.Ruled != 0 {
		t.Errorf("without: %v, %v, ruled %q", r.Source, r.Reason, r.Ruled)
	}
	if _, all := c.ruled(); all {
		t.Error("the gpu is trusted, and all is called demoted")
	}
}

// TestAModelThatLosesAtTheGPUAlone gives its cpu and memory, and the rule's gpu.
func TestAModelThatLosesAtTheGPUAlone(t *testing.T) {
	c := newCourt(t)
	c.gpu = ipc.Some[float32](1) // of the agent, so the rule's; and the model's: see below
	answer := c.conns[0].sync
	c.conns[0].sync = func(x *upstream.Exchange) {
		c.gpu = ipc.Some[float32](0.25)
		answer(x)
		c.gpu = ipc.Some[float32](1)
	}
	for len(c.turns) == 0 {
		actual := usage(0.75)
		actual.Workload.GPU = ipc.Some[float32](1)
		c.askOf(actual, 0)
	}
	if s := c.turns[0]; !s.Demoted || s.Target != "gpu" || len(c.turns) != 1 {
		t.Fatalf("turns %+v, want gpu alone to be demoted", c.turns)
	}
	r := c.submit(c.question())[0].Reply
	want := ipc.WorkloadPrediction{CPU: 0.75, Memory: gib * 3 / 4, GPU: ipc.Some[float32](1), Confidence: 1}
	if r.Source != ipc.SourceModel || r.Ruled != ipc.TargetGPU || r.Workload != want {
		t.Errorf("%v, ruled %q, %+v; want the model's and in it the rule's gpu", r.Source, r.Ruled, r.Workload)
	}
	// Who has no gpu is asked nothing of the rule, insisting or not.
	c.gpu = ipc.Optional[float32]{}
	c.conns[0].sync = answer
	call := ipc.NewCall(c.question(), &c.done)
	call.Arrived = c.now()
	call.Deadline, call.RequireModel = call.Arrived.Add(patient), true
	c.Round([]*ipc.Call{call})
	if r := call.Reply; r.Source != ipc.SourceModel || r.Ruled != 0 || r.Reason != ipc.ReasonNone {
		t.Errorf("insisting, without a gpu: %+v; want the model's answer", r)
	}
}

// TestAPartOfTheRuleInAStaleAnswer: that it is stale, and why, is what the reply says first.
func TestAPartOfTheRuleInAStaleAnswer(t *testing.T) {
	c := newCourt(t)
	c.loses(1000)
	q := c.question()
	c.submit(q)
	key := keyOf(q)
	e := c.cache.get(&key)
	e.at = e.at.Add(-500 * time.Millisecond)
	c.lanes[0].routes[0].failed(http.ErrServerClosed)
	if r := c.submit(q)[0].Reply; r.Source != ipc.SourceStale || r.Reason != ipc.ReasonBreakerOpen || r.Ruled != ipc.TargetMemory || r.Workload.Memory != gib/4 {
		t.Errorf("%v because %v, ruled %q; want a stale answer with the rule's memory because the breaker is open", r.Source, r.Reason, r.Ruled)
	}
}

// TestWhatNobodyMeasuredIsNotJudged: what stands in its place would be taken for a fall
// to nothing.
func TestWhatNobodyMeasuredIsNotJudged(t *testing.T) {
	c := newCourt(t)
	for range 500 {
		c.askOf(ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.75}}, ipc.TargetMemory)
	}
	for _, s := range c.Scores()[0].Standings {
		if s.Target != "cpu" || s.Judged != 500 || s.Demoted {
			t.Errorf("%+v, want the cpu alone", s)
		}
	}
	c.askOf(ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.75}}, 0) // 0 is a value
	if s := c.standing("memory"); s.Judged != 1 || s.ModelError != 0.75 || s.RuleError != 0.25 {
		t.Errorf("memory that fell to nothing: %+v", s)
	}
}

// TestMemoryIsJudgedByTheAgentsOwn: a large agent, whose rule is right, does not outvote
// the small ones that the model is right about.
func TestMemoryIsJudgedByTheAgentsOwn(t *testing.T) {
	s := new(scoreboard)
	s.init(func(st Standing) { t.Errorf("demoted: %+v", st) })
	r := rand.New(rand.NewPCG(3, 4))
	for agent := uint64(1); agent <= 4000; agent++ {
		size := uint64(1) << (10 + r.IntN(10))
		model, actual := size*3/4, size*3/4
		if agent%10 == 0 {
			size = 1 << 40
			model, actual = size*7/8, size
		}
		q := &ipc.WorkloadRequest{AgentID: agent, CurrentMemory: size, HistoricalMemory: []uint64{size}}
		id := s.of(ipc.Workload).given.next()
		reply := ipc.Reply{PredictionID: id, Source: ipc.SourceModel, Model: "m@1", Prediction: ipc.Prediction{Kind: ipc.Workload}}
		reply.Workload.Memory = model
		s.remember(q, &reply, false)
		o := ipc.Outcome{PredictionID: id, Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Workload}}
		o.Actual.Workload.Memory = actual
		s.observe(&o)
	}
	st := s.of(ipc.Workload).standing.snapshot(ipc.Workload)[1]
	if st.Judged != 4000 || st.Advantage < 0.2 {
		t.Errorf("%+v, want an advantage of about a fifth", st)
	}
}

// TestAModelThatLosesAtIOAlone leaves io to the rule and answers for the other components.
func TestAModelThatLosesAtIOAlone(t *testing.T) {
	var turns []Standing
	r := newRig(t, Config{TTL: 1, OnStanding: func(s Standing) { turns = append(turns, s) }})
	answer := api.Answer{Model: "f@1"}
	answer.Resize(1)
	answer.Slots[0].Prediction = ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 0.7, Confidence: 0.7}}
	r.conns[2].sync = replay(api.Msgpack.AppendAnswer(nil, &answer, true))
	// The rule says 0.1 of what is well.
	ask := func(component string, failed float32) ipc.Reply {
		q := &ipc.FailureRequest{Component: component, HealthScore: 1}
		reply := r.submit(q)[0].Reply
		o := ipc.Outcome{PredictionID: reply.PredictionID, Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Failure}, Unobserved: ipc.TargetFailureType}
		o.Actual.Failure.Probability = failed
		r.Observe([]ipc.Outcome{o})
		return reply
	}
	for i := 0; len(turns) == 0; i++ {
		if i == 2000 {
			t.Fatalf("no demotion: %+v", r.Scores()[2].Standings)
		}
		ask("io", 0)
		ask("cpu", 1)
		ask("cpu", 1)
	}
	if s := turns[0]; s.Target != "io" || !s.Demoted || len(turns) != 1 {
		t.Fatalf("turns %+v, want io alone to be demoted", turns)
	}
	asked := r.conns[2].calls
	for range 10 * tryEvery {
		if a := ask("io", 0); a.Source != ipc.SourceRule || a.Reason != ipc.ReasonDemoted {
			t.Fatalf("io: %v, %v", a.Source, a.Reason)
		}
	}
	if n := r.conns[2].calls - asked; n != 10 {
		t.Errorf("%d tries in %d questions", n, 10*tryEvery)
	}
	if a := ask("cpu", 1); a.Source != ipc.SourceModel || a.Reason != ipc.ReasonNone {
		t.Errorf("cpu: %v, %v", a.Source, a.Reason)
	}
	insisting := ipc.NewCall(&ipc.FailureRequest{Component: "cpu", HealthScore: 0.5}, &r.done)
	insisting.Arrived = r.now()
	insisting.Deadline, insisting.RequireModel = insisting.Arrived.Add(patient), true
	if r.Round([]*ipc.Call{insisting}); insisting.Reply.Source != ipc.SourceModel {
		t.Errorf("insisting on a model for the cpu: %+v; it lost at io", insisting.Reply)
	}
	d := r.Status().Kinds[2]
	var of []string
	for _, x := range d.Score.Targets {
		of = append(of, x.Target)
	}
	if d.Model.State != "partly demoted" || !slices.Equal(d.Model.Ruled, []string{"io"}) || !slices.Equal(of, []string{"cpu", "io"}) {
		t.Errorf("status %+v of %v", d.Model, of)
	}
	if s := d.Score; s.Judged != s.Targets[0].Judged+s.Targets[1].Judged || *s.Model <= *s.Targets[0].Model || *s.Model >= *s.Targets[1].Model {
		t.Errorf("overall %v of %d, want between %v and %v", *s.Model, s.Judged, *s.Targets[0].Model, *s.Targets[1].Model)
	}
}
