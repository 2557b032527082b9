package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

// Without a bridge the rule answers, about real processes.
func TestRunsWithoutABridge(t *testing.T) {
	var out strings.Builder
	args := []string{"-socket", filepath.Join(t.TempDir(), "none"), "-every", "20ms", "-rounds", "2", "-top", "3"}
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "program") != 2 || strings.Count(got, "rule rule-workload@1, bridge unavailable\n") != 6 {
		t.Errorf("two rounds about three processes:\n%s", got)
	}
}

func TestQuestionsEndWithNowAndKnowThePast(t *testing.T) {
	a := &agent{pid: 7}
	for i := range 25 {
		a.add(loads.Reading{CPU: float32(i) / 100, Memory: uint64(i)})
	}
	q := a.question(time.Date(2026, 1, 4, 0, 30, 0, 0, time.UTC)) // a Sunday, midnight
	if err := q.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(q.HistoricalCPU) != 10 || q.HistoricalCPU[9] != q.CurrentCPU || q.CurrentCPU != 0.24 || q.TimeOfDay != 0 || q.DayOfWeek != 0 {
		t.Errorf("%+v", q)
	}
	if len(q.CPUPast) != loads.Width || len(q.MemoryPast) != loads.Width {
		t.Errorf("pasts of %d and %d numbers, want %d", len(q.CPUPast), len(q.MemoryPast), loads.Width)
	}
}

// A prediction is judged by the interval it is about and by no later one, though its process
// is no longer asked about.
func TestOutcomesAreOfTheIntervalJustEnded(t *testing.T) {
	w := &watcher{agents: map[uint64]*agent{
		7: {pid: 7, asked: 21, now: loads.Reading{CPU: 0.25, Memory: 1<<53 + 1}, looks: 1},
		8: {pid: 8, now: loads.Reading{CPU: 0.5}, looks: 1},
	}}
	got := w.outcomes()
	if len(got) != 1 || got[0].PredictionID != 21 || got[0].Subject.Agent != 7 || got[0].Actual.Workload.CPU != 0.25 || got[0].Actual.Workload.Memory != 1<<53+1 {
		t.Errorf("%+v, want what process 7 used as the outcome of prediction 21", got)
	}
	if again := w.outcomes(); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
}

func TestWeights(t *testing.T) {
	for share, want := range map[float32]int{0: 1, 0.0001: 1, 0.01: 100, 0.5: 5000, 1: 10_000} {
		if got := weightOf(share); got != want {
			t.Errorf("weightOf(%v) = %d, want %d", share, got, want)
		}
	}
}
