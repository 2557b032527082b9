package payload

import (
	"github.com/mlbridge/mlbridge/bench/proto"
	"github.com/mlbridge/mlbridge/ipc"
)

// ToProto points r at q's values.
func ToProto(q *ipc.WorkloadRequest, r *proto.WorkloadRequest) {
	r.AgentId = q.AgentID
	r.HistoricalCpu, r.HistoricalMemory, r.HistoricalGpu = q.HistoricalCPU, q.HistoricalMemory, q.HistoricalGPU
	r.TimeOfDay, r.DayOfWeek = uint32(q.TimeOfDay), uint32(q.DayOfWeek)
	r.CurrentCpu, r.CurrentMemory, r.CurrentGpu = q.CurrentCPU, q.CurrentMemory, &q.CurrentGPU.Value
	r.BudgetNs = BudgetNs
}
