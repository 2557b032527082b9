package bridge

import (
	"context"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// start runs a bridge until the test ends.
func start(t *testing.T, cfg Config) *Bridge {
	t.Helper()
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, b)
	return b
}

// run runs b until the test ends.
func run(t *testing.T, b *Bridge) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- b.Run() }()
	t.Cleanup(func() {
		b.Shutdown(time.Minute)
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v, want nil after a shutdown", err)
		}
	})
}

// patient is a budget that no test machine exhausts by being slow.
const patient = time.Minute

func ask(t *testing.T, b *Bridge, opts ipc.Options, reqs ...ipc.Request) []ipc.Reply {
	t.Helper()
	replies := make([]ipc.Reply, len(reqs))
	if err := b.Predict(context.Background(), reqs, replies, opts); err != nil {
		t.Fatalf("Predict: %v", err)
	}
	return replies
}

func workload(agent uint64, cpu float32) *ipc.WorkloadRequest {
	return &ipc.WorkloadRequest{AgentID: agent, CurrentCPU: cpu, CurrentMemory: 1<<53 + 1}
}

func oneOfEach() []ipc.Request {
	return []ipc.Request{
		workload(1, 0.5),
		&ipc.ThreatRequest{AgentID: 2, TimeSinceLastThreat: ipc.Never},
		&ipc.FailureRequest{Component: "disk-io", HealthScore: 1, TimeSinceLastFailure: ipc.Never},
		&ipc.MemoryRequest{AgentID: 4, CurrentAddress: 1<<64 - 4096},
	}
}

func TestMixedBatchTakesOneCallAKind(t *testing.T) {
	d := newFakeDaemon(t)
	for _, library := range []bool{false, true} {
		d.calls.Store(0)
		b := start(t, Config{Upstream: target(t, d.URL), Library: library})
		reqs := append(oneOfEach(), oneOfEach()...)
		reqs = append(reqs, workload(9, 0.25))
		replies := ask(t, b, ipc.Options{Budget: patient}, reqs...)
		ids := map[uint64]bool{}
		for i := range replies {
			r := &replies[i]
			if r.Status != ipc.StatusOK || r.Source != ipc.SourceModel || r.Model != r.Kind.String()+"-fake@1" || r.Prediction != predictionFor(reqs[i]) {
				t.Errorf("library=%v: reply %d to %+v = %+v", library, i, reqs[i], r)
			}
			if r.PredictionID == 0 || ids[r.PredictionID] {
				t.Errorf("library=%v: prediction id %d is zero or was given before", library, r.PredictionID)
			}
			ids[r.PredictionID] = true
		}
		if n := d.calls.Load(); n != 4 {
			t.Errorf("library=%v: %d HTTP calls for four kinds, want 4", library, n)
		}
	}
}

func TestIdenticalQuestionsAreOne(t *testing.T) {
	d := newFakeDaemon(t)
	b := start(t, Config{Upstream: target(t, d.URL)})
	ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5), workload(1, 0.5), workload(1, 0.5))
	if n := d.questions.Load(); n != 1 {
		t.Errorf("the daemon got %d questions, want 1", n)
	}
}

func TestCacheServesTheSameQuestion(t *testing.T) {
	d := newFakeDaemon(t)
	b := start(t, Config{Upstream: target(t, d.URL), TTL: time.Minute})
	first := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))[0]
	again := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))[0]
	other := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.75))[0]
	if again.Source != ipc.SourceCache || again.Prediction != first.Prediction || again.PredictionID == first.PredictionID {
		t.Errorf("the same question again = %+v, want it from the cache under a new id", again)
	}
	if other.Source != ipc.SourceModel || other.Workload.CPU != 0.75 {
		t.Errorf("another question = %+v, want the model's own answer", other)
	}
}

func TestInvalidSlotFailsAlone(t *testing.T) {
	d := newFakeDaemon(t)
	b := start(t, Config{Upstream: target(t, d.URL)})
	replies := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5), workload(2, 1.5), workload(3, 0.5), nil)
	for i, want := range []ipc.Status{ipc.StatusOK, ipc.StatusInvalidArgument, ipc.StatusOK, ipc.StatusInvalidArgument} {
		if replies[i].Status != want {
			t.Errorf("slot %d: %+v, want status %v", i, replies[i], want)
		}
	}
}
