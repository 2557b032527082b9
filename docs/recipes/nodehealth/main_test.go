package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

// proc writes a machine as procfs would show it.
func proc(t *testing.T, available, memoryFull, cpuSome string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"meminfo":         "MemTotal: 1000 kB\nMemAvailable: " + available + " kB\n",
		"loadavg":         "1.50 1.00 0.50 1/100 1234\n",
		"stat":            "cpu  1 0 1 10 0 0 0 0 0 0\ncpu0 1 0 1 5 0 0 0 0 0 0\ncpu1 0 0 0 5 0 0 0 0 0 0\n",
		"pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=" + memoryFull + "\n",
		"pressure/cpu":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=" + cpuSome + "\n",
		"pressure/io":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadings(t *testing.T) {
	start := time.Unix(1000, 0)
	a, err := look(proc(t, "500", "0", "1000000"), start)
	if err != nil {
		t.Fatal(err)
	}
	b, err := look(proc(t, "400", "500000", "1200000"), start.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	want := [3]reading{{health: 0.2, value: 0.6}, {health: 0.8, value: 0.75}, {health: 1}}
	if diff := cmp.Diff(want, b.since(a), cmp.AllowUnexported(reading{})); diff != "" {
		t.Error(diff)
	}
}

// A failure settles what was foreseen before it as true; ten readings without one
// settle the rest as false.
func TestOutcomes(t *testing.T) {
	c := &component{name: "memory"}
	at := time.Unix(1000, 0)
	settle := func(health float32) []ipc.Outcome {
		c.observe(reading{health: health, value: 0.5}, at)
		at = at.Add(time.Second)
		q := c.question(at)
		if err := q.Validate(); err != nil {
			t.Fatal(err)
		}
		list := c.settle(nil)
		c.asked = append(c.asked, asked{id: uint64(c.readings), reading: c.readings, at: at})
		return list
	}
	for range 3 {
		if got := settle(0.9); len(got) != 0 {
			t.Errorf("settled %v while all was well", got)
		}
	}
	got := settle(0.1)
	if len(got) != 3 || got[0].Actual.Failure.Probability != 1 || got[0].PredictionID != 1 {
		t.Errorf("after a failure: %+v", got)
	}
	for i, o := range got {
		if p := o.Actual.Failure.PredictedTime; p != ipc.Some(uint64(2-i)*uint64(time.Second)) || o.Unobserved != ipc.TargetFailureType {
			t.Errorf("outcome %d: came after %v, unobserved %b; want the time and no type", i, p, o.Unobserved)
		}
	}
	var late []ipc.Outcome
	for range horizon {
		late = append(late, settle(0.9)...)
	}
	if len(late) != 1 || late[0].PredictionID != 4 || late[0].Actual.Failure.Probability != 0 {
		t.Errorf("after ten readings without one: %+v", late)
	}
}

// Without a bridge the rule answers, about this very machine where its kernel has
// pressure stall information, and about a written one.
func TestRunsWithoutABridge(t *testing.T) {
	machines := []string{proc(t, "100", "0", "0")}
	if _, err := look("/proc", time.Now()); !errors.Is(err, fs.ErrNotExist) {
		machines = append(machines, "/proc")
	}
	for _, machine := range machines {
		var out strings.Builder
		args := []string{"-socket", filepath.Join(t.TempDir(), "none"), "-proc", machine, "-every", "10ms", "-rounds", "2"}
		if err := run(t.Context(), args, &out); err != nil {
			t.Fatal(err)
		}
		lines := json.NewDecoder(strings.NewReader(out.String()))
		for i := range 6 {
			var c condition
			if err := lines.Decode(&c); err != nil || c.Source != "rule" || c.Reason != "bridge unavailable" || c.Component != [3]string{"memory", "cpu", "io"}[i%3] {
				t.Errorf("%s: line %d: %+v, %v", machine, i, c, err)
			}
			if i == 0 && machine != "/proc" && (!c.Status || c.Health != 0.1) {
				t.Errorf("memory that is nearly gone: %+v", c)
			}
		}
	}
}
