package scenario_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
	"github.com/mlbridge/mlbridge/kernelsim/source"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

// TestShiftIsJudgedSinceItsChange, and ends by itself.
func TestShiftIsJudgedSinceItsChange(t *testing.T) {
	_, r := observe(t, scenario.Config{Origins: map[ipc.Kind][]source.Origin{ipc.Memory: {source.Shift}}, For: time.Hour})
	var moments []string
	for _, e := range r.Effects {
		if strings.HasPrefix(e.Note, "since its change, after ") {
			moments = append(moments, e.Name)
		}
	}
	if len(moments) != 1 || !strings.HasPrefix(moments[0], "faults covered: worst moment") {
		t.Errorf("since the change there is %q", moments)
	}
	for k, subject := range map[ipc.Kind]string{ipc.Failure: "failure from shift", ipc.Threat: "threat from shift"} {
		_, err := scenario.NewObservation(scenario.Config{Traces: traces.FS, Origins: map[ipc.Kind][]source.Origin{k: {source.Shift}}})
		if !errors.Is(err, source.ErrNoShift) || !strings.HasPrefix(err.Error(), subject) {
			t.Errorf("%v: %v, want ErrNoShift", subject, err)
		}
	}
}

// firstQuestions are the first that a subsystem asks of generated input, as bytes.
func firstQuestions(t *testing.T, k ipc.Kind, from source.Origin, seed uint64) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	m := &impatient{&advicetest.Model{Answer: ipctest.ModelReply}, 40, cancel}
	o, err := scenario.NewObservation(scenario.Config{Predictor: m, Origins: map[ipc.Kind][]source.Origin{k: {from}}, For: time.Hour, Seed: seed})
	if err == nil {
		err = o.Run(ctx)
	}
	if err != nil || len(m.Asked) < 40 {
		t.Fatalf("%v: %v after %d questions", k, err, len(m.Asked))
	}
	var all []byte
	for _, q := range m.Asked[:40] {
		all = ipc.AppendRequest(all, q)
	}
	return string(all)
}

// TestTheSeedDecides what is generated, of every kind.
func TestTheSeedDecides(t *testing.T) {
	for from, kinds := range map[source.Origin][]ipc.Kind{source.Synthetic: ipc.Kinds[:], source.Shift: {ipc.Workload, ipc.Memory}} {
		for _, k := range kinds {
			first := firstQuestions(t, k, from, 3)
			if again := firstQuestions(t, k, from, 3); again != first {
				t.Errorf("%v from %v: the same seed asks otherwise", k, from)
			}
			if first == firstQuestions(t, k, from, 4) {
				t.Errorf("%v from %v: another seed asks the same", k, from)
			}
			if from == source.Shift && first == firstQuestions(t, k, source.Synthetic, 3) {
				t.Errorf("%v does not shift", k)
			}
		}
	}
}

// TestItDoesNotWatchItself, however busy it is.
func TestItDoesNotWatchItself(t *testing.T) {
	var done atomic.Bool
	defer done.Store(true)
	go func() {
		for !done.Load() {
		}
	}()
	m := &advicetest.Model{Answer: ipctest.ModelReply}
	observe(t, scenario.Config{Predictor: m, Origins: map[ipc.Kind][]source.Origin{ipc.Workload: {source.Live}}, For: 4 * source.LiveInterval})
	self := source.LiveAgent(os.Getpid(), 0)
	for _, q := range m.Asked {
		if id := q.(*ipc.WorkloadRequest).AgentID; id&(1<<22-1) == self {
			t.Errorf("agent %d is this process", id)
		}
	}
	if len(m.Asked) == 0 {
		t.Error("nothing was asked")
	}
}

// TestWhatWasNotSeenIsSaid: nothing at all, or no failure.
func TestWhatWasNotSeenIsSaid(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		want string
	}{
		{ctx, "healing (synthetic): nothing was observed, so nothing was asked."},
		{t.Context(), "no failure happened while it was watched, so nothing could be caught."},
	} {
		ctx, cancel := context.WithCancel(c.ctx)
		m := &impatient{&advicetest.Model{Answer: ipctest.ModelReply}, 8, cancel}
		o, err := scenario.NewObservation(scenario.Config{Predictor: m, Origins: map[ipc.Kind][]source.Origin{ipc.Failure: {source.Synthetic}}, For: time.Hour})
		if err == nil {
			err = o.Run(ctx)
		}
		r := &report.Report{}
		o.AddTo(r)
		if err != nil || len(r.Notes) != 1 || !strings.HasSuffix(r.Notes[0], c.want) {
			t.Errorf("%v: notes %q, want %q", err, r.Notes, c.want)
		}
	}
}
