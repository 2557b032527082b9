package bridge

import (
	"context"
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestAPredictionIsRememberedInALineOfTheCache: there are 131,072 of these.
func TestAPredictionIsRememberedInALineOfTheCache(t *testing.T) {
	if n := unsafe.Sizeof(remembered{}); n != 64 {
		t.Errorf("%d bytes, want 64", n)
	}
}

// Outcomes count when they are about a prediction that was given, its subject and
// its kind, in time and for the first time.
func TestOutcomesJoinTheirPredictionOnly(t *testing.T) {
	r := newRig(t, Config{TTL: time.Hour})
	calls := r.submit(workload(1, 0.5), workload(2, 0.5), &ipc.FailureRequest{Component: "io"})
	r.conns[0].end(model(ipc.Workload, "m@1"))
	r.conns[2].end(model(ipc.Failure, "m@1"))
	outcome := func(c *ipc.Call) ipc.Outcome {
		return ipc.Outcome{PredictionID: c.Reply.PredictionID, Subject: c.Request.Subject(), Actual: c.Reply.Prediction}
	}
	of := func(c *ipc.Call, change func(*ipc.Outcome)) ipc.Outcome {
		o := outcome(c)
		change(&o)
		return o
	}
	for _, s := range []struct {
		line                     string
		o                        ipc.Outcome
		joined, foreign, dup, un uint64 // of its kind, afterwards
	}{
		{"id 0", of(calls[0], func(o *ipc.Outcome) { o.PredictionID = 0 }), 0, 1, 0, 0},
		{"never given", of(calls[0], func(o *ipc.Outcome) { o.PredictionID += 1000 }), 0, 1, 0, 1},
		{"a ring later", of(calls[0], func(o *ipc.Outcome) { o.PredictionID += rememberedPredictions * idStep }), 0, 1, 0, 2},
		{"another's", of(calls[0], func(o *ipc.Outcome) { o.Subject.Agent = 2 }), 0, 2, 0, 2},
		{"another kind", of(calls[2], func(o *ipc.Outcome) { o.Actual = calls[0].Reply.Prediction }), 0, 2, 0, 3},
		{"its own", outcome(calls[0]), 1, 2, 0, 3},
		{"twice", outcome(calls[0]), 1, 2, 1, 3},
		{"the next", outcome(calls[1]), 2, 2, 1, 3},
		{"another component's", of(calls[2], func(o *ipc.Outcome) { o.Subject.Component = "oi" }), 0, 1, 0, 0},
		{"of a component", outcome(calls[2]), 1, 1, 0, 0},
		{"of a bridge just before", of(calls[2], func(o *ipc.Outcome) { o.PredictionID -= 5 * idStep }), 1, 1, 0, 1},
		{"of an earlier bridge", of(calls[2], func(o *ipc.Outcome) { o.PredictionID -= 1 << 40 }), 1, 1, 0, 2},
		{"made up", of(calls[2], func(o *ipc.Outcome) { o.PredictionID = 5 }), 1, 1, 0, 3},
	} {
		r.Observe([]ipc.Outcome{s.o})
		got := r.Scores()[s.o.Actual.Kind-1]
		if got.Joined != s.joined || got.Foreign != s.foreign || got.Duplicate != s.dup || got.Unissued != s.un || got.Late != 0 {
			t.Errorf("%s: %+v; want %d joined, %d foreign, %d duplicate, %d unissued, none late", s.line, got, s.joined, s.foreign, s.dup, s.un)
		}
	}
	// So many predictions of its kind later its place is another's.
	first := r.submit(workload(1, 0.5))[0]
	late := outcome(first)
	slow := r.submit(&ipc.FailureRequest{Component: "io"})[0]
	for range rememberedPredictions {
		r.Round([]*ipc.Call{first})
	}
	r.Observe([]ipc.Outcome{late, outcome(slow)})
	if got := r.Scores()[0]; got.Joined != 2 || got.Late != 1 || got.Missing != 1 {
		t.Errorf("too late: %+v, want 2 joined, 1 late, and the one that waited for it missing", got)
	}
	if got := r.Scores()[ipc.Failure-1]; got.Joined != 2 || got.Late != 0 || got.Missing != 0 {
		t.Errorf("of a kind that is asked seldom: %+v, want 2 joined: none displaced it", got)
	}
}

// TestBesidesIsOfItsPredictionOnly: an answer that comes when its place is another's is no
// word on that one.
func TestBesidesIsOfItsPredictionOnly(t *testing.T) {
	s := new(scoreboard)
	s.init(func(Standing) {})
	q := workload(1, 0.5)
	r := ipc.Reply{PredictionID: s.of(ipc.Workload).given.next(), Source: ipc.SourceModel, Model: "m@1", Prediction: predictionFor(q)}
	s.remember(q, &r, false)
	s.besides(r.PredictionID+rememberedPredictions*idStep, "c@2", &r.Prediction)
	s.observe(&ipc.Outcome{PredictionID: r.PredictionID, Subject: q.Subject(), Actual: r.Prediction})
	for _, st := range s.of(ipc.Workload).standing.snapshot(ipc.Workload) {
		if st.Model != "m@1" || st.Judged == 0 {
			t.Errorf("%+v, want the model alone to be judged", st)
		}
	}
}

// TestMemoryOfAnAgentWithoutAHistory is judged in shares of what it has.
func TestMemoryOfAnAgentWithoutAHistory(t *testing.T) {
	for _, q := range []*ipc.WorkloadRequest{
		{CurrentMemory: 1 << 30},
		{CurrentMemory: 1 << 20, HistoricalMemory: []uint64{1 << 30, 1 << 20}},
	} {
		if unit := unitOf(q); unit != 1<<30 {
			t.Errorf("%+v: in units of %v, want its largest reading", q, unit)
		}
	}
	if unit := unitOf(&ipc.WorkloadRequest{}); unit != 1 {
		t.Errorf("of nothing: in units of %v, want a byte", unit)
	}
}

func TestOutcomesOutOfRangeAreRefused(t *testing.T) {
	b := start(t, Config{Upstream: deadTarget(t)})
	nan := ipc.Outcome{Actual: ipc.Prediction{Kind: ipc.Workload}}
	nan.Actual.Workload.CPU = float32(math.NaN())
	for name, o := range map[string]ipc.Outcome{
		"NaN": nan, "no kind": {}, "unknown kind": {Actual: ipc.Prediction{Kind: 200}},
	} {
		if err := b.Outcomes(context.Background(), []ipc.Outcome{{Actual: ipc.Prediction{Kind: ipc.Memory}}, o}); err == nil {
			t.Errorf("%s: taken, want an error", name)
		}
	}
	for _, s := range b.Scores() {
		if s.Joined+s.Foreign+s.Duplicate+s.Late+s.Unissued != 0 {
			t.Errorf("%v: %+v, want nothing counted", s.Kind, s)
		}
	}
}

// TestOutcomesNobodyReported are counted when their place is needed.
func TestOutcomesNobodyReported(t *testing.T) {
	r := newRig(t, Config{TTL: time.Hour})
	fill(r.Bridge, workload(1, 0.5))
	for range rememberedPredictions + 10 {
		r.submit(workload(1, 0.5))
	}
	if got := r.Scores()[0].Missing; got != 10 {
		t.Errorf("%d missing, want 10", got)
	}
}

func TestOutcomesJudgeModelAndRuleOnTheSameCases(t *testing.T) {
	d := newFakeDaemon(t)
	b := start(t, Config{Upstream: target(t, d.URL)})
	q := workload(1, 0.5)
	q.HistoricalCPU = []float32{0.5, 0.5} // the rule says their mean
	d.spoiling(func(p *ipc.Prediction) { p.Workload.CPU = 0.75 })
	r := ask(t, b, ipc.Options{Budget: patient}, q)[0]
	o := ipc.Outcome{PredictionID: r.PredictionID, Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Workload}}
	o.Actual.Workload.CPU = 0.75
	stranger := o
	stranger.Subject.Agent++
	if err := b.Outcomes(context.Background(), []ipc.Outcome{stranger, o, o}); err != nil {
		t.Fatal(err)
	}
	got := b.Scores()[0]
	m := got.Standings[0]
	if got.Joined != 1 || m.Judged != 1 || got.Foreign != 1 || got.Duplicate != 1 || m.ModelError != 0 || m.RuleError != 0.25 {
		t.Errorf("Scores() = %+v, want one joined (model 0, rule 0.25), one foreign, one duplicate", got)
	}
}
