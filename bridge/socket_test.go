package bridge

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// listen gives a bridge that is not running yet a socket, and its path.
func listen(t *testing.T, b *Bridge) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := ipc.Listen(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Listen(ln); err != nil {
		t.Fatal(err)
	}
	return path
}

func dial(t *testing.T, path string) *ipc.Client {
	t.Helper()
	c, err := ipc.Dial(t.Context(), path, ipc.ClientConfig{Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// startOnSocket runs a bridge on a socket until the test ends.
func startOnSocket(t *testing.T, cfg Config) (*Bridge, *ipc.Client) {
	t.Helper()
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	run(t, b)
	return b, dial(t, path)
}

func unavailable(w http.ResponseWriter, _ *http.Request) bool {
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

// One call after the other down the whole ladder, through the real socket.
func TestLadderOverTheSocket(t *testing.T) {
	d := newFakeDaemon(t)
	_, c := startOnSocket(t, Config{Upstream: target(t, d.URL), TTL: time.Hour, StaleBound: 2 * time.Hour})
	known, other, unknown := workload(1, 0.5), workload(1, 0.25), workload(2, 0.5)
	for _, step := range []struct {
		line    string
		q       *ipc.WorkloadRequest
		require bool
		down    bool
		status  ipc.Status
		source  ipc.Source
		cpu     float32
	}{
		{"fresh", known, true, false, ipc.StatusOK, ipc.SourceModel, 0.5},
		{"cached", known, true, false, ipc.StatusOK, ipc.SourceCache, 0.5},
		{"cached without a daemon", known, true, true, ipc.StatusOK, ipc.SourceCache, 0.5},
		{"stale", other, false, true, ipc.StatusOK, ipc.SourceStale, 0.5},
		{"a model required", other, true, true, ipc.StatusUnavailable, ipc.SourceNone, 0},
		{"rule", unknown, false, true, ipc.StatusOK, ipc.SourceRule, 0.5},
		{"none", unknown, true, true, ipc.StatusUnavailable, ipc.SourceNone, 0},
	} {
		d.on(nil)
		budget := patient
		if step.down {
			d.on(unavailable)
			budget = 20 * time.Millisecond
		}
		replies := make([]ipc.Reply, 1)
		r := &replies[0]
		for ; ; budget *= 4 {
			if err := c.Predict(t.Context(), []ipc.Request{step.q}, replies, ipc.Options{Budget: budget, RequireModel: step.require}); err != nil {
				t.Fatalf("%s: %v", step.line, err)
			}
			// A client that hears nothing in time gives up by itself; on a machine that is
			// busy with other things it hears of it when it has more.
			if step.status == ipc.StatusUnavailable || r.Status != ipc.StatusDeadlineExceeded || budget >= patient {
				break
			}
		}
		// Whether the bridge gives up or the time does, is the machine's to decide.
		refused := step.status == ipc.StatusUnavailable && r.Status == ipc.StatusDeadlineExceeded
		if (r.Status != step.status && !refused) || r.Source != step.source || r.Workload.CPU != step.cpu || (r.PredictionID == 0) != (step.source == ipc.SourceNone) {
			t.Errorf("%s: %+v, want %v from %v with %v", step.line, r, step.status, step.source, step.cpu)
		}
		if lower := step.source == ipc.SourceStale || step.source == ipc.SourceRule; lower && r.Reason == ipc.ReasonNone {
			t.Errorf("%s: no reason in %+v", step.line, r)
		}
	}
}

func TestBudgetsFromNothingToTooMuch(t *testing.T) {
	d := newFakeDaemon(t)
	hung := make(chan struct{})
	d.on(func(http.ResponseWriter, *http.Request) bool { <-hung; return false })
	b, c := startOnSocket(t, Config{Upstream: target(t, d.URL)})
	defer close(hung)
	for n, budget := range []time.Duration{0, 1, time.Microsecond, 50 * time.Microsecond, time.Millisecond} {
		for name, p := range map[string]ipc.Predictor{"socket": c, "process": b} {
			replies := make([]ipc.Reply, 1)
			err := p.Predict(t.Context(), []ipc.Request{workload(uint64(n), 0.5)}, replies, ipc.Options{Budget: budget})
			r := &replies[0]
			// The client may give up on a microsecond by itself.
			if err != nil || (r.Status != ipc.StatusDeadlineExceeded && (r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDeadline)) {
				t.Errorf("%s, budget %v: %v, %+v; want the rule at the deadline", name, budget, err, r)
			}
		}
	}
	begun := ipc.Now()
	call := ipc.NewCall(workload(1, 0.5), new(countDone))
	call.Arrived, call.Deadline = begun, begun.Add(1<<62)
	if m := b.cfg.margin(call.Deadline.Sub(call.Arrived)); m != 10*time.Millisecond {
		t.Errorf("margin of a budget of 146 years = %v, want 10ms", m)
	}
}
