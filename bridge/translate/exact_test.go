package translate

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// The numbers that doubles get wrong: 2^53+1 becomes 2^53, 2^64-1 becomes 2^64.
var exactNumbers = []uint64{0, 1, 1<<53 + 1, math.MaxUint64}

const (
	workloadDoc = `{"agent_id":%s,"historical_memory":[%s],"time_of_day":0,"day_of_week":0,"current_cpu":0,"current_memory":%s}`
	threatDoc   = `{"agent_id":%s,"metrics":{"operation_count":%s,"syscall_count":%s,"memory_usage":%s,"network_activity":%s},
		"anomalies":[{"anomaly_type":0,"severity":0,"timestamp":%s}],"time_since_last_threat":%s}`
	failureDoc = `{"component":"c","health_score":0,"current_value":0,"baseline":0,"trend":0,"time_since_last_failure":%s}`
	memoryDoc  = `{"agent_id":%s,"access_history":[%s],"access_timestamps":[%s],"current_address":%s,"locality_score":0,"candidates":[%s]}`
)

// u64Fields gives every 64-bit field of a question in the order of its document.
func u64Fields(q ipc.Request) []uint64 {
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		return []uint64{q.AgentID, q.HistoricalMemory[0], q.CurrentMemory}
	case *ipc.ThreatRequest:
		m := q.Metrics
		return []uint64{
			q.AgentID, m.OperationCount, m.SyscallCount, m.MemoryUsage, m.NetworkActivity,
			q.Anomalies[0].Timestamp, q.TimeSinceLastThreat,
		}
	case *ipc.FailureRequest:
		return []uint64{q.TimeSinceLastFailure}
	case *ipc.MemoryRequest:
		return []uint64{q.AgentID, q.AccessHistory[0], q.AccessTimestamps[0], q.CurrentAddress, q.Candidates[0]}
	}
	return nil
}

func TestRequestU64Exact(t *testing.T) {
	for kind, doc := range map[ipc.Kind]string{
		ipc.Workload: workloadDoc, ipc.Threat: threatDoc, ipc.Failure: failureDoc, ipc.Memory: memoryDoc,
	} {
		n := strings.Count(doc, "%s")
		for _, v := range exactNumbers {
			for _, form := range []string{"%d", `"%d"`} {
				for place := range n {
					args := make([]any, n)
					for i := range args {
						args[i] = "5"
					}
					args[place] = fmt.Sprintf(form, v)
					text := fmt.Sprintf(doc, args...)
					got := u64Fields(mustDecode(t, text, kind).Request)
					if len(got) != n || got[place] != v {
						t.Errorf("%v: place %d of %s is %v, want %d", kind, place, text, got, v)
					}
				}
			}
		}
	}
}

func TestReplyU64Exact(t *testing.T) {
	for _, v := range exactNumbers {
		for _, asString := range []bool{false, true} {
			for name, p := range map[string]ipc.Prediction{
				"predicted_memory": {Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{Memory: v}},
				"predicted_time":   {Kind: ipc.Failure, Failure: ipc.FailurePrediction{PredictedTime: ipc.Some(v)}},
				"next_address":     {Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: v}},
				"address":          {Kind: ipc.Memory, Memory: ipc.MemoryPrediction{MoreLen: 1, More: [3]ipc.MemoryCandidate{{Address: v}}}},
				"prediction_id":    {Kind: ipc.Threat},
			} {
				text, err := AppendReply(nil, &ipc.Reply{PredictionID: v, Prediction: p}, Form{U64AsString: asString})
				if err != nil {
					t.Fatal(err)
				}
				want := fmt.Sprintf(`"%s":%d`, name, v)
				if asString {
					want = fmt.Sprintf(`"%s":"%d"`, name, v)
				}
				if !json.Valid(text) || !strings.Contains(string(text), want) {
					t.Errorf("AppendReply = %s, want %s in it", text, want)
				}
			}
		}
	}
}

// A float32 is written as the shortest text that reads back as itself.
func TestFloat32ReadsBack(t *testing.T) {
	for _, v := range []float32{
		0, 0.1, 0.3, 1, 1.0 / 3, 16777217, math.MaxFloat32, math.SmallestNonzeroFloat32, -0.1, 1e-7, 1e21, 123456.79,
	} {
		w := writer{}
		w.f32(v)
		s := scanner{b: w.b}
		if got := s.f32(); s.err != nil || got != v || !json.Valid(w.b) {
			t.Errorf("%v was written as %s and read as %v, %v", v, w.b, got, s.err)
		}
		if len(w.b) > 24 {
			t.Errorf("%v was written as %s", v, w.b)
		}
	}
	w := writer{}
	w.f32(0.1)
	if string(w.b) != "0.1" {
		t.Errorf("float32 0.1 is written as %s: it went through a double", w.b)
	}
}

func TestNotFiniteIsNeverWritten(t *testing.T) {
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		r := ipc.Reply{Prediction: ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: v}}}
		text, err := AppendReply([]byte("kept"), &r, Form{})
		if status, _ := statusOf(err); status != ipc.StatusInternal || string(text) != "kept" {
			t.Errorf("AppendReply(score %v) = %s, %v", v, text, err)
		}
	}
}
