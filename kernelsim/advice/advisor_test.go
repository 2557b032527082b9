package advice_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
)

func question(agent uint64) *ipc.WorkloadRequest {
	return &ipc.WorkloadRequest{AgentID: agent, HistoricalCPU: []float32{0.25}, CurrentCPU: 0.25, CurrentMemory: 4}
}

func prediction(cpu, confidence float32) ipc.Prediction {
	return ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: cpu, Confidence: confidence}}
}

func TestAskChoosesBetweenModelAndRule(t *testing.T) {
	const rule = 0.25 // one reading: the rule repeats it
	for _, c := range []struct {
		name   string
		reply  ipc.Reply
		err    error
		act    float32
		counts advice.Counts
		why    string
	}{
		{"sure", advicetest.Sure(prediction(0.75, 0.5)), nil, 0.75, advice.Counts{Model: 1}, ""},
		{"just unsure", advicetest.Sure(prediction(0.75, 0.49)), nil, rule, advice.Counts{Unsure: 1}, ""},
		{"no model", advicetest.None(nil), nil, rule, advice.Counts{Absent: 1}, "daemon unavailable"},
		{"rule of the bridge", ipc.Reply{Source: ipc.SourceRule, Prediction: prediction(0.9, 1)}, nil, rule, advice.Counts{Absent: 1}, "answered by rule"},
		{"stale", ipc.Reply{Source: ipc.SourceStale, Prediction: prediction(0.9, 1)}, nil, rule, advice.Counts{Absent: 1}, "answered by stale"},
		{"from the cache", ipc.Reply{Source: ipc.SourceCache, Prediction: prediction(0.9, 1)}, nil, 0.9, advice.Counts{Model: 1}, ""},
		{"refused", ipc.Reply{Status: ipc.StatusInternal, Source: ipc.SourceModel, Prediction: prediction(0.9, 1)}, nil, rule, advice.Counts{Absent: 1}, "internal"},
		{"no connection", ipc.Reply{}, errors.New("gone"), rule, advice.Counts{Absent: 1}, "no connection to the bridge"},
	} {
		m := &advicetest.Model{Answer: func(ipc.Request) ipc.Reply { return c.reply }, Err: c.err}
		a := advice.New(advice.Config{Kind: ipc.Workload, Predictor: m, Threshold: 0.5})
		var out [1]advice.Advice
		if err := a.Ask(t.Context(), []ipc.Request{question(1)}, out[:]); err != nil {
			t.Errorf("%s: Ask = %v", c.name, err)
		}
		got := a.Counts()
		if out[0].Act.Workload.CPU != c.act || out[0].Rule.Workload.CPU != rule {
			t.Errorf("%s: acts on %v with the rule at %v, want %v and %v", c.name, out[0].Act.Workload.CPU, out[0].Rule.Workload.CPU, c.act, rule)
		}
		if got.Asked != 1 || got.Model != c.counts.Model || got.Unsure != c.counts.Unsure || got.Absent != c.counts.Absent {
			t.Errorf("%s: counts %+v, want %+v", c.name, got, c.counts)
		}
		if c.why != "" && got.Why[c.why] != 1 {
			t.Errorf("%s: reasons %v, want %q once", c.name, got.Why, c.why)
		}
		if c.err == nil && !m.Required {
			t.Errorf("%s: the model was not insisted on", c.name)
		}
	}
}

func TestAskWithoutABridgeFollowsTheRule(t *testing.T) {
	a := advice.New(advice.Config{Kind: ipc.Workload})
	var out [1]advice.Advice
	if err := a.Ask(t.Context(), []ipc.Request{question(1)}, out[:]); err != nil || out[0].ByModel || out[0].Act.Workload.CPU != 0.25 {
		t.Errorf("Ask without a bridge = %+v, %v; want the rule", out[0], err)
	}
}

func TestAskCutsLargeBatches(t *testing.T) {
	m := &advicetest.Model{Answer: func(q ipc.Request) ipc.Reply {
		return advicetest.Sure(prediction(float32(q.Subject().Agent)/1000, 1))
	}}
	a := advice.New(advice.Config{Kind: ipc.Workload, Predictor: m})
	const n = 150
	var reqs []ipc.Request
	for i := range n {
		reqs = append(reqs, question(uint64(i)))
	}
	out := make([]advice.Advice, n)
	if err := a.Ask(t.Context(), reqs, out); err != nil {
		t.Fatal(err)
	}
	for i := range out {
		if out[i].Act.Workload.CPU != float32(i)/1000 {
			t.Fatalf("answer %d is %v: answers and questions came apart", i, out[i].Act.Workload.CPU)
		}
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := advice.New(advice.Config{Predictor: &advicetest.Model{Err: context.Canceled}})
	var out [1]advice.Advice
	if err := a.Ask(ctx, []ipc.Request{question(1)}, out[:]); !errors.Is(err, context.Canceled) {
		t.Errorf("Ask = %v, want the context's error", err)
	}
}

func TestReportIsAboutTheModelsAnswers(t *testing.T) {
	m := &advicetest.Model{Answer: func(ipc.Request) ipc.Reply { return advicetest.Sure(prediction(0.5, 0)) }}
	a := advice.New(advice.Config{Predictor: m, Threshold: 1})
	var out [1]advice.Advice
	if err := a.Ask(t.Context(), []ipc.Request{question(3)}, out[:]); err != nil {
		t.Fatal(err)
	}
	// The rule decided, as the model was unsure; how the model did is still worth telling.
	a.Report(t.Context(), &out[0], ipc.Subject{Agent: 3}, prediction(0.4, 0))
	a.Report(t.Context(), &advice.Advice{}, ipc.Subject{Agent: 4}, prediction(0.4, 0))
	a.Flush(t.Context())
	if len(m.Outcome) != 1 || m.Outcome[0].PredictionID != 7 || m.Outcome[0].Subject.Agent != 3 || m.Outcome[0].Ago != 0 {
		t.Errorf("outcomes %+v, want one about prediction 7 of agent 3", m.Outcome)
	}
	if n := a.Counts().Reports; n != 1 {
		t.Errorf("%d reports counted, want 1", n)
	}
}

// TestOutcomesAreSentInBatches: when 64 wait, and what is left at a flush; none twice.
func TestOutcomesAreSentInBatches(t *testing.T) {
	m := new(advicetest.Model)
	a := advice.New(advice.Config{Predictor: m})
	for i := range uint64(65) {
		if a.Report(t.Context(), &advice.Advice{PredictionID: i + 1}, ipc.Subject{Agent: i}, prediction(0.5, 0)); i < 63 && len(m.Outcome) > 0 {
			t.Fatalf("%d outcomes were sent after %d", len(m.Outcome), i+1)
		}
	}
	if len(m.Outcome) != 64 {
		t.Errorf("%d of 65 outcomes were sent, want 64", len(m.Outcome))
	}
	a.Flush(t.Context())
	a.Flush(t.Context())
	if n := a.Counts().Reports; len(m.Outcome) != 65 || m.Outcome[64].PredictionID != 65 || n != 65 {
		t.Errorf("%d outcomes sent, the last of prediction %d, %d counted; want 65", len(m.Outcome), m.Outcome[len(m.Outcome)-1].PredictionID, n)
	}
}

// TestInTimeIsWithinTheBudget: every call has the budget, and whoever has none is in time.
func TestInTimeIsWithinTheBudget(t *testing.T) {
	for _, c := range []struct {
		budget time.Duration
		inTime uint64
	}{{0, 2}, {time.Nanosecond, 0}, {time.Hour, 2}} {
		m := new(advicetest.Model)
		m.Answer = func(ipc.Request) ipc.Reply {
			for at := ipc.Now(); ipc.Now().Sub(at) <= time.Nanosecond; { // longer than the shortest
			}
			return ipc.Reply{Status: ipc.StatusUnavailable, Reason: ipc.ReasonDemoted}
		}
		a := advice.New(advice.Config{Predictor: m, Budget: c.budget})
		if err := a.Ask(t.Context(), []ipc.Request{question(1), question(2)}, make([]advice.Advice, 2)); err != nil {
			t.Fatal(err)
		}
		if n := a.Counts(); n.InTime != c.inTime || n.Asked != 2 || n.Latency.TotalCount() != 1 || n.Latency.Max() == 0 {
			t.Errorf("budget %v: %d of %d in time, %d latencies up to %d; want %d of 2, of one call", c.budget, n.InTime, n.Asked, n.Latency.TotalCount(), n.Latency.Max(), c.inTime)
		}
		if len(m.Budgets) != 2 || m.Budgets[0] != c.budget || m.Budgets[1] != c.budget {
			t.Errorf("budgets %v, want %v, and again of the question asked again", m.Budgets, c.budget)
		}
	}
}

// TestAdviceIsAnew: storage of an earlier answer is used again, and nothing of it shows; the
// counts that were given out stay as they were.
func TestAdviceIsAnew(t *testing.T) {
	pool := advice.NewPool(10, 1)
	m := &advicetest.Model{Answer: func(ipc.Request) ipc.Reply {
		r := advicetest.Sure(prediction(0.75, 1))
		r.Ruled = ipc.TargetMemory
		return r
	}}
	a := advice.New(advice.Config{Kind: ipc.Workload, Predictor: m, Pool: pool})
	var out [1]advice.Advice
	ask := func() {
		if err := a.Ask(t.Context(), []ipc.Request{question(1)}, out[:]); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	before := a.Counts()
	m.Answer = advicetest.None
	ask()
	if adv := out[0]; adv.FromModel || adv.ByModel || adv.PredictionID != 0 || adv.Ruled != 0 || adv.Model != (ipc.Prediction{}) {
		t.Errorf("%+v: something of the answer before", adv)
	}
	if before.Asked != 1 || len(before.Why) != 0 || before.Latency.TotalCount() != 1 {
		t.Errorf("counts of before are now %+v", before)
	}
	if n := len(pool.Requests(ipc.Workload)); n != 2 {
		t.Errorf("%d questions in the pool, want 2", n)
	}
}

// TestReasonsAreBounded: eight are told apart, the rest is counted together.
func TestReasonsAreBounded(t *testing.T) {
	var replies []ipc.Reply
	for _, s := range ipc.Statuses[1:] {
		replies = append(replies, ipc.Reply{Status: s})
	}
	for _, s := range []ipc.Source{ipc.SourceRule, ipc.SourceStale, ipc.SourceNone} {
		replies = append(replies, ipc.Reply{Source: s})
	}
	m := &advicetest.Model{Answer: func(q ipc.Request) ipc.Reply { return replies[q.Subject().Agent] }}
	a := advice.New(advice.Config{Predictor: m})
	for range 2 {
		for i := range replies {
			if err := a.Ask(t.Context(), []ipc.Request{question(uint64(i))}, make([]advice.Advice, 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var sum uint64
	why := a.Counts().Why
	for _, n := range why {
		sum += n
	}
	if len(why) != 9 || why["other"] != uint64(2*(len(replies)-8)) || sum != uint64(2*len(replies)) {
		t.Errorf("reasons %v, want eight and the other %d twice", why, len(replies)-8)
	}
}

// TestAskingAgain: it ends with its context, too, and a refusal of it is worth no outcome.
func TestAskingAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := new(advicetest.Model)
	m.Answer = func(ipc.Request) ipc.Reply {
		return ipc.Reply{Status: ipc.StatusUnavailable, Reason: ipc.ReasonDemoted, PredictionID: 5}
	}
	a := advice.New(advice.Config{Predictor: m})
	var out [1]advice.Advice
	if err := a.Ask(ctx, []ipc.Request{question(1)}, out[:]); err != nil || out[0].PredictionID != 0 || len(m.Asked) != 2 {
		t.Errorf("refused twice: %+v, %v after %d questions; want no prediction to judge", out[0], err, len(m.Asked))
	}
	refuse := m.Answer
	m.Answer = func(q ipc.Request) ipc.Reply {
		cancel()
		m.Err = context.Canceled
		return refuse(q)
	}
	if err := a.Ask(ctx, []ipc.Request{question(1)}, out[:]); !errors.Is(err, context.Canceled) {
		t.Errorf("Ask = %v, want the context's error", err)
	}
}

func TestPoolIsBoundedAndKeepsCopies(t *testing.T) {
	p := advice.NewPool(10, 1)
	q := question(0)
	seen := map[uint64]bool{}
	for i := range uint64(1000) {
		q.AgentID = i
		p.Offer(q)
	}
	p.Offer(&ipc.WorkloadRequest{TimeOfDay: 99})
	got := p.Requests(ipc.Workload)
	late := false
	for _, r := range got {
		seen[r.Subject().Agent] = true
		late = late || r.Subject().Agent >= 10
		if err := r.Validate(); err != nil {
			t.Errorf("an invalid question was kept: %v", err)
		}
	}
	if len(got) != 10 || len(seen) != 10 || !late {
		t.Errorf("kept %d questions of %d agents, late ones %v; want 10 of 10, not only the first", len(got), len(seen), late)
	}
	if n := len(p.Requests(ipc.Memory)); n != 0 {
		t.Errorf("%d memory questions of none offered", n)
	}
}

// TestPoolTakesAllWhileThereIsRoom: copies, whatever impossible came before, and not in the
// order in which they came.
func TestPoolTakesAllWhileThereIsRoom(t *testing.T) {
	const n = 100
	p := advice.NewPool(n, 1)
	for range 10 * n {
		p.Offer(&ipc.WorkloadRequest{TimeOfDay: 99})
	}
	q := question(0)
	for i := range uint64(n) {
		q.AgentID = i
		p.Offer(q)
	}
	got, seen, inOrder := p.Requests(ipc.Workload), map[uint64]bool{}, true
	for i, r := range got {
		seen[r.Subject().Agent] = true
		inOrder = inOrder && r.Subject().Agent == uint64(i)
	}
	if len(got) != n || len(seen) != n || inOrder {
		t.Errorf("%d questions of %d agents, in order: %v; want %d, mixed", len(got), len(seen), inOrder, n)
	}
}
