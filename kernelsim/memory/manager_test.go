package memory_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

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
		if err := man.Step(t.Context(), []source.Fault{{Agent: 1, At: time.Duration(i) * time.Millisecond, Addr: p * page, Type: uint8(i % 2)}}); err != nil {
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
	if o.PredictionID != 7 || o.Subject.Agent != 1 || o.Actual.Memory.NextAddress != 3*page || o.Actual.Memory.Type != ipc.AccessWrite || o.Actual.Memory.Probability != 1 {
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
		if strings.HasPrefix(e.Note, "rule alone") && e.Note != report.RuleAlone(e.Value, "") {
			t.Errorf("%s: %v (%s), want the same", e.Name, e.Value, e.Note)
		}
	}
	if c := man.Comparisons(false)[0]; c.ML != nil || c.N != 0 {
		t.Errorf("%+v: a model was compared that never answered", c)
	}
}

// names answers always the same prediction, with further pages.
func names(next uint64, confidence float32, more ...ipc.MemoryCandidate) *advicetest.Model {
	p := ipc.MemoryPrediction{NextAddress: next, Probability: confidence, Confidence: confidence, MoreLen: len(more)}
	copy(p.More[:], more)
	return &advicetest.Model{Answer: func(ipc.Request) ipc.Reply {
		return advicetest.Sure(ipc.Prediction{Kind: ipc.Memory, Memory: p})
	}}
}

// TestWhatIsPrefetched: the page that is named, from Threshold on, and further ones from
// their own; not a page that is there, as the one that just faulted is.
func TestWhatIsPrefetched(t *testing.T) {
	more := func(page uint64, p float32) ipc.MemoryCandidate {
		return ipc.MemoryCandidate{Address: page * 4096, Probability: p}
	}
	for _, c := range []struct {
		name string
		m    *advicetest.Model
		want float64
	}{
		{"just sure, and of two further pages one", names(20*page, 0.079, more(30, 0.23), more(40, 0.229)), 2},
		{"just unsure", names(20*page, 0.078, more(30, 0.9)), 0},
		{"the page that is there", names(10*page+8, 0.9), 0},
		{"the page that is there, as a further one", names(20*page, 0.9, more(10, 0.9)), 1},
	} {
		if got := effects(run(t, c.m, 10).Effects())["pages prefetched"]; got != c.want {
			t.Errorf("%s: %v pages, want %v", c.name, got, c.want)
		}
	}
}

// TestNamedIsThePageWhateverTheOffset: a page is named by any address in it. The rule
// names it once, after two steps of a page, and stays where it is before that.
func TestNamedIsThePageWhateverTheOffset(t *testing.T) {
	row := run(t, names(3*page+17, 0.9), 1, 2, 3, 4).Comparisons(false)[0]
	if want := 100.0 / 3; math.Abs(*row.ML-want) > 1e-9 || math.Abs(*row.Rule-want) > 1e-9 || row.N != 3 {
		t.Errorf("%s: %v against %v of %d, want a third each, of 3", row.Metric, *row.ML, *row.Rule, row.N)
	}
	row = run(t, names(4*page-1, 0.05), 1, 2, 3, 4, 5).Comparisons(false)[0] // unsure: compared all the same
	if *row.ML != 25 || *row.Rule != 50 || row.N != 4 {
		t.Errorf("%s: %v against %v of %d, want 25 against 50, of 4", row.Metric, *row.ML, *row.Rule, row.N)
	}
}

// TestEveryAgentForItself: what one agent prefetched covers no fault of another's, and the
// totals are of all.
func TestEveryAgentForItself(t *testing.T) {
	m := names(20*page, 0.9)
	man := memory.New("memory", advice.New(advice.Config{Predictor: m, Threshold: memory.Threshold}))
	for _, faults := range [][]source.Fault{
		{{Agent: 1, Addr: 10 * page}}, // prefetches 20
		{{Agent: 2, Addr: 20 * page}}, // has nothing to prefetch: it is there
		{{Agent: 1, Addr: 20 * page}, {Agent: 2, Addr: 10 * page}},
		{{Agent: 1, Addr: 11 * page}, {Agent: 2, Addr: 20 * page}},
	} {
		if err := man.Step(t.Context(), faults); err != nil {
			t.Fatal(err)
		}
	}
	got := effects(man.Effects())
	for name, want := range map[string]float64{
		"faults seen": 6, "pages prefetched": 3, "prefetched pages used": 2, "faults covered": 2,
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	if rows := man.Comparisons(false); *rows[1].ML != 50 || rows[1].N != 4 || rows[2].N != 3 {
		t.Errorf("coverage %v of %d, accuracy of %d pages; want half of the 4 faults that were not first, and 3", *rows[1].ML, rows[1].N, rows[2].N)
	}
	if len(m.Asked) != 6 || m.Asked[3].Subject().Agent != 2 {
		t.Errorf("%d questions, want one about every fault's agent", len(m.Asked))
	}
}

// TestWindowsAreCountedInFaults: an issue covers the 32 faults after the one it was made at, is
// useful to as many again, and as many pages as fit are kept.
func TestWindowsAreCountedInFaults(t *testing.T) {
	once := func(next, at uint64) *advicetest.Model { // names a page at one fault alone
		return &advicetest.Model{Answer: func(q ipc.Request) ipc.Reply {
			p := ipc.MemoryPrediction{NextAddress: q.(*ipc.MemoryRequest).CurrentAddress, Confidence: 0.9}
			if p.NextAddress == at*page {
				p.NextAddress = next * page
			}
			return advicetest.Sure(ipc.Prediction{Kind: ipc.Memory, Memory: p})
		}}
	}
	for _, c := range []struct {
		after           int
		covered, useful float64
	}{{1, 1, 1}, {32, 1, 1}, {33, 0, 1}, {64, 0, 1}, {65, 0, 0}} {
		walk := []uint64{10}
		for range c.after - 1 {
			walk = append(walk, 500)
		}
		man := run(t, once(20, 10), append(walk, 20)...)
		got := effects(man.Effects())
		if got["faults covered"] != c.covered || got["prefetched pages used"] != c.useful {
			t.Errorf("%d faults later: %v covered, %v used; want %v and %v", c.after, got["faults covered"], got["prefetched pages used"], c.covered, c.useful)
		}
		rows := man.Comparisons(false)
		if *rows[1].ML != 100*c.covered/float64(c.after) || *rows[2].ML != 100*c.useful {
			t.Errorf("%d faults later: coverage %v and accuracy %v", c.after, *rows[1].ML, *rows[2].ML)
		}
	}
}

// TestTotalsOutliveTheirAgents: agents are bounded, and what they did still counts.
func TestTotalsOutliveTheirAgents(t *testing.T) {
	m := &advicetest.Model{Answer: strider}
	man := memory.New("memory", advice.New(advice.Config{Predictor: m, Threshold: memory.Threshold}))
	for agent := range uint64(300) {
		if err := man.Step(t.Context(), []source.Fault{{Agent: agent, Addr: page}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := effects(man.Effects()); got["faults seen"] != 300 || got["pages prefetched"] != 600 {
		t.Errorf("%v faults and %v pages, want 300 and 600", got["faults seen"], got["pages prefetched"])
	}
	if n := man.Comparisons(false)[2].N; n != 600 {
		t.Errorf("accuracy of %d pages, want 600", n)
	}
	anew := 0
	for agent := range uint64(300) {
		if err := man.Step(t.Context(), []source.Fault{{Agent: agent, Addr: 2 * page}}); err != nil {
			t.Fatal(err)
		}
		if q := m.Asked[len(m.Asked)-1].(*ipc.MemoryRequest); len(q.AccessHistory) == 1 {
			anew++
		}
	}
	if anew < 300-256 {
		t.Errorf("of 300 agents only %d began anew, and 256 are known at a time", anew)
	}
}

// Of a walk page by page the rule misses the first two steps, the model none. It is ahead
// by ever less of the rule's.
func TestWorstMomentOfAWalk(t *testing.T) {
	next := &advicetest.Model{Answer: func(q ipc.Request) ipc.Reply {
		p := ipc.MemoryPrediction{NextAddress: q.(*ipc.MemoryRequest).CurrentAddress + page, Confidence: 0.9}
		return advicetest.Sure(ipc.Prediction{Kind: ipc.Memory, Memory: p})
	}}
	var walk []uint64
	for i := range uint64(601) {
		walk = append(walk, i)
	}
	man := run(t, next, walk...)
	list := man.Effects()
	if e := list[len(list)-1]; math.Abs(e.Value+100*2./598) > 1e-9 { // 600 covered, 598 by the rule
		t.Errorf("%s: %v %%, want %v", e.Name, e.Value, -100*2./598)
	}
	if man.Turn(); len(man.Effects()) != len(list)+1 {
		t.Error("nothing is said of the time since the input changed")
	}
}

// TestAnAnswerIsJudgedOnce: by the fault that came next, and not again by the one after it,
// though at that nothing could be asked.
func TestAnAnswerIsJudgedOnce(t *testing.T) {
	m := names(20*page, 0.9)
	man := memory.New("memory", advice.New(advice.Config{Predictor: m, Threshold: memory.Threshold}))
	fault := []source.Fault{{Agent: 1, Addr: 10 * page}}
	if err := man.Step(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	m.Err = context.Canceled
	if err := man.Step(gone, fault); !errors.Is(err, context.Canceled) {
		t.Fatalf("a step that was broken off: %v, want the context's error", err)
	}
	m.Err = nil
	if err := man.Step(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
	if row := man.Comparisons(false)[0]; row.N != 1 {
		t.Errorf("%d answers judged, want the first", row.N)
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
	if n := len(q.AccessTimestamps); n != 20 || q.AccessTimestamps[n-1] != 25e6 || q.AccessTypes[n-1] != ipc.AccessWrite {
		t.Errorf("times %v and kinds %v, want the last 25 ms from the start, a write", q.AccessTimestamps, q.AccessTypes)
	}
	if want := float32(1) / 19; q.LocalityScore != want {
		t.Errorf("locality %v, want one near step of 19", q.LocalityScore)
	}
	if first := model.Asked[0].(*ipc.MemoryRequest); len(first.AccessHistory) != 1 {
		t.Errorf("the first question has %d faults: short histories are not padded", len(first.AccessHistory))
	}
}
