package healing_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
	"github.com/mlbridge/mlbridge/kernelsim/healing"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// seer foresees a failure of io from a health below 0.9, always in two seconds; the rule
// does only below 0.5.
func seer(q ipc.Request) ipc.Reply {
	f := q.(*ipc.FailureRequest)
	p := ipc.FailurePrediction{Probability: 0.1, Confidence: 0.9, Type: ipc.FailureIO}
	if f.HealthScore < 0.9 {
		p.Probability, p.PredictedTime = 0.9, ipc.Some[uint64](2e9)
	}
	return advicetest.Sure(ipc.Prediction{Kind: ipc.Failure, Failure: p})
}

func watch(t *testing.T, m *advicetest.Model, health ...float64) *healing.Healer {
	t.Helper()
	a := advice.New(advice.Config{Predictor: m, Threshold: healing.Threshold})
	h := healing.New("healing", a)
	for i, v := range health {
		failing := v < 0.1
		r := source.Reading{
			At: time.Unix(int64(i), 0), Component: "io", Health: v, Value: 1 - v, Flag: failing, Incident: failing,
		}
		if err := h.Step(t.Context(), []source.Reading{r}); err != nil {
			t.Fatal(err)
		}
	}
	a.Flush(t.Context())
	return h
}

// Health sinks 1, 0.8, 0.6, 0.4, fails for two readings and is well again for
// fifteen. Model: alarm at reading 1, three seconds ahead. Rule: at 0.4, one second
// ahead. No false alarm on either side.
func TestEffectsOfAFailure(t *testing.T) {
	health := []float64{1, 0.8, 0.6, 0.4, 0, 0}
	for range 15 {
		health = append(health, 1)
	}
	m := &advicetest.Model{Answer: seer}
	h := watch(t, m, health...)
	if h.Failures() != 1 {
		t.Errorf("%d failures, want 1: it failed for two readings, once", h.Failures())
	}
	got, notes := map[string]float64{}, map[string]string{}
	for _, e := range h.Effects() {
		got[e.Name], notes[e.Name] = e.Value, e.Note
	}
	if got["caught early"] != 1 || got["median lead"] != 3 || notes["median lead"] != "rule alone: 1 s" {
		t.Errorf("caught %v, lead %v (%s); want 1, 3 (rule alone: 1 s)", got["caught early"], got["median lead"], notes["median lead"])
	}
	if got["false alarms"] != 0 || got["recovery procedures started"] != 1 {
		t.Errorf("%v procedures, %v false alarms; want 1 and 0", got["recovery procedures started"], got["false alarms"])
	}
	ran := 0
	for name, n := range got {
		if strings.HasPrefix(name, "ran: ") {
			ran += int(n)
		}
	}
	if ran != 1 {
		t.Errorf("effects %v: %d procedures ran, want the one that was started", got, ran)
	}

	// Settled: the four questions before the failure, with yes; of the fifteen after
	// it those that ten readings followed with no failure. The eleventh reading after
	// a question settles it, so four.
	rows := h.Comparisons(false)
	if rows[0].N != 8 || len(m.Outcome) != 8 {
		t.Fatalf("%d scored, %d reported, want 8", rows[0].N, len(m.Outcome))
	}
	// Model: 0.9² for the first question, 0.1² for the other seven. Rule: 0.1, 0.1,
	// 0.3 and 0.6 said to what came, 0.1 to what did not.
	ml := (0.81 + 7*0.01) / 8
	rule := (0.81 + 0.81 + 0.49 + 0.16 + 4*0.01) / 8
	if math.Abs(*rows[0].ML-ml) > 1e-6 || math.Abs(*rows[0].Rule-rule) > 1e-6 {
		t.Errorf("Brier scores %v and %v, want %v and %v", *rows[0].ML, *rows[0].Rule, ml, rule)
	}
	// Told when three seconds were left, two, and one. The rule says minutes.
	if row := rows[len(rows)-1]; row.N != 3 || math.Abs(*row.ML-100*(1./3+0+1)/3) > 1e-9 || *row.Rule != 100 {
		t.Errorf("%s: %d times, %v and %v", row.Metric, row.N, *row.ML, *row.Rule)
	}
	// The model gave what came a higher score than what did not in three of four; the
	// rule in two. Both had an alarm, and it was right.
	for i, want := range map[int][2]float64{1: {3.5 / 4, 3. / 4}, 2: {100, 100}, 3: {0, 0}} {
		if row := rows[i]; math.Abs(*row.ML-want[0]) > 1e-9 || math.Abs(*row.Rule-want[1]) > 1e-9 {
			t.Errorf("%s: %v against %v, want %v", row.Metric, *row.ML, *row.Rule, want)
		}
	}
	if rows[2].N != 1 || rows[3].N != 2 {
		t.Errorf("%d failures and %d alarms, want 1 and 2", rows[2].N, rows[3].N)
	}
	for i, o := range m.Outcome {
		if o.Subject.Component != "io" || o.PredictionID != 7 {
			t.Errorf("outcome %+v is not about io's prediction 7", o)
		}
		want := ipc.FailurePrediction{Type: ipc.FailureIO}
		if i < 4 { // before the failure: it came, and so much later
			want.Probability, want.PredictedTime = 1, ipc.Some(uint64(4-i)*1e9)
		}
		if o.Actual.Failure != want {
			t.Errorf("outcome %d says %+v, want %+v", i, o.Actual.Failure, want)
		}
	}
}

// An alarm that no failure followed was false, and a failure that no alarm went before was
// not caught; the rule gave none at that health.
func TestEffectsOfAFalseAlarm(t *testing.T) {
	health := []float64{0.8}
	for range 12 {
		health = append(health, 1)
	}
	h := watch(t, &advicetest.Model{Answer: seer}, append(health, 0)...)
	rows := h.Comparisons(false)
	if *rows[2].ML != 0 || *rows[2].Rule != 0 || rows[2].N != 1 {
		t.Errorf("%s: %v against %v of %d, want none of 1", rows[2].Metric, *rows[2].ML, *rows[2].Rule, rows[2].N)
	}
	if *rows[3].ML != 100 || rows[3].Rule != nil || rows[3].N != 1 {
		t.Errorf("%s: %v against %v of %d, want the model's one, and none of the rule's", rows[3].Metric, *rows[3].ML, rows[3].Rule, rows[3].N)
	}
	for _, e := range h.Effects() {
		if e.Name == "false alarms" && (e.Value != 1 || e.Note != report.RuleAlone(0, "")) || e.Name == "caught early" && e.Value != 0 {
			t.Errorf("%s: %v (%s)", e.Name, e.Value, e.Note)
		}
	}
}

// TestOnlyTheSureModelIsActedOn: below the threshold the rule's procedures run; the model is
// compared all the same, but not by a time that the bridge's rule gave in its place.
func TestOnlyTheSureModelIsActedOn(t *testing.T) {
	for _, c := range []struct {
		name       string
		confidence float32
		ruled      ipc.Targets
		started    float64
		times      uint64
	}{
		{"just sure", 0.5, 0, 1, 2},
		{"just unsure", 0.49, 0, 0, 2},
		{"the time is the rule's", 0.9, ipc.TargetFailureTime, 1, 0},
	} {
		h := watch(t, &advicetest.Model{Answer: func(q ipc.Request) ipc.Reply {
			r := seer(q)
			r.Failure.Confidence, r.Ruled = c.confidence, c.ruled
			return r
		}}, 0.8, 0.8, 0)
		for _, e := range h.Effects() {
			if e.Name == "recovery procedures started" && e.Value != c.started {
				t.Errorf("%s: %v procedures started, want %v", c.name, e.Value, c.started)
			}
		}
		rows := h.Comparisons(false)
		if caught := rows[2]; *caught.ML != 100*c.started || *caught.Rule != 0 {
			t.Errorf("%s: %v %% caught and %v by the rule, want %v and none", c.name, *caught.ML, *caught.Rule, 100*c.started)
		}
		if brier, times := rows[0], rows[len(rows)-1]; brier.N != 2 || times.N != c.times {
			t.Errorf("%s: %d probabilities and %d times compared, want 2 and %d", c.name, brier.N, times.N, c.times)
		}
	}
}

// TestHorizonsEndByComponent: with the reading after the last one that a question looks to,
// it is known that no failure came; another component's changes nothing.
func TestHorizonsEndByComponent(t *testing.T) {
	m := &advicetest.Model{Answer: seer}
	a := advice.New(advice.Config{Predictor: m, Threshold: healing.Threshold})
	h := healing.New("healing", a)
	types := map[string]uint8{"cpu": ipc.FailureCPU, "memory": ipc.FailureMemory, "io": ipc.FailureIO}
	first := map[string]int{} // reading that settled a component's first question
	for i := range 23 {
		var all []source.Reading
		for _, name := range []string{"cpu", "memory", "io"} {
			failing := name == "io" && i == 3
			all = append(all, source.Reading{At: time.Unix(int64(i), 0), Component: name, Health: 1, Incident: failing})
		}
		if err := h.Step(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		for _, o := range m.Outcome {
			if _, known := first[o.Subject.Component]; !known {
				first[o.Subject.Component] = i
				if came := o.Actual.Failure.Probability == 1; came != (o.Subject.Component == "io") {
					t.Errorf("%s failed: %v", o.Subject.Component, came)
				}
				// Of its own type, though the model always speaks of io.
				if want := types[o.Subject.Component]; o.Actual.Failure.Type != want {
					t.Errorf("%s: of type %d, want %d", o.Subject.Component, o.Actual.Failure.Type, want)
				}
			}
		}
	}
	if first["cpu"] != 11 || first["memory"] != 21 || first["io"] != 3 {
		t.Errorf("first questions were settled at readings %v, want cpu 11, memory 21, io 3", first)
	}
}

// TestTotalsAreOfAllComponents: io's alarm comes three seconds ahead, the network's one.
func TestTotalsAreOfAllComponents(t *testing.T) {
	h := healing.New("healing", advice.New(advice.Config{Predictor: &advicetest.Model{Answer: seer}, Threshold: healing.Threshold}))
	for i, health := range [][2]float64{{0.8, 1}, {0.8, 1}, {0.8, 0.8}, {0, 0}} {
		var all []source.Reading
		for c, name := range []string{"io", "network"} {
			all = append(all, source.Reading{At: time.Unix(int64(i), 0), Component: name, Health: health[c], Incident: health[c] == 0})
		}
		if err := h.Step(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range h.Effects() {
		if want, told := map[string]float64{"failures that began": 2, "caught early": 2, "median lead": 3}[e.Name]; told && e.Value != want {
			t.Errorf("%s: %v, want %v", e.Name, e.Value, want)
		}
	}
}

// TestFailuresAreEvents: eight of them are enough for an interval, and each has its own
// alarms; what only the rule ran is told, too.
func TestFailuresAreEvents(t *testing.T) {
	var health []float64
	for range 8 {
		health = append(health, 0.8, 0)
		for range 20 {
			health = append(health, 1)
		}
	}
	rows := watch(t, &advicetest.Model{Answer: seer}, health...).Comparisons(true)
	if d := rows[2].Difference; d == nil || d.Low != 100 || d.High != 100 {
		t.Errorf("%s: difference %+v, want all of eight against none", rows[2].Metric, d)
	}
	calm := &advicetest.Model{Answer: func(ipc.Request) ipc.Reply {
		return advicetest.Sure(ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: 0.1, Confidence: 0.9}})
	}}
	ran := 0
	for _, e := range watch(t, calm, 0.4, 0).Effects() {
		if e.Name == "median lead" && (!math.IsNaN(e.Value) || e.Note != "rule alone: 1 s") {
			t.Errorf("the model caught nothing, and its lead is %v s (%s)", e.Value, e.Note)
		}
		if strings.HasPrefix(e.Name, "ran: ") && e.Value == 0 && e.Note == report.RuleAlone(1, "") {
			ran++
		}
	}
	if ran != 1 {
		t.Errorf("%d procedures run by the rule alone are told of, want 1", ran)
	}
}

// TestComponentsAreBounded: further ones are not watched, and harm none that are.
func TestComponentsAreBounded(t *testing.T) {
	m := &advicetest.Model{Answer: seer}
	h := healing.New("healing", advice.New(advice.Config{Predictor: m, Threshold: healing.Threshold}))
	var all []source.Reading
	for i := range 70 {
		all = append(all, source.Reading{Component: "disk" + strconv.Itoa(i), Health: 1})
	}
	for range 2 {
		if err := h.Step(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.Asked) != 2*64 || m.Asked[127].Subject().Component != "disk63" {
		t.Errorf("%d questions, want two about each of the first 64", len(m.Asked))
	}
}

// TestAFlagIsNoFailure: what is told of the past is the flags, as the models learnt it.
func TestAFlagIsNoFailure(t *testing.T) {
	m := &advicetest.Model{Answer: seer}
	h := healing.New("healing", advice.New(advice.Config{Predictor: m}))
	r := source.Reading{Component: "io", Health: 0.9, Flag: true}
	if err := h.Step(t.Context(), []source.Reading{r}); err != nil {
		t.Fatal(err)
	}
	if q := m.Asked[0].(*ipc.FailureRequest); len(q.FailureHistory) != 1 || q.FailureHistory[0] != 1 || q.TimeSinceLastFailure != ipc.Never || h.Failures() != 0 {
		t.Errorf("%+v after a flag, %d failures; want it in the history and no failure", q, h.Failures())
	}
}

func TestNothingIsAskedWhileItFails(t *testing.T) {
	m := &advicetest.Model{Answer: seer}
	watch(t, m, 1, 0, 0, 0, 1)
	if len(m.Asked) != 2 {
		t.Fatalf("%d questions, want 2", len(m.Asked))
	}
	q := m.Asked[1].(*ipc.FailureRequest)
	if q.TimeSinceLastFailure != 3000 || len(q.HistoricalHealth) != 5 || q.FailureHistory[1] != 1 {
		t.Errorf("question after a failure %+v, want 3000 ms since, and the whole history", q)
	}
	if first := m.Asked[0].(*ipc.FailureRequest); first.TimeSinceLastFailure != ipc.Never || first.Trend != ipc.TrendStable {
		t.Errorf("first question %+v, want no failure ever and no trend", first)
	}
}

func TestTrendAndBaseline(t *testing.T) {
	for _, c := range []struct {
		health []float64
		want   int8
	}{
		{[]float64{0.9, 0.9, 0.9}, ipc.TrendStable},
		{[]float64{0.9, 0.9, 0.85}, ipc.TrendDegrading},
		{[]float64{0.9, 0.9, 0.6}, ipc.TrendCritical},
		{[]float64{0.5, 0.9}, ipc.TrendImproving},
		{[]float64{0.5, 0.9, 0.9, 0.9, 0.9, 0.9}, ipc.TrendStable}, // the first is too long ago
		{[]float64{0.5, 0.9, 0.9, 0.9, 0.9}, ipc.TrendImproving},
	} {
		m := &advicetest.Model{Answer: seer}
		watch(t, m, c.health...)
		q := m.Asked[len(m.Asked)-1].(*ipc.FailureRequest)
		if q.Trend != c.want {
			t.Errorf("trend after %v = %d, want %d", c.health, q.Trend, c.want)
		}
		var sum float64
		for _, v := range c.health {
			sum += 1 - v
		}
		if mean := sum / float64(len(c.health)); math.Abs(float64(q.Baseline)-mean) > 1e-6 {
			t.Errorf("baseline of %v = %v, want the readings' mean %v", c.health, q.Baseline, mean)
		}
	}
}

func TestWithoutFailuresNothingIsClaimed(t *testing.T) {
	h := watch(t, &advicetest.Model{Answer: advicetest.None}, 1, 1, 1)
	rows := h.Comparisons(true)
	if len(rows) != 1 || rows[0].ML != nil {
		t.Errorf("%+v: only an empty Brier score, want no claim about failures that were not", rows)
	}
}
