package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// full gives a request of every kind with every field set.
func full() []ipc.Request {
	return []ipc.Request{
		&ipc.WorkloadRequest{
			AgentID: 1, HistoricalCPU: []float32{0.1, 0.2, 0.9}, HistoricalMemory: []uint64{1, 2, 3},
			HistoricalGPU: []float32{0.5, 0.5}, CurrentCPU: 0.9, CurrentMemory: 3, CurrentGPU: ipc.Some[float32](0.5),
		},
		&ipc.ThreatRequest{
			AgentID: 2, Metrics: ipc.ThreatMetrics{OperationCount: 1, SyscallCount: 2, MemoryUsage: 3, NetworkActivity: 4},
			Anomalies: []ipc.Anomaly{{Type: 1, Severity: 0.9}}, HistoricalThreats: []float32{0.5}, TimeSinceLastThreat: 1,
		},
		&ipc.FailureRequest{
			Component: "memory-controller", HealthScore: 0.2, Trend: ipc.TrendCritical,
			HistoricalHealth: []float32{0.4, 0.2}, FailureHistory: []uint8{1, 1, 1}, TimeSinceLastFailure: 5,
		},
		&ipc.MemoryRequest{
			AgentID: 3, AccessHistory: []uint64{4096, 8192, 12288}, AccessTypes: []uint8{0, 1, 2}, CurrentAddress: 12288,
		},
	}
}

func TestPredictOverwritesEverything(t *testing.T) {
	for _, q := range full() {
		var clean ipc.Prediction
		rules.Predict(q, &clean)
		dirty := ipc.Prediction{Kind: 99}
		dirty.Workload.Memory, dirty.Failure.Type, dirty.Threat.Action, dirty.Memory.MoreLen = 7, 5, 4, 3
		rules.Predict(q, &dirty)
		if diff := cmp.Diff(clean, dirty); diff != "" {
			t.Errorf("Predict(%s) depends on what the prediction held before:\n%s", q.Kind(), diff)
		}
	}
}

func TestAnswerNamesItsOrigin(t *testing.T) {
	for _, q := range full() {
		r := ipc.Reply{Status: ipc.StatusInternal, PredictionID: 4, Age: 3}
		rules.Answer(q, ipc.ReasonDeadline, &r)
		if r.Status != ipc.StatusOK || r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDeadline ||
			r.PredictionID != 0 || r.Age != 0 || r.Model != rules.Name(q.Kind()) || r.Kind != q.Kind() {
			t.Errorf("Answer(%s) = %+v, want an ok answer of its rule because of the deadline", q.Kind(), r)
		}
		if len(r.Model) == 0 || len(r.Model) > ipc.MaxModelBytes {
			t.Errorf("Name(%s) = %q, want 1-%d bytes", q.Kind(), r.Model, ipc.MaxModelBytes)
		}
	}
	if got := rules.Name(ipc.Kind(9)); got != "" {
		t.Errorf("Name(9) = %q, want none", got)
	}
}

func TestEmptyRequestsAreAnswered(t *testing.T) {
	for _, q := range []ipc.Request{
		new(ipc.WorkloadRequest), new(ipc.ThreatRequest), &ipc.FailureRequest{Component: "x"}, new(ipc.MemoryRequest),
	} {
		if err := q.Validate(); err != nil {
			t.Fatalf("%s: not a legal request: %v", q.Kind(), err)
		}
		var p ipc.Prediction
		rules.Predict(q, &p)
		if err := p.Validate(); err != nil || p.Kind != q.Kind() {
			t.Errorf("Predict(empty %s) = %+v, %v", q.Kind(), p, err)
		}
	}
}

func TestPredictDoesNotAllocate(t *testing.T) {
	qs := full()
	var p ipc.Prediction
	if n := testing.AllocsPerRun(100, func() {
		for _, q := range qs {
			rules.Predict(q, &p)
		}
	}); n != 0 {
		t.Errorf("Predict of all kinds allocates %v times, want 0", n)
	}
}
