package translate

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// One question of each kind with every member set, and with only the members that
// must be there. What they mean is written beside them as ipc values, so that the
// tables are checked from both sides.
var documents = []struct {
	name string
	kind ipc.Kind
	text string
	want Question
}{
	{
		name: "workload, everything", kind: ipc.Workload,
		text: `{"kind":"workload","agent_id":7,"historical_cpu":[0,0.25,1],"historical_memory":[1,"2",18446744073709551615],
			"historical_gpu":[0.5],"time_of_day":23,"day_of_week":6,"current_cpu":1,"current_memory":4096,"current_gpu":0.0,
			"cpu_past":[-1.5,0],"memory_past":[1e21],"gpu_past":[0.5]}`,
		want: Question{Request: &ipc.WorkloadRequest{
			AgentID: 7, HistoricalCPU: []float32{0, 0.25, 1}, HistoricalMemory: []uint64{1, 2, 1<<64 - 1},
			HistoricalGPU: []float32{0.5}, TimeOfDay: 23, DayOfWeek: 6, CurrentCPU: 1, CurrentMemory: 4096,
			CurrentGPU: ipc.Some[float32](0),
			CPUPast:    []float32{-1.5, 0}, MemoryPast: []float32{1e21}, GPUPast: []float32{0.5},
		}},
	},
	{
		name: "workload at midnight on Sunday, idle, no history, no GPU", kind: ipc.Workload,
		text: `{"agent_id":0,"time_of_day":0,"day_of_week":0,"current_cpu":0.0,"current_memory":0}`,
		want: Question{Request: &ipc.WorkloadRequest{}},
	},
	{
		name: "workload with an absent GPU said", kind: ipc.Workload,
		text: `{"agent_id":0,"time_of_day":0,"day_of_week":0,"current_cpu":0,"current_memory":0,"current_gpu":null,
			"historical_gpu":[],"historical_cpu":[],"historical_memory":[],"cpu_past":[],"memory_past":[],"gpu_past":[]}`,
		want: Question{Request: &ipc.WorkloadRequest{}},
	},
	{
		name: "threat, everything", kind: ipc.Threat,
		text: `{"agent_id":9,"metrics":{"operation_count":1,"syscall_count":2,"memory_usage":3,"network_activity":4},
			"anomalies":[{"anomaly_type":4294967295,"severity":-1.5,"timestamp":5},{"timestamp":0,"severity":0,"anomaly_type":0}],
			"historical_threats":[0,1],"time_since_last_threat":0,"syscall_features":[-3.5,0],"syscall_counts":[0,18446744073709551615]}`,
		want: Question{Request: &ipc.ThreatRequest{
			AgentID: 9, Metrics: ipc.ThreatMetrics{OperationCount: 1, SyscallCount: 2, MemoryUsage: 3, NetworkActivity: 4},
			Anomalies:         []ipc.Anomaly{{Type: 1<<32 - 1, Severity: -1.5, Timestamp: 5}, {}},
			HistoricalThreats: []float32{0, 1}, SyscallFeatures: []float32{-3.5, 0}, SyscallCounts: []uint64{0, ipc.Never},
		}},
	},
	{
		name: "threat, nothing ever happened", kind: ipc.Threat,
		text: `{"agent_id":9,"metrics":{"operation_count":0,"syscall_count":0,"memory_usage":0,"network_activity":0}}`,
		want: Question{Request: &ipc.ThreatRequest{AgentID: 9, TimeSinceLastThreat: ipc.Never}},
	},
	{
		name: "threat, never as null", kind: ipc.Threat,
		text: `{"agent_id":9,"metrics":{"operation_count":0,"syscall_count":0,"memory_usage":0,"network_activity":0},
			"time_since_last_threat":null}`,
		want: Question{Request: &ipc.ThreatRequest{AgentID: 9, TimeSinceLastThreat: ipc.Never}},
	},
	{
		name: "failure, everything", kind: ipc.Failure,
		text: `{"component":"disk \"a\"\u0020\ud83d\ude00","health_score":0.0,"current_value":-2.5,"baseline":0,"trend":-2,
			"historical_health":[1,0],"failure_history":[0,1],"time_since_last_failure":60000,"failure_rates":[1,2.5]}`,
		want: Question{Request: &ipc.FailureRequest{
			Component: "disk \"a\" 😀", CurrentValue: -2.5, Trend: ipc.TrendCritical,
			HistoricalHealth: []float32{1, 0}, FailureHistory: []uint8{0, 1}, TimeSinceLastFailure: 60000, FailureRates: []float32{1, 2.5},
		}},
	},
	{
		name: "failure, no history, never as 2^64-1", kind: ipc.Failure,
		text: `{"component":"cpu","health_score":1,"current_value":0.0,"baseline":0.0,"trend":1,"time_since_last_failure":18446744073709551615}`,
		want: Question{Request: &ipc.FailureRequest{
			Component: "cpu", HealthScore: 1, Trend: ipc.TrendImproving, TimeSinceLastFailure: ipc.Never,
		}},
	},
	{
		name: "memory, everything", kind: ipc.Memory,
		text: `{"agent_id":3,"access_history":[140737488355328,4096],"access_types":[0,2],"access_timestamps":[1,2],
			"current_address":4096,"locality_score":0.5,"candidates":[8192],"candidate_chances":[0.25],"address_form":"u64"}`,
		want: Question{Request: &ipc.MemoryRequest{
			AgentID: 3, AccessHistory: []uint64{1 << 47, 4096}, AccessTypes: []uint8{0, 2}, AccessTimestamps: []uint64{1, 2},
			CurrentAddress: 4096, LocalityScore: 0.5, Candidates: []uint64{8192}, CandidateChances: []float32{0.25},
		}},
	},
	{
		name: "memory in the origin's form, said last", kind: ipc.Memory,
		text: `{"agent_id":3,"access_history":[0,0.5,1.0],"current_address":1.0,"locality_score":0,"candidates":[9.5367431640625e-07],
			"address_form":"normalised32"}`,
		want: Question{Address: AddressNormalised32, Request: &ipc.MemoryRequest{
			AgentID: 3, AccessHistory: []uint64{0, 1 << 31, 1 << 32}, CurrentAddress: 1 << 32, Candidates: []uint64{4096},
		}},
	},
}

func mustDecode(t *testing.T, text string, k ipc.Kind) Question {
	t.Helper()
	q, err := DecodeRequest([]byte(text), k)
	if err != nil {
		t.Fatalf("DecodeRequest(%s, %v): %v", text, k, err)
	}
	return q
}
