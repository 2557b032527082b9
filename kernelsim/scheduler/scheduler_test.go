package scheduler_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scheduler"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

const gib = 1 << 30

// Sunday, 23:30 UTC, in a zone where it is Monday already.
var sunday = time.Date(2024, 1, 8, 0, 30, 0, 0, time.FixedZone("east", 3600))

func step(t *testing.T, s *scheduler.Scheduler, samples ...source.Usage) {
	t.Helper()
	if err := s.Step(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
}

func use(agent uint64, cpu float64, memory uint64) source.Usage {
	return source.Usage{At: sunday, Over: 2 * time.Second, Agent: agent, CPU: cpu, Memory: memory}
}

func effect(t *testing.T, list []report.Effect, name string) (value float64, note string) {
	t.Helper()
	for _, e := range list {
		if e.Name == name {
			return e.Value, e.Note
		}
	}
	t.Fatalf("no effect %q", name)
	return 0, ""
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

// The model says 0.50 of a core and 2 GiB, the rule repeats 0.25 and 1 GiB; 0.40 and
// 1 GiB are used, over two seconds. With 0.05 and a tenth of headroom the model is
// 0.15 and 1.2 GiB over; the rule is 0.10 short and 0.1 GiB over.
func TestAllocationEffects(t *testing.T) {
	m := &advicetest.Model{Answer: func(ipc.Request) ipc.Reply {
		return advicetest.Sure(ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.5, Memory: 2 * gib, Confidence: 0.9}})
	}}
	s := scheduler.New("scheduler", advice.New(advice.Config{Predictor: m, Threshold: scheduler.Threshold}))
	step(t, s, use(1, 0.25, gib))
	step(t, s, use(1, 0.40, gib))
	for name, want := range map[string]struct {
		value float64
		note  string
	}{
		"intervals allocated":    {1, ""},
		"cpu over-allocated":     {0.30, "rule alone: 0 share-s"},
		"cpu under-allocated":    {0, "rule alone: 0.2 share-s"},
		"memory over-allocated":  {2.4, "rule alone: 0.2 GiB-s"},
		"memory under-allocated": {0, "rule alone: 0 GiB-s"},
	} {
		if value, note := effect(t, s.Effects(), name); !near(value, want.value) || note != want.note {
			t.Errorf("%s: %v (%s), want %v (%s)", name, value, note, want.value, want.note)
		}
	}
	rows := s.Comparisons(false)
	if !near(*rows[0].ML, 10) || !near(*rows[0].Rule, 15) || rows[0].Better != report.BetterML {
		t.Errorf("cpu error %v against %v points, want 10 against 15", *rows[0].ML, *rows[0].Rule)
	}
	if !near(*rows[2].ML, 1024) || *rows[2].Rule != 0 {
		t.Errorf("memory error %v against %v MiB, want 1024 against 0", *rows[2].ML, *rows[2].Rule)
	}
	// Seen just now, though the readings are dated as those of a recording are.
	if len(m.Outcome) != 1 || m.Outcome[0].Actual.Workload.CPU != 0.4 || m.Outcome[0].Actual.Workload.Memory != gib || m.Outcome[0].Ago != 0 || m.Outcome[0].Subject.Agent != 1 {
		t.Errorf("outcomes %+v, want what agent 1 used, seen just now", m.Outcome)
	}
}

// says is a model that always predicts the same.
func says(cpu float32, memory uint64, confidence float32, ruled ipc.Targets) *advicetest.Model {
	return &advicetest.Model{Answer: func(ipc.Request) ipc.Reply {
		r := advicetest.Sure(ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: cpu, Memory: memory, Confidence: confidence}})
		r.Ruled = ruled
		return r
	}}
}

func with(m *advicetest.Model) *scheduler.Scheduler {
	return scheduler.New("scheduler", advice.New(advice.Config{Predictor: m, Threshold: scheduler.Threshold}))
}

// TestMisallocationEitherWay: the same effects where the model gives too much and the rule
// too little, and the other way round; of many agents, for the worst moment counts only
// from 500 outcomes on.
func TestMisallocationEitherWay(t *testing.T) {
	const agents = 600
	type effects struct{ over, under, memOver, memUnder float64 } // per agent
	for _, c := range []struct {
		name          string
		model, before float64 // of a core; the rule repeats what was used before
		memModel, mem uint64  // in GiB, likewise
		used          float64 // of a core, and 2 GiB of memory
		want, rule    effects
		worst, memory float64 // at worst, of cpu and of memory, in %
	}{
		{"the model gives much", 0.5, 0.25, 4, 1, 0.4, effects{0.3, 0, 4.8, 0}, effects{0, 0.2, 0, 1.8}, 50, 500. / 3},
		{"the model gives little", 0.125, 0.5, 1, 4, 0.4, effects{0, 0.45, 0, 1.8}, effects{0.3, 0, 4.8, 0}, 50, -62.5},
		{"no more than there is", 1, 0.5, 2, 2, 1, effects{0, 0, 0.4, 0}, effects{0, 0.9, 0.4, 0}, -100, 0},
	} {
		s := with(says(float32(c.model), c.memModel*gib, 0.9, 0))
		for _, now := range []source.Usage{use(0, c.before, c.mem*gib), use(0, c.used, 2*gib)} {
			var all []source.Usage
			for id := range uint64(agents) {
				now.Agent = id
				all = append(all, now)
			}
			step(t, s, all...)
		}
		for _, e := range []struct {
			name, unit string
			ml, rule   float64
		}{
			{"cpu over-allocated", "share-s", c.want.over, c.rule.over},
			{"cpu under-allocated", "share-s", c.want.under, c.rule.under},
			{"memory over-allocated", "GiB-s", c.want.memOver, c.rule.memOver},
			{"memory under-allocated", "GiB-s", c.want.memUnder, c.rule.memUnder},
		} {
			if got, note := effect(t, s.Effects(), e.name); math.Abs(got-agents*e.ml) > 1e-3 || note != report.RuleAlone(agents*e.rule, e.unit) {
				t.Errorf("%s: %s: %v (%s), want %v (rule alone: %v)", c.name, e.name, got, note, agents*e.ml, agents*e.rule)
			}
		}
		for what, want := range map[string]float64{"cpu": c.worst, "memory": c.memory} {
			if got, _ := effect(t, s.Effects(), what+" misallocated: worst moment, worse than the rule alone by"); math.Abs(got-want) > 1e-3 {
				t.Errorf("%s: %s at worst %v %%, want %v", c.name, what, got, want)
			}
		}
		rows := s.Comparisons(false)
		for i, want := range map[int][2]float64{
			2: {1024 * math.Abs(float64(c.memModel)-2), 1024 * math.Abs(float64(c.mem)-2)},
			3: {1000 * c.want.over, 1000 * c.rule.over},
			4: {1000 * c.want.under, 1000 * c.rule.under},
		} {
			if r := rows[i]; math.Abs(*r.ML-want[0]) > 1e-3 || math.Abs(*r.Rule-want[1]) > 1e-3 || r.N != agents {
				t.Errorf("%s: %s: %v against %v of %d, want %v of %d", c.name, r.Metric, *r.ML, *r.Rule, r.N, want, agents)
			}
		}
		before := len(s.Effects())
		if s.Turn(); len(s.Effects()) != before+2 {
			t.Errorf("%s: nothing is said of the time since the input changed", c.name)
		}
	}
}

// TestWhoIsComparedAndActedOn: a model that is unsure is compared and not acted on; what
// the bridge's rule gave in a model's place is no value of the model's to compare.
func TestWhoIsComparedAndActedOn(t *testing.T) {
	for _, c := range []struct {
		name        string
		confidence  float32
		ruled       ipc.Targets
		over        float64 // by the model, or 0 by the rule
		cpu, memory uint64  // compared
	}{
		{"just sure", 0.3, 0, 0.3, 1, 1},
		{"just unsure", 0.29, 0, 0, 1, 1},
		{"the cpu is the rule's", 0.9, ipc.TargetCPU, 0.3, 0, 1},
		{"the memory is the rule's", 0.9, ipc.TargetMemory, 0.3, 1, 0},
	} {
		s := with(says(0.5, gib, c.confidence, c.ruled))
		step(t, s, use(1, 0.25, gib))
		step(t, s, use(1, 0.40, gib))
		if over, _ := effect(t, s.Effects(), "cpu over-allocated"); !near(over, c.over) {
			t.Errorf("%s: %v share-s over, want %v", c.name, over, c.over)
		}
		if rows := s.Comparisons(false); rows[0].N != c.cpu || rows[1].N != c.cpu || rows[2].N != c.memory {
			t.Errorf("%s: %d and %d cpu errors compared and %d of memory, want %d, %[5]d and %d", c.name, rows[0].N, rows[1].N, rows[2].N, c.cpu, c.memory)
		}
	}
}

// An error of 0.05 of a core is what a sure prediction may have; 0.20 is not.
func TestNearIsUpToTheTolerance(t *testing.T) {
	s := with(says(0, gib, 0.9, 0))
	step(t, s, use(1, 0.25, gib))
	step(t, s, use(1, 0.05, gib))
	if row := s.Comparisons(false)[1]; *row.ML != 100 || *row.Rule != 0 || row.Better != report.BetterML {
		t.Errorf("%s: %v against %v, %v better; want 100 against 0 and the model", row.Metric, *row.ML, *row.Rule, row.Better)
	}
}

// TestAnAnswerIsJudgedOnce: what was decided for one interval is not held against the next,
// though of that nothing could be asked.
func TestAnAnswerIsJudgedOnce(t *testing.T) {
	m := says(0.5, gib, 0.9, 0)
	s := with(m)
	step(t, s, use(1, 0.25, gib))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	m.Err = context.Canceled
	if err := s.Step(gone, []source.Usage{use(1, 0.25, gib)}); !errors.Is(err, context.Canceled) {
		t.Fatalf("a step that was broken off: %v, want the context's error", err)
	}
	m.Err = nil
	step(t, s, use(1, 0.25, gib))
	if n, _ := effect(t, s.Effects(), "intervals allocated"); n != 1 || len(m.Outcome) != 1 {
		t.Errorf("%v intervals, %d outcomes; want one of each, of the first answer", n, len(m.Outcome))
	}
}

func TestQuestionsAreNotPaddedAndInUTC(t *testing.T) {
	m := &advicetest.Model{Answer: advicetest.None}
	s := scheduler.New("scheduler", advice.New(advice.Config{Predictor: m}))
	for i := range 12 {
		step(t, s, use(1, float64(i)/100, uint64(i)))
	}
	first, last := m.Asked[0].(*ipc.WorkloadRequest), m.Asked[11].(*ipc.WorkloadRequest)
	if len(first.HistoricalCPU) != 1 || len(first.HistoricalMemory) != 1 || first.HistoricalGPU != nil || first.CurrentGPU.Valid {
		t.Errorf("first question %+v, want one value and no gpu", first)
	}
	if len(last.HistoricalCPU) != 10 || last.HistoricalCPU[0] != 0.02 || last.CurrentCPU != 0.11 || last.CurrentMemory != 11 {
		t.Errorf("last question %+v, want the last ten, ending with 0.11", last)
	}
	if last.TimeOfDay != 23 || last.DayOfWeek != 0 {
		t.Errorf("hour %d of weekday %d, want 23 on Sunday (0)", last.TimeOfDay, last.DayOfWeek)
	}
	if rows := s.Comparisons(true); rows[0].ML != nil {
		t.Errorf("cpu error %v of a model that never answered", *rows[0].ML)
	}
}

// TestQuestionsTellOfThePast: an agent that does the same again is known to, longer than a
// question shows, and every question is about its own moment though storage is used again.
func TestQuestionsTellOfThePast(t *testing.T) {
	m := &advicetest.Model{Answer: advicetest.None}
	s := scheduler.New("scheduler", advice.New(advice.Config{Predictor: m}))
	load := func(i int) float64 { return float64(i%15) / 16 }
	for i := range 40 {
		step(t, s, use(1, load(i), uint64(i%15)<<20), use(2, 0.5, gib)) // the second stands still
	}
	if q := m.Asked[2*10-2].(*ipc.WorkloadRequest); len(q.CPUPast)+len(q.MemoryPast) != 0 {
		t.Errorf("after ten readings: %+v, want no past", q)
	}
	for i := 20; i < 40; i++ {
		q := m.Asked[2*i].(*ipc.WorkloadRequest)
		if other := m.Asked[2*i+1].(*ipc.WorkloadRequest); other.AgentID != 2 || len(other.CPUPast)+len(other.MemoryPast) != 0 {
			t.Errorf("interval %d: %+v of an agent that stands still, want no past", i, other)
		}
		if len(q.CPUPast) != loads.Width || len(q.MemoryPast) != loads.Width || len(q.GPUPast) != 0 {
			t.Fatalf("interval %d: pasts of %d, %d and %d numbers, want %d, %[5]d and none", i, len(q.CPUPast), len(q.MemoryPast), len(q.GPUPast), loads.Width)
		}
		// Number 6 is what followed the moment most like this one.
		if got, want := float64(q.CurrentCPU+q.CPUPast[6]), load(i+1); !near(got, want) {
			t.Errorf("interval %d: foretold %v, want %v", i, got, want)
		}
		if got, want := float64(q.CurrentMemory)+float64(q.MemoryPast[6]), float64(uint64((i+1)%15)<<20); got != want {
			t.Errorf("interval %d: foretold %v bytes, want %v", i, got, want)
		}
	}
}

// TestAGapBeginsTheWindowAnew: what an agent did before it was away is no history of what it
// does now, and what was foretold of the interval after the last one seen is not judged by
// a later one.
func TestAGapBeginsTheWindowAnew(t *testing.T) {
	const over = 2 * time.Second
	for _, c := range []struct {
		name  string
		after time.Duration // of the sample, after the last one
		over  time.Duration
		gap   bool
	}{
		{"on time", over, over, false},
		{"late", over * 14 / 10, over, false},
		{"one missed", 2 * over, over, true},
		{"away for an hour", time.Hour, over, true},
		{"a long interval, all of it seen", 5 * over, 5 * over, false},
		{"after it a short one", over / 2, over / 2, false},
		{"the clock was set back", -time.Hour, over, false},
	} {
		m := &advicetest.Model{Answer: func(ipc.Request) ipc.Reply {
			return advicetest.Sure(ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 0.5, Confidence: 0.9}})
		}}
		s := scheduler.New("scheduler", advice.New(advice.Config{Predictor: m, Threshold: scheduler.Threshold}))
		at := sunday
		sample := func(after, over time.Duration) {
			at = at.Add(after)
			u := use(1, float64(len(m.Asked)%2)/4, gib)
			u.At, u.Over = at, over
			step(t, s, u)
		}
		for range 12 {
			sample(over, over)
		}
		sample(c.after, c.over)
		q := m.Asked[12].(*ipc.WorkloadRequest)
		history, past, judged := 10, loads.Width, 12
		if c.gap {
			history, past, judged = 1, 0, 11
		}
		if len(q.HistoricalCPU) != history || len(q.HistoricalMemory) != history || len(q.CPUPast) != past || len(m.Outcome) != judged {
			t.Errorf("%s: history of %d and %d, past of %d, %d outcomes; want %d, %[6]d, %d, %d",
				c.name, len(q.HistoricalCPU), len(q.HistoricalMemory), len(q.CPUPast), len(m.Outcome), history, past, judged)
		}
		for range 9 {
			sample(over, over)
		}
		if q := m.Asked[21].(*ipc.WorkloadRequest); len(q.HistoricalCPU) != 10 || len(q.CPUPast) != loads.Width {
			t.Errorf("%s, nine later: history of %d, past of %d; want 10 and %d", c.name, len(q.HistoricalCPU), len(q.CPUPast), loads.Width)
		}
	}
}

func TestAgentsAreBounded(t *testing.T) {
	s := scheduler.New("scheduler", advice.New(advice.Config{}))
	for i := range uint64(1025) { // one more than are known at a time
		u := use(i, 0.1, 1)
		u.At = sunday.Add(time.Duration(i) * time.Second)
		step(t, s, u)
	}
	// Agent 0 was forgotten: its next sample has nothing to be compared with. The
	// last agent was not.
	step(t, s, use(0, 0.1, 1))
	step(t, s, use(1024, 0.1, 1))
	if n, _ := effect(t, s.Effects(), "intervals allocated"); n != 1 {
		t.Errorf("%v intervals, want 1", n)
	}
}
