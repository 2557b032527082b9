package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/record"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// call makes a recorded call of one slot for each request; nil is one of an unknown kind.
func call(at time.Duration, conn, id uint64, budget time.Duration, reqs ...ipc.Request) record.Call {
	var slots []any
	for _, q := range reqs {
		if q == nil {
			slots = append(slots, []any{99, []any{}})
			continue
		}
		slots = append(slots, []any{uint8(q.Kind()), msgpack.RawMessage(ipc.AppendRequest(nil, q))})
	}
	return record.Call{At: at, Conn: conn, Question: ipctest.Message(ipctest.TypePredict, id, int64(budget), slots)[4:]}
}

// asked is a predictor that notes what it was asked.
type asked struct {
	mu      sync.Mutex
	agents  []uint64
	budgets []time.Duration
	answer  ipctest.Answer
}

func (a *asked) Predict(_ context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, q := range reqs {
		a.agents = append(a.agents, q.Subject().Agent)
		replies[i] = a.answer(q)
	}
	a.budgets = append(a.budgets, opts.Budget)
	return nil
}

func (a *asked) Outcomes(context.Context, []ipc.Outcome) error { return nil }

func play(t *testing.T, cfg Config) *Played {
	t.Helper()
	cfg.Callers = 16 // more than calls: on a slow machine all are open at once
	p, err := Play(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every call is asked once, on its connection's way, with its own budget or the one given;
// slots that asked something impossible keep their place.
func TestPlay(t *testing.T) {
	w := func(agent uint64) ipc.Request { return ipctest.Request(ipc.Workload, agent) }
	calls := []record.Call{
		call(5*time.Millisecond, 7, 1, 20*time.Second, w(1)),
		call(6*time.Millisecond, 9, 1, 0, w(2), nil, w(3)),
		call(6*time.Millisecond-1, 7, 2, 20*time.Second, w(4)), // a clock that went back
		call(9*time.Millisecond, 8, 1, 20*time.Second, w(5)),
		call(9*time.Millisecond, 8, 2, 20*time.Second, nil),
	}
	odd, even := &asked{answer: ipctest.ModelReply}, &asked{answer: ipctest.ModelReply}
	p := play(t, Config{Calls: calls, Predictors: []ipc.Predictor{odd, even}, Speed: 2, Default: 30 * time.Second})
	want := map[uint64]int{1: 0, 4: 0, 5: 0, 2: 1, 3: 1}
	for way, a := range []*asked{odd, even} {
		for _, agent := range a.agents {
			if want[agent] != way {
				t.Errorf("agent %d was asked about on way %d", agent, way)
			}
			delete(want, agent)
		}
		for _, b := range a.budgets {
			if most := 20*time.Second + time.Duration(way)*10*time.Second; b > most || b < most-10*time.Second {
				t.Errorf("way %d had a budget of %v, want about %v", way, b, most)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("nobody asked about %v", want)
	}
	if r := p.Replies[1]; len(r) != 3 || r[0].Status != ipc.StatusOK || r[1].Kind != 0 || r[2].Source != ipc.SourceModel {
		t.Errorf("replies to a batch with an impossible slot: %+v", r)
	}
	if all := p.Load.Total(); all.Answered != 4 || all.Errors != 1 || p.Late[0] || !p.Late[4] {
		t.Errorf("%d answered, %d errors, late %v; want 4, 1 and the last", all.Answered, all.Errors, p.Late)
	}
}

// slow answers, one slot by the cache and one by the rule, after the call's own budget; it
// notes how it was asked.
type slow struct {
	asked
	opts ipc.Options
}

func (s *slow) Predict(ctx context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	s.opts = opts
	for at := ipc.Now(); ipc.Now().Sub(at) <= time.Millisecond; {
		time.Sleep(time.Millisecond)
	}
	err := s.asked.Predict(ctx, reqs, replies, opts)
	replies[0].Source, replies[1].Source = ipc.SourceCache, ipc.SourceRule
	return err
}

// TestPlayAsksAsItWasAsked: what a call insisted on, and how urgent it was, goes along; an
// answer after its budget is late, and counts for whoever gave the first of it.
func TestPlayAsksAsItWasAsked(t *testing.T) {
	q := msgpack.RawMessage(ipc.AppendRequest(nil, ipctest.Request(ipc.Workload, 1)))
	slot := []any{uint8(ipc.Workload), q}
	const flags = 1 | uint8(ipc.ClassLow)<<1 // PROTOCOL.md, section 6.3
	c := record.Call{Question: ipctest.Message(ipctest.TypePredict, 1, int64(time.Millisecond), []any{slot, slot}, flags)[4:]}
	s := &slow{asked: asked{answer: ipctest.ModelReply}}
	p := play(t, Config{Calls: []record.Call{c}, Predictors: []ipc.Predictor{s}, Speed: 1})
	if !s.opts.RequireModel || s.opts.Class != ipc.ClassLow || s.opts.Budget > time.Millisecond {
		t.Errorf("asked with %+v, want the model, at low priority, within 1 ms", s.opts)
	}
	if !p.Late[0] {
		t.Error("an answer after its budget is not late")
	}
	for i, src := range p.Load.Total().Sources {
		if by := drive.Sources[i]; (src.Count == 1) != (by == "cache") {
			t.Errorf("%d calls by %s, want the one by the cache", src.Count, by)
		}
	}
}

// stuck answers when nobody waits any more.
type stuck struct {
	asked
	called func()
}

func (s *stuck) Predict(ctx context.Context, _ []ipc.Request, _ []ipc.Reply, _ ipc.Options) error {
	s.called()
	<-ctx.Done()
	return ctx.Err()
}

// Calls for which no caller is free are not passed over in silence, nor are those that
// an interrupted run does not come to.
func TestCallsThatWereNotSent(t *testing.T) {
	q := ipctest.Request(ipc.Workload, 1)
	calls := []record.Call{call(0, 1, 1, time.Second, q), call(1, 1, 2, time.Second, q), call(2, 1, 3, time.Second, q)}
	rec := &record.Recording{Calls: calls}
	for _, c := range []struct {
		after time.Duration // of the last call
		want  string
	}{{2, "WARNING: bridge: 2 of 3 calls were not sent"}, {time.Hour, "bridge: interrupted; 2 calls were not sent"}} {
		calls[2].At = c.after
		ctx, cancel := context.WithCancel(t.Context())
		p, err := Play(ctx, Config{Calls: calls, Predictors: []ipc.Predictor{&stuck{called: func() {
			if c.after == time.Hour {
				cancel()
			}
		}}}, Speed: 1, Callers: 1})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if !(p.Late[0] && p.Late[1] && p.Late[2]) {
			t.Errorf("late %v, want what was not answered or not sent", p.Late)
		}
		r, text := NewReport(rec, 1), new(bytes.Buffer)
		r.Add("bridge", p)
		if err := r.Text(text); err != nil || r.Sides[0].NotSent != 2 || !strings.Contains(text.String(), c.want) {
			t.Errorf("%d not sent, want 2 and %q in\n%s", r.Sides[0].NotSent, c.want, text)
		}
	}
}

// patient answers after longer than a run waits that is in no hurry.
type patient struct{ asked }

func (p *patient) Predict(ctx context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	select {
	case <-time.After(load.DefaultDrain + 100*time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	return p.asked.Predict(ctx, reqs, replies, opts)
}

// TestCallsHaveTheirBudget: each its own, also those that come last.
func TestCallsHaveTheirBudget(t *testing.T) {
	calls := []record.Call{call(0, 1, 1, time.Minute, ipctest.Request(ipc.Workload, 1)), call(1, 1, 2, 0, ipctest.Request(ipc.Workload, 2))}
	p := play(t, Config{Calls: calls, Predictors: []ipc.Predictor{&patient{asked{answer: ipctest.ModelReply}}}, Speed: 1, Default: time.Millisecond})
	if p.Late[0] || !p.Late[1] || p.Load.Total().Lost != 0 {
		t.Errorf("late %v, %d lost; want the second late, which had a millisecond", p.Late, p.Load.Total().Lost)
	}
	calls[1] = call(1, 1, 2, time.Hour, ipctest.Request(ipc.Workload, 2))
	if got := longest(&Config{Calls: calls}); got != load.MaxBudget {
		t.Errorf("a run waits for %v, want at most %v", got, load.MaxBudget)
	}
}

func TestPlayRefuses(t *testing.T) {
	calls := []record.Call{call(0, 1, 1, 0, ipctest.Request(ipc.Workload, 1))}
	way := []ipc.Predictor{&asked{answer: ipctest.ModelReply}}
	for what, cfg := range map[string]Config{
		"nothing to play": {Predictors: way, Speed: 1, Callers: 1},
		"no speed":        {Calls: calls, Predictors: way, Callers: 1},
		"too fast":        {Calls: calls, Predictors: way, Speed: 2 * MaxSpeed, Callers: 1},
		"no way":          {Calls: calls, Speed: 1, Callers: 1},
	} {
		if _, err := Play(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestPlayRefusesTimesBeyondAnyRun: a recording may claim times up to 2^63 ns, and slowed
// down a thousand times they pass that.
func TestPlayRefusesTimesBeyondAnyRun(t *testing.T) {
	q := ipctest.Request(ipc.Workload, 1)
	for _, c := range []struct {
		at    time.Duration // of the second call of three
		speed float64
	}{{math.MaxInt64, 1}, {math.MaxInt64, MinSpeed}, {4 * 24 * time.Hour, MinSpeed}, {4000 * 24 * time.Hour, 1}} {
		p := &asked{answer: ipctest.ModelReply}
		calls := []record.Call{call(0, 1, 1, 0, q), call(c.at, 1, 2, 0, q), call(0, 1, 3, 0, q)}
		_, err := Play(t.Context(), Config{Calls: calls, Predictors: []ipc.Predictor{p}, Speed: c.speed, Callers: 1})
		if err == nil || !strings.Contains(err.Error(), "call 2 of 3") || len(p.agents) != 0 {
			t.Errorf("a call at %v played %v times as fast: %v, %d asked; want an error that names it, and nothing asked", c.at, c.speed, err, len(p.agents))
		}
	}
	if got := (schedule{[]record.Call{{}, {At: math.MaxInt64}}, MinSpeed}).At(1); got != maxLasts {
		t.Errorf("At = %v, want no more than %v", got, maxLasts)
	}
}

func TestScheduleNeverGoesBack(t *testing.T) {
	s := schedule{[]record.Call{{At: time.Second}, {At: 3 * time.Second}, {At: time.Millisecond}}, 4}
	for n, want := range []time.Duration{0, 500 * time.Millisecond, 0} {
		if got := s.At(uint64(n)); got != want {
			t.Errorf("At(%d) = %v, want %v", n, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	q := ipctest.Request(ipc.Workload, 1)
	calls := []record.Call{call(0, 1, 1, 0, q, q, q, q, q, nil, ipctest.Request(ipc.Memory, 2))}
	model := ipctest.ModelReply(q)
	other := model
	other.Workload.CPU = 0.75 // ModelReply says 0.5
	other.Model = "fake@2"
	cached := model
	cached.Source = ipc.SourceCache
	rule := model
	rule.Source = ipc.SourceRule
	none := ipc.Reply{Status: ipc.StatusOverloaded}
	a := [][]ipc.Reply{{model, model, model, model, none, {}, none}}
	b := [][]ipc.Reply{{model, other, cached, rule, model, {}, none}}
	c := Compare("a", a, "b", b, calls)
	if len(c.Kinds) != 2 {
		t.Fatalf("kinds = %+v", c.Kinds)
	}
	got := c.Kinds[0]
	models := strings.Join(got.ModelsB, " ")
	got.ModelsA, got.ModelsB = nil, nil
	want := KindComparison{Kind: "workload", Slots: 5, OnlyB: 1, Alike: 2, Identical: 1, Otherwise: 2, MeanDifference: 0.125, MaxDifference: 0.25}
	if a, b := jsonOf(t, got), jsonOf(t, want); a != b {
		t.Errorf("workload: %s, want %s", a, b)
	}
	if models != "fake@1 fake@2" {
		t.Errorf("models of b are %q", models)
	}
	if m := c.Kinds[1]; m.Neither != 1 || m.Slots != 1 {
		t.Errorf("memory: %+v", m)
	}
	if !c.Differs() || Compare("a", a, "a", a, calls).Differs() {
		t.Error("Differs is wrong")
	}
}

// TestCompareEitherSide: how far two answers differ, and whether they can be compared, does
// not depend on whose is whose.
func TestCompareEitherSide(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  ipc.Kind
		other func(*ipc.Reply)
		want  KindComparison // but for kind and models
	}{
		{"the same", ipc.Threat, func(*ipc.Reply) {}, KindComparison{Alike: 1, Identical: 1}},
		{"partly the rule's", ipc.Workload, func(r *ipc.Reply) { r.Ruled = ipc.TargetMemory }, KindComparison{Otherwise: 1}},
		{"stale", ipc.Workload, func(r *ipc.Reply) { r.Source = ipc.SourceStale }, KindComparison{Otherwise: 1}},
		{"another share", ipc.Workload, func(r *ipc.Reply) { r.Workload.CPU = 0 }, KindComparison{Alike: 1, MeanDifference: 0.5, MaxDifference: 0.5}},
		{"another score", ipc.Threat, func(r *ipc.Reply) { r.Threat.Score = 1 }, KindComparison{Alike: 1, MeanDifference: 0.75, MaxDifference: 0.75}},
		{"another probability", ipc.Failure, func(r *ipc.Reply) { r.Failure.Probability = 1 }, KindComparison{Alike: 1, MeanDifference: 0.75, MaxDifference: 0.75}},
		{"another page", ipc.Memory, func(r *ipc.Reply) { r.Memory.NextAddress++ }, KindComparison{Alike: 1, MeanDifference: 1, MaxDifference: 1}},
		{"another kind of access", ipc.Memory, func(r *ipc.Reply) { r.Memory.Type++ }, KindComparison{Alike: 1}},
	} {
		q := ipctest.Request(c.kind, 1)
		one := ipctest.ModelReply(q)
		one.Threat.Score, one.Failure.Probability = 0.25, 0.25
		two := one
		c.other(&two)
		a, b, calls := [][]ipc.Reply{{one}}, [][]ipc.Reply{{two}}, []record.Call{call(0, 1, 1, 0, q)}
		c.want.Kind, c.want.Slots = c.kind.String(), 1
		for _, cmp := range []*Comparison{Compare("a", a, "b", b, calls), Compare("b", b, "a", a, calls)} {
			got := cmp.Kinds[0]
			got.ModelsA, got.ModelsB = nil, nil
			if got, want := jsonOf(t, got), jsonOf(t, c.want); got != want {
				t.Errorf("%s, %s beside %s: %s, want %s", c.name, cmp.A, cmp.B, got, want)
			}
		}
		if got := Compare("a", a, "b", [][]ipc.Reply{nil}, calls).Kinds[0]; got.OnlyA != 1 || got.OnlyB != 0 {
			t.Errorf("%s beside none: %+v", c.name, got)
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The report says the same as text and as JSON, and the recording's answers are read.
func TestReport(t *testing.T) {
	q := ipctest.Request(ipc.Failure, 1)
	c := call(0, 1, 5, time.Minute, q)
	c.Answer, c.Took = ipctest.ReplyTo(5, []ipc.Reply{ipctest.ModelReply(q)})[4:], 70*time.Microsecond
	refused := call(time.Millisecond, 1, 6, time.Minute, q)
	refused.Answer = ipctest.Message(ipctest.TypeError, 6, uint8(ipc.StatusOverloaded), "", "full")[4:]
	rec := &record.Recording{Header: record.Header{Name: "old bridge", Redacted: true}, Calls: []record.Call{c, refused}, Outcomes: 3, Cut: true}
	r := NewReport(rec, 1)
	r.AddRecorded(rec.Calls)
	p := play(t, Config{Calls: rec.Calls, Predictors: []ipc.Predictor{&asked{answer: ipctest.ModelReply}}, Speed: 1, Default: time.Second})
	r.Add("new", p)
	recorded := Recorded(rec.Calls)
	r.Comparisons = append(r.Comparisons, Compare("recorded", recorded, "new", p.Replies, rec.Calls))
	if k := r.Comparisons[0].Kinds[0]; k.Identical != 1 || k.OnlyB != 1 {
		t.Errorf("comparison = %+v, want one identical and one that only the replay answered", k)
	}
	var text, data bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.JSON(&data); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"old bridge", "2 calls", "ids redacted", "recorded and new", "fake@1", "3 outcome messages", "has no end"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, &text)
		}
	}
	var back Report
	if err := json.Unmarshal(data.Bytes(), &back); err != nil || len(back.Sides) != 2 || back.Sides[1].BySource["model"] != 2 || back.Sides[0].Max < 70 {
		t.Errorf("JSON: %v\n%s", err, &data)
	}
}
