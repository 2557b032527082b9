package memory_test

import (
	"math"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
	"github.com/mlbridge/mlbridge/kernelsim/memory"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

const page = 4096

// strider answers that the last step comes again, with one page further on.
func strider(q ipc.Request) ipc.Reply {
	m := q.(*ipc.MemoryRequest)
	step := uint64(2 * page)
	p := ipc.MemoryPrediction{NextAddress: m.CurrentAddress + step, Probability: 0.9, Confidence: 0.9, MoreLen: 1}
	p.More[0] = ipc.MemoryCandidate{Address: m.CurrentAddress + 2*step, Probability: 0.5}
	return advicetest.Sure(ipc.Prediction{Kind: ipc.Memory, Memory: p})
}

func run(t *testing.T, m *advicetest.Model, pages ...uint64) *memory.Manager {
	t.Helper()
	a := advice.New(advice.Config{Kind: ipc.Memory, Predictor: m, Threshold: memory.Threshold})
	man := memory.New("memory", a)
	for i, p := range pages {
		if err := man.Step(t.Context(), []source.Fault{{Agent: 1, Addr: p * page, Type: uint8(i % 2)}}); err != nil {
			t.Fatal(err)
		}
	}
	a.Flush(t.Context())
	return man
}

func effects(list []report.Effect) map[string]float64 {
	out := map[string]float64{}
	for _, e := range list {
		out[e.Name] = e.Value
	}
	return out
}

// A walk in steps of two pages, which the model knows and the rule does not. Of the
// five faults the first cannot be covered, the other four are; six pages are issued
// (two at the first fault, then one new one each), four of them used.
func TestEffectsOfAStride(t *testing.T) {
	model := &advicetest.Model{Answer: strider}
	man := run(t, model, 10, 12, 14, 16, 18)
	got := effects(man.Effects())
	for name, want := range map[string]float64{
		"faults seen": 5, "pages prefetched": 6, "prefetched pages used": 4, "faults covered": 4,
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	rows := man.Comparisons(false)
	for i, want := range []struct {
		ml float64
		n  uint64
	}{{100, 4}, {100, 4}, {66.667, 6}} {
		c := rows[i]
		if c.ML == nil || math.Abs(*c.ML-want.ml) > 1e-3 || c.N != want.n {
			t.Errorf("%s: %v of %d, want %v of %d", c.Metric, *c.ML, c.N, want.ml, want.n)
		}
	}
	if *rows[0].Rule != 0 || *rows[1].Rule != 0 || rows[2].Rule != nil {
		t.Errorf("the rule, which repeats the page, named %v, covered %v, issued %v; want 0, 0 and nothing", rows[0].Rule, rows[1].Rule, rows[2].Rule)
	}
}

func TestOutcomesNameThePageThatCame(t *testing.T) {
	model := &advicetest.Model{Answer: strider}
	run(t, model, 1<<40, 3)
	if len(model.Outcome) != 1 {
		t.Fatalf("%d outcomes, want 1: nothing came after the second fault", len(model.Outcome))
	}
	o := model.Outcome[0]
	if o.PredictionID != 7 || o.Subject.Agent != 1 || o.Actual.Memory.NextAddress != 3*page || o.Actual.Memory.Type != ipc.AccessWrite {
		t.Errorf("outcome %+v, want page 3, a write, of prediction 7", o)
	}
}

func TestWithoutAModelTheRuleWalks(t *testing.T) {
	man := run(t, &advicetest.Model{Answer: advicetest.None}, 1, 2, 3, 4, 5)
	got := effects(man.Effects())
	// From the third fault on the rule sees two steps of a page.
	if got["pages prefetched"] != 3 || got["faults covered"] != 2 {
		t.Errorf("issued %v, covered %v; want 3 and 2", got["pages prefetched"], got["faults covered"])
	}
	for _, e := range man.Effects() { // and by itself it does just that
		if strings.HasPrefix(e.Note, "rule alone") && e.Note != advice.RuleAlone(e.Value, "") {
			t.Errorf("%s: %v (%s), want the same", e.Name, e.Value, e.Note)
		}
	}
	if c := man.Comparisons(false)[0]; c.ML != nil || c.N != 0 {
		t.Errorf("%+v: a model was compared that never answered", c)
	}
}

func TestQuestionsHoldTheLastTwentyFaults(t *testing.T) {
	model := &advicetest.Model{Answer: strider}
	var pages []uint64
	for i := range uint64(25) {
		pages = append(pages, 100*i) // no step is near
	}
	run(t, model, append(pages, pages[24]+16)...)
	q := model.Asked[25].(*ipc.MemoryRequest)
	if err := q.Validate(); err != nil {
		t.Error(err)
	}
	if n := len(q.AccessHistory); n != 20 || q.AccessHistory[n-1] != q.CurrentAddress || q.AccessHistory[0] != 600*page {
		t.Errorf("history of %d from %d to %d, want the last 20, ending with the current one", n, q.AccessHistory[0], q.AccessHistory[n-1])
	}
	if want := float32(1) / 19; q.LocalityScore != want {
		t.Errorf("locality %v, want one near step of 19", q.LocalityScore)
	}
	if first := model.Asked[0].(*ipc.MemoryRequest); len(first.AccessHistory) != 1 {
		t.Errorf("the first question has %d faults: short histories are not padded", len(first.AccessHistory))
	}
}
