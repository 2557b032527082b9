package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/load"
	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// TestAddLoadTellsWhatHadNoAnswer: dropped and lost calls apart, and the time in UTC.
func TestAddLoadTellsWhatHadNoAnswer(t *testing.T) {
	pacer, err := load.Constant(1000)
	if err != nil {
		t.Fatal(err)
	}
	run, err := load.StartOpen(t.Context(), load.Options{
		Pacer: pacer, MaxCalls: 3, Duration: time.Second, MaxInFlight: 1, Drain: time.Millisecond,
		Labels: []string{"a"}, Sources: []string{"s"},
	}, load.TargetFunc(func(load.Call) {})) // the first is never answered
	if err != nil {
		t.Fatal(err)
	}
	res := run.Wait()
	res.Overtime = 1500 * time.Millisecond
	res.Began = time.Date(2026, 3, 1, 1, 0, 0, 0, time.FixedZone("east", 3600))
	var r report.Report
	r.AddLoad(res, load.RequiredShare)
	if p := r.Predictions[0]; p.Calls != 3 || p.Dropped != 2 || p.Lost != 1 || p.Answered != 0 {
		t.Errorf("%+v, want two dropped and one lost", p)
	}
	whole := report.New("x")
	whole.AddLoad(res, load.RequiredShare)
	var data strings.Builder
	if err := whole.JSON(&data); err != nil || strings.Contains(data.String(), "null") {
		t.Errorf("%v: null in place of a list:\n%s", err, &data)
	}
	var text, closing strings.Builder
	if err := errors.Join(r.Text(&text), r.Closing(&closing, false)); err != nil {
		t.Fatal(err)
	}
	if p := r.Total.Latency; p.P50 < 9e15 || p.P999 < 9e15 || p.Max != 0 || strings.Count(text.String(), " none ") < 4 || !strings.Contains(closing.String(), "p99 none") {
		t.Errorf("nothing was answered, and the latencies are %+v\n%s%s", p, &text, &closing)
	}
	if r.Run.Overtime != 1.5 {
		t.Errorf("its last start came %v s after its end, want 1.5", r.Run.Overtime)
	}
	if at := r.Run.Began; at.Location() != time.UTC || at.Hour() != 0 {
		t.Errorf("began %v, want midnight UTC", at)
	}
}
