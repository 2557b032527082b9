package drive_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

func TestMix(t *testing.T) {
	m, err := drive.ParseMix("memory=3, workload")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for n := range uint64(8) {
		got = append(got, m.Labels()[m.LabelOf(n)])
	}
	// Spread evenly: the rarer kind within the round, not at its end.
	want := strings.Fields("memory workload memory memory memory workload memory memory")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	if s := m.String(); s != "workload 25 %, memory 75 %" {
		t.Errorf("String = %q", s)
	}
	if all, err := drive.ParseMix(""); err != nil || len(all.Kinds()) != 4 {
		t.Errorf("the empty mix asks %v, %v; want all four", all, err)
	}
	for _, bad := range []string{"workload=-1", "workload=101", "tape=1", "workload=1,workload=1", "workload=0", "memory=x"} {
		if _, err := drive.ParseMix(bad); err == nil {
			t.Errorf("mix %q was taken", bad)
		}
	}
}

// clock is a load.Clock that stands still.
type clock int64

func (c clock) Now() int64       { return int64(c) }
func (c clock) SleepUntil(int64) {}

// recorder answers from a source and notes the budgets it was given.
type recorder struct {
	mu      sync.Mutex
	budgets []time.Duration
	agents  []uint64
	reply   ipc.Reply
	err     error
}

func (r *recorder) Predict(_ context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budgets = append(r.budgets, opts.Budget)
	r.agents = append(r.agents, reqs[0].Subject().Agent)
	replies[0] = r.reply
	return r.err
}

func (r *recorder) Outcomes(context.Context, []ipc.Outcome) error { return nil }

func questions(agents ...uint64) []ipc.Request {
	var out []ipc.Request
	for _, a := range agents {
		out = append(out, ipctest.Request(ipc.Workload, a))
	}
	return out
}

func newDriver(t *testing.T, r *recorder, now int64) *drive.Driver {
	t.Helper()
	d, err := drive.New(drive.Config{
		Predictors: []ipc.Predictor{r}, Questions: [][]ipc.Request{questions(1, 2, 3)},
		Budget: time.Millisecond, Clock: clock(now), Callers: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOutcomes asks through a closed loop's function, which needs no run.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name   string
		reply  ipc.Reply
		err    error
		source int
		fails  bool
	}{
		{"model", ipc.Reply{Source: ipc.SourceModel}, nil, 0, false},
		{"cache", ipc.Reply{Source: ipc.SourceCache}, nil, 1, false},
		{"stale", ipc.Reply{Source: ipc.SourceStale}, nil, 2, false},
		{"rule", ipc.Reply{Source: ipc.SourceRule}, nil, 3, false},
		{"refused", ipc.Reply{Status: ipc.StatusOverloaded}, nil, 0, true},
		{"refused by a model's bridge", ipc.Reply{Status: ipc.StatusInternal, Source: ipc.SourceModel}, nil, 0, true},
		{"no source", ipc.Reply{}, nil, 0, true},
		{"gone", ipc.Reply{}, errors.New("gone"), 0, true},
	} {
		d := newDriver(t, &recorder{reply: c.reply, err: c.err}, 0)
		got := d.Call(t.Context(), 0, 0, 0)
		if (got.Err != nil) != c.fails || got.Err == nil && got.Source != c.source {
			t.Errorf("%s: %+v, want source %d, failing %v", c.name, got, c.source, c.fails)
		}
		if got.Err == nil && drive.Sources[got.Source] != c.name {
			t.Errorf("%s is called %q", c.name, drive.Sources[got.Source])
		}
		d.Close()
	}
}

// TestQuestionsComeInTurn: of every label all, though labels take turns themselves.
func TestQuestionsComeInTurn(t *testing.T) {
	r := &recorder{reply: ipc.Reply{Source: ipc.SourceModel}}
	d, err := drive.New(drive.Config{
		Predictors: []ipc.Predictor{r}, Questions: [][]ipc.Request{questions(1, 2), questions(11, 12, 13)},
		Budget: time.Millisecond, Clock: clock(0), Callers: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for n := range 8 {
		d.Call(t.Context(), 0, uint64(n), n%2)
	}
	if diff := cmp.Diff([]uint64{1, 11, 2, 12, 1, 13, 2, 11}, r.agents); diff != "" {
		t.Errorf("agents asked about (-want +got):\n%s", diff)
	}
}

func TestReasons(t *testing.T) {
	for reason, want := range map[ipc.Reason]string{
		ipc.ReasonNone: "", ipc.ReasonLowConfidence: ipc.ReasonLowConfidence.String(),
		ipc.ReasonNotCached: ipc.ReasonNotCached.String(), ipc.Reason(200): "",
	} {
		d := newDriver(t, &recorder{reply: ipc.Reply{Source: ipc.SourceRule, Reason: reason}}, 0)
		got := d.Call(t.Context(), 0, 0, 0)
		name := ""
		if got.Reason > 0 {
			name = drive.Reasons[got.Reason-1]
		}
		if got.Err != nil || name != want {
			t.Errorf("reason %d is counted as %q (error %v), want %q", reason, name, got.Err, want)
		}
		d.Close()
	}
}

func TestQuestionsTakeTurns(t *testing.T) {
	r := &recorder{reply: ipc.Reply{Source: ipc.SourceModel}}
	d := newDriver(t, r, 0)
	defer d.Close()
	for n := range uint64(5) {
		d.Call(t.Context(), 0, n, 0)
	}
	if d := cmp.Diff([]uint64{1, 2, 3, 1, 2}, r.agents); d != "" {
		t.Errorf("agents (-want +got):\n%s", d)
	}
}

// TestBudgetCountsFromTheIntendedStart drives one call of an open-loop run whose
// target holds it back for a known time.
func TestBudgetCountsFromTheIntendedStart(t *testing.T) {
	pacer, err := load.Constant(1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		late, want time.Duration // a fifth of the millisecond is for waking
	}{{0, 800 * time.Microsecond}, {300 * time.Microsecond, 500 * time.Microsecond}, {time.Second, time.Microsecond}} {
		r := &recorder{reply: ipc.Reply{Source: ipc.SourceModel}}
		run, err := load.StartOpen(t.Context(), load.Options{
			Pacer: pacer, Duration: time.Second, MaxCalls: 1, Labels: []string{"workload"}, Sources: drive.Sources,
		}, load.TargetFunc(func(call load.Call) {
			d := newDriver(t, r, call.Intended+int64(c.late))
			d.Issue(call)
			d.Close()
		}))
		if err != nil {
			t.Fatal(err)
		}
		if res := run.Wait(); res.Total().Answered != 1 {
			t.Fatalf("%v late: %+v", c.late, res.Total())
		}
		if len(r.budgets) != 1 || r.budgets[0] != c.want {
			t.Errorf("%v after the intended start the budgets were %v, want %v", c.late, r.budgets, c.want)
		}
	}
}

func TestNewWantsQuestionsAndWays(t *testing.T) {
	r := &recorder{}
	for name, cfg := range map[string]drive.Config{
		"no question":  {Predictors: []ipc.Predictor{r}, Questions: [][]ipc.Request{nil}, Callers: 1},
		"no predictor": {Questions: [][]ipc.Request{questions(1)}, Callers: 1},
		"no caller":    {Predictors: []ipc.Predictor{r}, Questions: [][]ipc.Request{questions(1)}},
	} {
		if _, err := drive.New(cfg); err == nil {
			t.Errorf("%s: a driver was made", name)
		}
	}
}
