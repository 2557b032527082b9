package security_test

import (
	"math"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/security"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// calls makes n calls of a task, a millisecond apart from start on.
func calls(agent uint64, truth uint8, n, start int) []source.Call {
	var out []source.Call
	for i := range n {
		out = append(out, source.Call{
			At: time.Duration(start+i) * time.Millisecond, Agent: agent, Stream: int(agent), Truth: truth, Nr: uint16(i % 4), Bytes: 10,
		})
	}
	return out
}

func follow(t *testing.T, m *advicetest.Model, batches ...[]source.Call) *security.Security {
	t.Helper()
	a := advice.New(advice.Config{Predictor: m, Threshold: security.Threshold})
	s := security.New("security", a)
	for _, b := range batches {
		if err := s.Step(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// judge answers by the agent: 1 is a threat to be terminated, surely or not.
func judge(confidence float32) func(ipc.Request) ipc.Reply {
	return func(q ipc.Request) ipc.Reply {
		p := ipc.ThreatPrediction{Score: 0.1, Confidence: confidence}
		if q.Subject().Agent == 1 {
			p = ipc.ThreatPrediction{Score: 0.9, Type: 5, Confidence: confidence, Action: ipc.ActionTerminate}
		}
		return advicetest.Sure(ipc.Prediction{Kind: ipc.Threat, Threat: p})
	}
}

func TestQuestionsComeEveryFiftyCallsAndAtTheEnd(t *testing.T) {
	m := &advicetest.Model{Answer: judge(0.9)}
	follow(t, m, calls(1, 5, 110, 0), calls(2, 0, 9, 0))
	// 50 and 100, then ten more at the end; nine calls are too few to say anything.
	if len(m.Asked) != 3 {
		t.Fatalf("%d questions, want 3", len(m.Asked))
	}
	for i, want := range []uint64{50, 50, 10} {
		q := m.Asked[i].(*ipc.ThreatRequest)
		if q.Metrics.SyscallCount != want || len(q.HistoricalThreats) != i || len(q.SyscallFeatures) == 0 {
			t.Errorf("question %d: %d calls, %d earlier scores, %d features; want %d calls, %d scores and features",
				i, q.Metrics.SyscallCount, len(q.HistoricalThreats), len(q.SyscallFeatures), want, i)
		}
		if err := q.Validate(); err != nil {
			t.Error(err)
		}
	}
	first, second := m.Asked[0].(*ipc.ThreatRequest), m.Asked[1].(*ipc.ThreatRequest)
	if first.TimeSinceLastThreat != ipc.Never || second.TimeSinceLastThreat != 50 {
		t.Errorf("time since the last threat %d and %d, want never and 50 ms", first.TimeSinceLastThreat, second.TimeSinceLastThreat)
	}
}

// TestQuestionsHoldTheModelsOwnHistory: the rule flags such calls, the model does not, and
// what it is told of earlier reports is what was acted on.
func TestQuestionsHoldTheModelsOwnHistory(t *testing.T) {
	m := &advicetest.Model{Answer: judge(0.9)}
	follow(t, m, calls(2, 0, 100, 0))
	q := m.Asked[1].(*ipc.ThreatRequest)
	if len(q.HistoricalThreats) != 1 || q.HistoricalThreats[0] != 0.1 || q.TimeSinceLastThreat != ipc.Never {
		t.Errorf("earlier scores %v, the last threat %d ms ago; want 0.1, and none", q.HistoricalThreats, q.TimeSinceLastThreat)
	}
}

func TestActionsOnHostileAndHarmlessTasks(t *testing.T) {
	m := &advicetest.Model{Answer: judge(0.9)}
	s := follow(t, m, calls(1, 5, 100, 0), calls(2, 0, 100, 0), calls(3, 5, 50, 0))
	got := map[string][]float64{}
	for _, e := range s.Effects() {
		got[e.Name] = append(got[e.Name], e.Value)
	}
	if v := got["of these isolated or terminated"]; v[0] != 1 || v[1] != 0 {
		t.Errorf("stopped %v, want one of two hostile tasks and no harmless one", v)
	}
	if got["tasks of hostile programs"][0] != 2 || got["tasks of harmless programs"][0] != 1 {
		t.Errorf("tasks %v", got)
	}
	if v := got["of these at least throttled"]; v[0] != 1 || v[1] != 0 {
		t.Errorf("throttled or more %v, want one hostile task and no harmless one", v)
	}
	rows := s.Comparisons(false)
	// Of three hostile reports two were found; none of two harmless ones flagged; the
	// type was right both times. Hostile and harmless reports: one pair of three
	// hostile scores (0.9, 0.9, 0.1) ties with the harmless 0.1s.
	// Errors are 0.1 four times, and 0.9 where the third was missed. The rule takes every
	// report for a threat of some other type: such calls in a circle are novel to it.
	for i, c := range []struct {
		ml, rule float64 // rule below 0: whatever it says
		n        uint64
	}{
		{(2 + 0.5) / 3, -1, 5}, {(4*0.01 + 0.81) / 5, -1, 5}, {200. / 3, 100, 3}, {0, 100, 2}, {100, 0, 2 + 3},
	} {
		r := rows[i]
		if math.Abs(*r.ML-c.ml) > 1e-6 || r.N != c.n || c.rule >= 0 && *r.Rule != c.rule {
			t.Errorf("%s: %v against %v of %d, want %v against %v of %d", r.Metric, *r.ML, *r.Rule, r.N, c.ml, c.rule, c.n)
		}
	}
	if o := m.Outcome[2]; o.Subject.Agent != 2 || o.Actual.Threat.Score != 0 || o.Actual.Threat.Type != ipc.ThreatNone {
		t.Errorf("outcome %+v, want that task 2 was harmless", o)
	}
	if len(m.Outcome) != 5 || m.Outcome[0].Actual.Threat.Score != 1 || m.Outcome[0].Actual.Threat.Type != 5 || m.Outcome[0].Subject.Agent != 1 {
		t.Errorf("outcomes %+v, want five, the first about a web shell", m.Outcome)
	}
}

// TestOnlyTheSureModelIsActedOn: below the threshold the rule's verdict is taken, which flags
// such calls; what the model said is compared all the same. A verdict is a score of 0.5.
func TestOnlyTheSureModelIsActedOn(t *testing.T) {
	for _, c := range []struct {
		name              string
		score, confidence float32
		action            uint8
		flagged           float64 // in %, of the hostile reports and of the harmless
		throttled         float64
	}{
		{"just sure", 0.1, 0.6, ipc.ActionMonitor, 0, 0},
		{"just unsure", 0.1, 0.59, ipc.ActionMonitor, 100, 1},
		{"just a threat", 0.5, 0.9, ipc.ActionThrottle, 100, 1},
		{"just none, to be throttled all the same", 0.49, 0.9, ipc.ActionThrottle, 0, 1},
	} {
		s := follow(t, &advicetest.Model{Answer: func(ipc.Request) ipc.Reply {
			return advicetest.Sure(ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: c.score, Type: 5, Confidence: c.confidence, Action: c.action}})
		}}, calls(1, 0, 50, 0), calls(2, 4, 50, 0))
		rows := s.Comparisons(false)
		if *rows[2].ML != c.flagged || *rows[3].ML != c.flagged {
			t.Errorf("%s: flagged %v %% of the hostile reports and %v %% of the harmless, want %v", c.name, *rows[2].ML, *rows[3].ML, c.flagged)
		}
		if types := rows[4]; (types.ML != nil) != (c.flagged > 0) || types.ML != nil && *types.ML != 0 {
			t.Errorf("%s: %+v, want that the type was never right", c.name, types)
		}
		if rows[0].N != 2 || rows[1].N != 2 {
			t.Errorf("%s: %d and %d scores compared, want 2", c.name, rows[0].N, rows[1].N)
		}
		for _, e := range s.Effects() {
			if e.Name == "of these at least throttled" && e.Value != c.throttled || e.Name == "of these isolated or terminated" && e.Value != 0 {
				t.Errorf("%s: %s: %v", c.name, e.Name, e.Value)
			}
		}
	}
}

// TestTasksAreBounded: calls of tasks beyond those that are followed are let go.
func TestTasksAreBounded(t *testing.T) {
	var all []source.Call
	for id := range uint64(8192) { // as many as are followed
		all = append(all, source.Call{Agent: id})
	}
	all = append(all, calls(8192, 5, 50, 0)...) // one too many
	all = append(all, calls(8191, 5, 50, 0)...)
	m := &advicetest.Model{Answer: judge(0.9)}
	if follow(t, m, all); len(m.Asked) != 1 || m.Asked[0].Subject().Agent != 8191 {
		t.Errorf("%d questions, want one, about the last task that is followed", len(m.Asked))
	}
}

func TestTheRuleKeepsItsOwnHistory(t *testing.T) {
	// A model that cries wolf all the time must not make the rule see a history of
	// threats: then its shadow would measure the model.
	calm := func(ipc.Request) ipc.Reply {
		return advicetest.Sure(ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: 0.1, Confidence: 0.9}})
	}
	beside := func(answer func(ipc.Request) ipc.Reply) map[string]report.Comparison {
		rows := map[string]report.Comparison{}
		for _, c := range follow(t, &advicetest.Model{Answer: answer}, calls(1, 0, 500, 0)).Comparisons(false) {
			rows[c.Metric] = c
		}
		return rows
	}
	wolf, quiet, alone := beside(judge(0.9)), beside(calm), beside(advicetest.None)
	const flagged = "harmless reports flagged"
	if *wolf[flagged].ML != 100 || *quiet[flagged].ML != 0 {
		t.Errorf("the models flagged %v and %v %%, want all and none", *wolf[flagged].ML, *quiet[flagged].ML)
	}
	if *wolf[flagged].Rule != *alone[flagged].Rule {
		t.Errorf("the rule flagged %v %% beside a model and %v %% alone", *wolf[flagged].Rule, *alone[flagged].Rule)
	}
	const brier = "Brier score"
	if *wolf[brier].Rule != *quiet[brier].Rule {
		t.Errorf("the rule's error is %v beside a model that cries and %v beside one that does not", *wolf[brier].Rule, *quiet[brier].Rule)
	}
}
