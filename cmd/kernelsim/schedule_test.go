package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/kernelsim/report"
)

func TestScheduleJoinsRateAndArrivals(t *testing.T) {
	p := pace{Rate: "100", Arrivals: "poisson"}
	if got := p.schedule(); got != "poisson:100" {
		t.Errorf("schedule %q", got)
	}
	if p.Rate = "steps:1x1s"; p.schedule() != "steps:1x1s" {
		t.Errorf("schedule %q", p.schedule())
	}
}

// TestAScheduleSaysHowLong is measured, --duration goes before it, and no call of it is
// warm-up.
func TestAScheduleSaysHowLong(t *testing.T) {
	socket := fakeBridge(t)
	for _, c := range []struct {
		args    []string
		seconds float64
		calls   uint64
		says    string
	}{
		{nil, 0.5, 35, "for 500ms after 100ms of warm-up"},
		{[]string{"--duration", "700ms"}, 0.7, 55, "then 100/s to the end"},
		{[]string{"--duration", "200ms"}, 0.2, 10, "cut off after 200ms"},
	} {
		dir := t.TempDir()
		cmd, stdout, stderr := command(t, append([]string{
			"load", "--socket", socket, "--rate", "steps:50x300ms,100x200ms", "--warmup", "100ms", "--workload", "trace", "--failure", "trace", "--out", dir,
		}, c.args...)...)
		_ = cmd.Run() // a busy machine may make the run void
		var r report.Report
		data, err := os.ReadFile(filepath.Join(dir, "report.json"))
		if err == nil {
			err = json.Unmarshal(data, &r)
		}
		if err != nil {
			t.Fatalf("%q: %v\n%s%s", c.args, err, stdout, stderr)
		}
		if r.Run.Planned != c.seconds || r.Total.Calls != c.calls || r.Run.WarmupCalls != 5 {
			t.Errorf("%q: %d calls in %v s after %d of warm-up, want %d in %v s after 5", c.args, r.Total.Calls, r.Run.Planned, r.Run.WarmupCalls, c.calls, c.seconds)
		}
		if all := stdout.String() + stderr.String(); !strings.Contains(strings.Join(strings.Fields(all), " "), c.says) {
			t.Errorf("%q: does not say %q:\n%s", c.args, c.says, all)
		}
	}
}
