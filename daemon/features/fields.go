package features

import (
	"fmt"

	"github.com/mlbridge/mlbridge/ipc"
)

// FieldsVersion is the layout whose columns are the request's own fields, in the
// request's order and one row a question: what a model brought along is fitted on
// when its makers have their own idea of features, and what the dense networks of
// the origin read (its workload model had these 35 inputs).
//
// Rules that hold for all four kinds: a series has its newest value in its last
// column; where it is shorter, the columns in front repeat its oldest value, so that
// a short history is a flat one and not one that rises from zero. Times and counts
// without a bound are compressed to [0, 1] by log2(1+v)/64, which is exact to 1 for
// "never". Everything else is the field's number as it is, or as its comment says.
const FieldsVersion = "fields/1"

// WorkloadFields are the 35 columns of a workload question: cpu and gpu as shares
// (0 in all gpu columns where the agent has none), memory in units of the model's
// choice, the hour / 24 and the weekday / 7 (0 = Sunday). An empty series repeats
// the current value.
var WorkloadFields = Layout{ipc.Workload.String(), FieldsVersion, join(
	series("historical_cpu", ipc.MaxWorkloadHistory),
	series("historical_memory", ipc.MaxWorkloadHistory),
	series("historical_gpu", ipc.MaxWorkloadHistory),
	[]string{"time_of_day", "day_of_week", "current_cpu", "current_memory", "current_gpu"},
)}

// ThreatFields are the 17 columns of a threat question. The four counters and the
// time (ms) are compressed, anomaly_count is a share of 32, anomaly_severity the
// largest there is (0 without). Without earlier scores their columns are 0.
var ThreatFields = Layout{ipc.Threat.String(), FieldsVersion, join(
	[]string{"operation_count", "syscall_count", "memory_usage", "network_activity", "anomaly_count", "anomaly_severity"},
	series("historical_threats", ipc.MaxThreatHistory),
	[]string{"time_since_last_threat"},
)}

// FailureFields are the 41 columns of a failure question. The time (ms) is
// compressed, the trend is -2 to 1, current_value and baseline come in their own
// unit; component_… is 1 for the type that the component's name stands for. Without
// a series its columns are the health score, and 0 for the flags.
var FailureFields = Layout{ipc.Failure.String(), FieldsVersion, join(
	series("historical_health", ipc.MaxHealthHistory),
	series("failure_history", ipc.MaxFailureHistory),
	[]string{
		"health_score", "current_value", "baseline", "trend", "time_since_last_failure",
		"component_memory", "component_cpu", "component_io", "component_network", "component_service", "component_kernel",
	},
)}

// MemoryFields are the 61 columns of a memory question. An address is its distance
// to the current page in pages (4 KiB, signed; subtracted between integers, exact up
// to 2^24 pages), an access type 0 to 2, a timestamp its age before the newest one,
// in ns and compressed. Without a series its columns are 0.
var MemoryFields = Layout{ipc.Memory.String(), FieldsVersion, join(
	series("access_history", ipc.MaxAccessHistory),
	series("access_types", ipc.MaxAccessHistory),
	series("access_timestamps", ipc.MaxAccessHistory),
	[]string{"locality_score"},
)}

// FieldsOf gives the plain layout of kind k, nil when k is no kind.
func FieldsOf(k ipc.Kind) *Layout {
	switch k {
	case ipc.Workload:
		return &WorkloadFields
	case ipc.Threat:
		return &ThreatFields
	case ipc.Failure:
		return &FailureFields
	case ipc.Memory:
		return &MemoryFields
	}
	return nil
}

// series names the columns of a series, oldest first.
func series(name string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s_%d", name, i)
	}
	return names
}

func join(parts ...[]string) []string {
	var names []string
	for _, p := range parts {
		names = append(names, p...)
	}
	return names
}

// CurrentGPU is the agent's gpu share. One with neither a reading nor a history of
// it has no GPU.
func CurrentGPU(q *ipc.WorkloadRequest) (share float32, ok bool) {
	if q.CurrentGPU.Valid {
		return q.CurrentGPU.Value, true
	}
	if n := len(q.HistoricalGPU); n > 0 {
		return q.HistoricalGPU[n-1], true
	}
	return 0, false
}
