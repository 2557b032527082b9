package bridge

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// twoWays is a kind whose model is right where it is told more, and wrong, where the rule is
// right, where it is not.
type twoWays struct {
	q, more  ipc.Request
	says     ipc.Prediction
	right    ipc.Prediction // what comes of more
	wrong    ipc.Prediction // what comes of q
	unsaid   ipc.Targets    // of what comes
	decides  []string       // the targets that the answer has, less what is unsaid
	moreName string
}

func inTwoWays() []twoWays {
	agent := func() *ipc.WorkloadRequest {
		q := workload(1, 0.25) // the rule says 0.25, of a GiB too
		q.HistoricalMemory, q.CurrentMemory = []uint64{gib, gib / 4}, gib/4
		return q
	}
	known := agent()
	known.CPUPast, known.MemoryPast = []float32{1}, []float32{1}
	threat := func(score float32) ipc.Prediction {
		return ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: score}}
	}
	failure := func(p float32) ipc.Prediction {
		return ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: p}}
	}
	access := func(address uint64) ipc.Prediction {
		return ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: address}}
	}
	return []twoWays{
		{agent(), known, usage(0.75), usage(0.75), usage(0.25), 0, []string{"cpu", "memory"}, "past"},
		{
			&ipc.ThreatRequest{AgentID: 1},
			&ipc.ThreatRequest{AgentID: 1, SyscallFeatures: []float32{1}},
			threat(0.75), threat(1), threat(0), ipc.TargetThreatType,
			[]string{"score"},
			"calls",
		},
		{
			&ipc.FailureRequest{Component: "io", HealthScore: 1},
			&ipc.FailureRequest{Component: "io", HealthScore: 1, FailureRates: []float32{1}},
			failure(0.75), failure(1), failure(0), ipc.TargetFailureTime | ipc.TargetFailureType,
			[]string{"io"},
			"rates",
		},
		{
			&ipc.MemoryRequest{AgentID: 1},
			&ipc.MemoryRequest{AgentID: 1, Candidates: []uint64{1 << 20}},
			access(1 << 20), access(1 << 20), access(0), ipc.TargetAccessType,
			[]string{"page"},
			"candidates",
		},
	}
}

// tell asks in either way, and tells what came.
func (w *twoWays) tell(c *trialOf, more bool) ipc.Reply {
	q, came := w.q, &w.wrong
	if more {
		q, came = w.more, &w.right
	}
	r := c.submit(q)[0].Reply
	c.Observe([]ipc.Outcome{{PredictionID: r.PredictionID, Subject: q.Subject(), Actual: *came, Unobserved: w.unsaid}})
	return r
}

// TestWhoTellsMoreDoesNotDecideForTheOthers, nor they for him: of one model, questions that
// tell more get its answers and those that do not the rule's, however many there are of
// either. With one record for both the many decided: where they told more the model's errors
// went to the others for good, though the rule made none.
func TestWhoTellsMoreDoesNotDecideForTheOthers(t *testing.T) {
	for _, w := range inTwoWays() {
		for _, every := range []int{2, 10} { // one in so many is of the few
			for _, fewTell := range []bool{false, true} {
				c := newTrial(t, &w.says)
				for i := range 2000 {
					more := (i%every == 0) == fewTell
					r, want := w.tell(c, more), ipc.SourceModel
					if i < 1000 {
						continue
					}
					if !more {
						want = ipc.SourceRule
					}
					if r.Source != want || r.Ruled != 0 {
						t.Fatalf("%v, one in %d tells more = %v: question %d, which does = %v: %v, ruled %b; want the %v",
							w.q.Kind(), every, fewTell, i, more, r.Source, r.Ruled, want)
					}
				}
				w.check(t, c)
			}
		}
	}
}

// check looks at what is told of the model's standing.
func (w *twoWays) check(t *testing.T, c *trialOf) {
	t.Helper()
	k := w.q.Kind()
	if len(c.turns) != len(w.decides) {
		t.Errorf("turns %+v, want a demotion at each of %q", c.turns, w.decides)
	}
	s := c.Scores()[k-1]
	phrased := strings.Replace(w.moreName, "past", "a past", 1)
	var without []string
	for _, target := range w.decides {
		without = append(without, target+" of questions without "+phrased)
	}
	for i := range s.Standings {
		switch m := &s.Standings[i]; {
		case m.Judged == 0: // the first one of a kind is told of always
		case m.With == "" && (!m.Demoted || m.Tries == 0 || m.Without != w.moreName || !slices.Contains(without, m.Name())),
			m.With != "" && (m.Demoted || m.Tries > 0 || m.With != w.moreName || m.Without != "" || m.Name() != m.Target+" of questions with "+phrased):
			t.Errorf("%+v", m)
		}
	}
	if ruled, all := s.Ruled(); !slices.Equal(ruled, without) || all {
		t.Errorf("%v: ruled %q, all %v; want %q", k, ruled, all, without)
	}
	d := c.Status().Kinds[k-1]
	judged := uint64(0)
	for _, x := range d.Score.Targets {
		if x.Target == w.decides[0] {
			judged += x.Judged
		}
	}
	if d.Model.State != "partly demoted" || d.Score.Judged != judged || len(d.Score.Targets) != 2*len(w.decides) {
		t.Errorf("%v: status %+v, %d judged of %d in %+v", k, d.Model, d.Score.Judged, judged, d.Score.Targets)
	}
}

// TestEachSignalTellsOfItsOwnPast: of an agent whose cpu alone has one, memory stands with
// those that have none.
func TestEachSignalTellsOfItsOwnPast(t *testing.T) {
	w := inTwoWays()[0]
	w.more.(*ipc.WorkloadRequest).MemoryPast = nil
	c := newTrial(t, &w.says)
	for range 300 {
		w.tell(c, false)
	}
	r := w.tell(c, true)
	if r.Source != ipc.SourceModel || r.Ruled != ipc.TargetMemory || r.Workload.CPU != 0.75 || r.Workload.Memory != gib/4 {
		t.Errorf("%v, ruled %b, %+v; want the model's cpu and the rule's memory", r.Source, r.Ruled, r.Workload)
	}
}

// TestABatchOfBothWays leaves as one exchange, and each slot has what its question deserves
// once enough is known.
func TestABatchOfBothWays(t *testing.T) {
	c := newCourt(t)
	way := func(past bool) *ipc.WorkloadRequest {
		q := c.question()
		if past {
			q.CPUPast, q.MemoryPast = []float32{1}, []float32{1}
		}
		return q
	}
	answered := func(reqs ...ipc.Request) (from []ipc.Source) {
		var o []ipc.Outcome
		for _, call := range c.submit(reqs...) {
			actual := usage(0.25)
			if len(call.Request.(*ipc.WorkloadRequest).CPUPast) > 0 {
				actual = usage(0.75)
			}
			from = append(from, call.Reply.Source)
			o = append(o, ipc.Outcome{PredictionID: call.Reply.PredictionID, Subject: call.Request.Subject(), Actual: actual})
		}
		c.Observe(o)
		return from
	}
	for i := range 300 {
		before := c.conns[0].calls
		answered(way(false), way(true), way(true), way(false))
		if n := c.conns[0].calls - before; n != 1 && len(c.turns) == 0 { // later there are tries
			t.Fatalf("%d exchanges for batch %d", n, i)
		}
	}
	want := []ipc.Source{ipc.SourceRule, ipc.SourceModel, ipc.SourceModel, ipc.SourceRule}
	if got := answered(way(false), way(true), way(true), way(false)); !slices.Equal(got, want) {
		t.Errorf("answered by %v, want %v", got, want)
	}
}

// TestNothingIsKeptOfAnswersThatNobodyGets: what a try says to an agent's question must not
// serve, as a stale answer, another that tells more of the same agent. What the model says to
// that is kept.
func TestNothingIsKeptOfAnswersThatNobodyGets(t *testing.T) {
	for _, w := range inTwoWays() {
		c := newTrial(t, &w.says)
		for range 300 {
			w.tell(c, false)
		}
		c.cache = newCache(&c.cfg)
		asked := c.conns[w.q.Kind()-1].calls
		for range 2 * tryEvery {
			w.tell(c, false)
		}
		if n := c.conns[w.q.Kind()-1].calls - asked; n == 0 {
			t.Errorf("%v: not tried", w.q.Kind())
		}
		key := keyOf(w.q)
		if c.cache.get(&key).known() {
			t.Errorf("%v: a try's answer is kept", w.q.Kind())
		}
		w.tell(c, true)
		if key = keyOf(w.more); !c.cache.get(&key).known() {
			t.Errorf("%v: an answer that was given is not kept", w.q.Kind())
		}
	}
}

// TestWhoeverIsAskedAboutInTurnIsTried: components, or questions of either way, that come in
// a fixed order have tries each, whatever their number has in common with tryEvery.
func TestWhoeverIsAskedAboutInTurnIsTried(t *testing.T) {
	says := ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 0.75, Confidence: 0.75}}
	c := newTrial(t, &says)
	ask := func(component string, rates []float32, failed float32) ipc.Reply {
		q := &ipc.FailureRequest{Component: component, HealthScore: 1, FailureRates: rates}
		r := c.submit(q)[0].Reply
		o := ipc.Outcome{PredictionID: r.PredictionID, Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Failure}, Unobserved: ipc.TargetFailureTime | ipc.TargetFailureType}
		o.Actual.Failure.Probability = failed
		c.Observe([]ipc.Outcome{o})
		return r
	}
	inTurn := func(failed float32, limit, turns int) {
		t.Helper()
		for n := 0; len(c.turns) < turns; n++ {
			if n == limit {
				t.Fatalf("%d standings have changed, want %d: %+v", len(c.turns), turns, c.Scores()[2].Standings)
			}
			for _, component := range []string{"memory", "io"} {
				ask(component, nil, failed)
				ask(component, []float32{1}, failed)
			}
		}
	}
	inTurn(0, 300, 4)
	for range tryEvery {
		if r := ask("memory", nil, 0); r.Source != ipc.SourceRule {
			t.Fatalf("%v, want the rule", r.Source)
		}
	}
	inTurn(1, 2*tryEvery*windowBlocks*blockPairs, 8)
	for _, s := range c.turns[4:] {
		if s.Demoted || s.Tries < fewBlocks*blockPairs {
			t.Errorf("%+v, want it trusted again after so many tries", s)
		}
	}
}

// TestTellingMoreAllocatesNothing, neither where its answer is judged.
func TestTellingMoreAllocatesNothing(t *testing.T) {
	for _, w := range inTwoWays() {
		r := newRig(t, Config{TTL: patient})
		key := keyOf(w.more)
		r.cache.put(&key, &w.says, "fake@1", r.now())
		call := ipc.NewCall(w.more, &r.done)
		calls := []*ipc.Call{call}
		o := []ipc.Outcome{{Subject: w.more.Subject(), Actual: w.right}}
		if n := testing.AllocsPerRun(100, func() {
			call.Arrived = r.now()
			call.Deadline = call.Arrived.Add(patient)
			r.Round(calls)
			o[0].PredictionID = call.Reply.PredictionID
			r.Observe(o)
		}); n != 0 || call.Reply.Source != ipc.SourceCache {
			t.Errorf("%v: %v allocations, answered by the %v", w.q.Kind(), n, call.Reply.Source)
		}
	}
}
