package daemon

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// question has u in every u64 field, and zeros that must stay zeros.
func question(k ipc.Kind, u uint64) ipc.Request {
	switch k {
	case ipc.Workload:
		return &ipc.WorkloadRequest{AgentID: u, HistoricalMemory: []uint64{u, 0, u}, CurrentMemory: u, CurrentGPU: ipc.Some(float32(0))}
	case ipc.Threat:
		return &ipc.ThreatRequest{
			AgentID: u, Metrics: ipc.ThreatMetrics{OperationCount: u, SyscallCount: u, MemoryUsage: u, NetworkActivity: u},
			Anomalies: []ipc.Anomaly{{Type: math.MaxUint32, Timestamp: u}}, TimeSinceLastThreat: u,
		}
	case ipc.Failure:
		return &ipc.FailureRequest{Component: "disk", HealthScore: 0.1, TimeSinceLastFailure: u}
	}
	return &ipc.MemoryRequest{
		AgentID: u, AccessHistory: []uint64{u, 0, u}, AccessTimestamps: []uint64{0, u, u}, AccessTypes: []uint8{0, 1, 2},
		CurrentAddress: u, Candidates: []uint64{u},
	}
}

// TestExactness sends the u64 extremes through every field, format, form and
// transport, and compares what the model saw and what came back.
func TestExactness(t *testing.T) {
	var mu sync.Mutex
	var seen []ipc.Request
	r := start(t, &fake{version: "1", answer: func(q ipc.Request, p *ipc.Prediction) error {
		mu.Lock()
		seen = append(seen, q.Copy())
		mu.Unlock()
		return echo(q, p)
	}}, Options{})
	for _, unix := range []bool{false, true} {
		c := r.client(t, unix)
		for _, f := range []api.Format{api.JSON, api.Msgpack} {
			for _, k := range ipc.Kinds {
				for _, u := range []uint64{0, 1<<53 + 1, math.MaxUint64} {
					for _, batch := range []bool{false, true} {
						name := fmt.Sprintf("unix=%v %v %v %d batch=%v", unix, f, k, u, batch)
						reqs := []ipc.Request{question(k, u)}
						if batch {
							reqs = append(reqs, question(k, 7), question(k, u))
						}
						mu.Lock()
						seen = nil
						mu.Unlock()
						status, body := r.post(t, c, f, k, batch, f.AppendCall(nil, k, reqs, batch))
						if status != http.StatusOK {
							t.Fatalf("%s: %d %s", name, status, body)
						}
						if diff := cmp.Diff(reqs, seen, cmpopts.EquateEmpty()); diff != "" {
							t.Errorf("%s: the model saw (-sent +seen):\n%s", name, diff)
						}
						var a api.Answer
						if err := f.ParseAnswer(body, k, batch, len(reqs), &a); err != nil {
							t.Fatalf("%s: %v in %s", name, err, body)
						}
						for i, q := range reqs {
							var want ipc.Prediction
							if err := echo(q, &want); err != nil {
								t.Fatal(err)
							}
							if k == ipc.Failure { // 1,999,999 ns are one whole millisecond
								want.Failure.PredictedTime = ipc.Some(uint64(1_000_000))
							}
							if diff := cmp.Diff(want, a.Slots[i].Prediction); diff != "" {
								t.Errorf("%s slot %d (-want +got):\n%s", name, i, diff)
							}
						}
						if a.Model != "fake@1" || a.Latency == 0 {
							t.Errorf("%s: model %q, latency %d", name, a.Model, a.Latency)
						}
					}
				}
			}
		}
	}
}
