package anatomy

import (
	"math"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/row"
)

// used is a process that took cpu µs a call in 1,000 calls, user of 100 in user mode.
func used(cpu float64, user int64) Usage {
	return Usage{CPU: time.Duration(cpu * 1e6), User: user, System: 100 - user, Voluntary: 1000, Involuntary: 250, Reads: 2000, Writes: 1000}
}

func measured(p50 float64, usage ...Usage) Run {
	return Run{Load: load.Result{P50: p50, PerSecond: 1e6 / (p50 + 1)}, Calls: 1000, Usage: usage}
}

// figures are micro-benchmarks in µs: a question of 1 and an answer of 0.25 at the client.
var figures = map[string]float64{
	"question-append": 1, "prediction-parse": 0.25, "unix": 3, "tcp": 8,
	"question-parse": 0.5, "prediction-append": 0.25, "round-hit": 0.75,
	"round-cold": 1.5, "call-parse": 0.5, "answer-append": 0.25,
	"predict": 2, "features": 0.75, "conclude": 0.25, "response": 0.5, "request": 0.5,
}

func subject(t *testing.T, name string) *Subject {
	t.Helper()
	all, err := Subjects()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if all[i].Row.Name == name {
			return &all[i]
		}
	}
	t.Fatalf("no subject %s", name)
	return nil
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func hitAnatomy(t *testing.T) Anatomy {
	runs := []Run{measured(15, used(6, 50), used(8, 25)), measured(18, used(7, 50), used(8, 25)), measured(16.5, used(5, 50), used(8, 25))}
	floor := []Run{measured(10), measured(9), measured(11)}
	return New(subject(t, "bridge-hit"), runs, floor, figures, []float64{3, 4})
}

func TestNew(t *testing.T) {
	a := hitAnatomy(t)
	near(t, "p50", a.P50, 16.5)
	near(t, "ratio", a.Ratio, 1.5) // of 15/10, 18/9, 16.5/11
	near(t, "mean", a.Mean, 17.5)
	near(t, "CPU", a.CPU, 14)
	client, bridge := a.Processes[0], a.Processes[1]
	near(t, "client's user time", client.User, 3)
	near(t, "client's system time", client.System, 3)
	near(t, "bridge's user time", bridge.User, 2)
	near(t, "switches", client.Voluntary, 1)
	near(t, "pushed", client.Involuntary, 0.25)
	near(t, "system calls", *bridge.SystemCalls, 4)
	near(t, "ours", a.Of(Ours), 1.25+1.5)
	near(t, "rest", a.Of(Rest), 3-1.25+2-1.5)
	near(t, "sockets", a.Of(Sockets), 3)
	near(t, "waiting", a.Of(Waiting), 3-1.5+6-1.5)
	near(t, "model", a.Of(Model), 0)
	// 18 ms of CPU time have 4.5 ticks of 4 ms, half of them in user mode.
	near(t, "client's uncertainty", client.Uncertainty, 6*0.5/math.Sqrt(4.5))
}

// TestPiecesSumUp: whatever was measured, a process's pieces are its CPU time and none is
// negative.
func TestPiecesSumUp(t *testing.T) {
	all, err := Subjects()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		for _, cpu := range []float64{0, 0.1, 2, 20} {
			for _, user := range []int64{0, 30, 100} {
				usage := make([]Usage, len(all[i].parts))
				for k := range usage {
					usage[k] = used(cpu, user)
				}
				run := []Run{measured(12, usage...)}
				a := New(&all[i], run, run, figures, nil)
				for _, p := range a.Processes {
					sum := 0.0
					for _, piece := range p.Pieces {
						sum += piece.Time
						if piece.Time < 0 {
							t.Errorf("%s, %s: %s is %v", a.Name, p.Name, piece.Name, piece.Time)
						}
					}
					near(t, a.Name+", "+p.Name, sum, p.CPU)
				}
			}
		}
	}
}

// TestExcess: stages that are longer than the user time are shortened, and it is said.
func TestExcess(t *testing.T) {
	p := Process{CPU: 2, User: 1, System: 1}
	p.split(&part{stages: []stage{ours("a", "question-append"), {"b", Model, []string{"predict"}, []string{"features", "conclude"}}}, unix: 0.5}, figures)
	near(t, "a", p.Pieces[0].Time, 0.5)
	near(t, "b", p.Pieces[1].Time, 0.5)
	near(t, "rest", p.Pieces[2].Time, 0)
	near(t, "user excess", p.UserExcess, 1)
	near(t, "sockets", p.Pieces[3].Time, 1)
	near(t, "system excess", p.SystemExcess, 0.5)
}

// TestStagesAreMeasured: every stage's micro-benchmarks exist, and each is of use.
func TestStagesAreMeasured(t *testing.T) {
	all, err := Subjects()
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{"unix": true, "tcp": true}
	for _, s := range all {
		for _, p := range s.parts {
			for _, st := range p.stages {
				for _, name := range append(append([]string(nil), st.plus...), st.less...) {
					wanted[name] = true
					if _, ok := benches[name]; !ok {
						t.Errorf("%s, %s: no micro-benchmark %s", s.Title, st.name, name)
					}
				}
			}
		}
	}
	for name := range benches {
		if !wanted[name] {
			t.Errorf("%s is measured for nothing", name)
		}
	}
	if all[0].Row.Name != row.FloorName {
		t.Errorf("the first is %s, want the floor", all[0].Row.Name)
	}
}
