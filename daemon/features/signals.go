package features

import "github.com/mlbridge/mlbridge/ipc"

// WorkloadRows fills dst with a request's rows, one after the other (Workload.Width()
// numbers each): cpu, memory and, where the agent has one, gpu. units are the windows' own,
// their mean absolute steps: the model's answer is a change in that unit.
func WorkloadRows(q *ipc.WorkloadRequest, dst []float32) (units [3]float64, rows int) {
	var w Window
	width := Workload.Width()
	cpu, memory, gpu := dst[:width], dst[width:2*width], dst[2*width:3*width]
	w.CPU(q.HistoricalCPU, q.CurrentCPU)
	units[0] = w.Row(cpu)
	putPast(cpu, q.CPUPast, units[0], 0)
	w.Bytes(q.HistoricalMemory, q.CurrentMemory)
	units[1] = w.Row(memory)
	putPast(memory, q.MemoryPast, units[1], 1)
	beside(cpu, memory)
	beside(memory, cpu)
	now, ok := CurrentGPU(q)
	if !ok {
		return units, 2
	}
	w.GPU(q.HistoricalGPU, now)
	units[2] = w.Row(gpu)
	putPast(gpu, q.GPUPast, units[2], 2)
	beside(gpu, memory)
	return units, 3
}

// beside writes the columns other_lag1 … of a row from another signal's row.
func beside(row, other []float32) {
	r, o := (*workloadRow)(row), (*workloadRow)(other)
	to := r[workloadOther:workloadPast]
	copy(to[:9], o[workloadLags:workloadStep2])
	copy(to[9:18], o[workloadMean:workloadErrors])
	to[18] = o[workloadLevel]
	copy(to[19:22], o[workloadHeadroom:workloadOther])
}
