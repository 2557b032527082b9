package predict

import "github.com/mlbridge/mlbridge/ipc"

// sample builds the i-th of a family of full requests, all different.
func sample(k ipc.Kind, i int) ipc.Request {
	switch k {
	case ipc.Workload:
		q := &ipc.WorkloadRequest{AgentID: uint64(i)}
		for j := range ipc.MaxWorkloadHistory {
			v := float32((i*7+j*j*13)%97) / 100
			q.HistoricalCPU = append(q.HistoricalCPU, v)
			q.HistoricalMemory = append(q.HistoricalMemory, 1<<30+uint64(v*1e7))
		}
		q.CurrentCPU, q.CurrentMemory = q.HistoricalCPU[9], q.HistoricalMemory[9]
		return q
	case ipc.Failure:
		q := &ipc.FailureRequest{Component: [...]string{"memory", "cpu", "io", "node-7"}[i%4], TimeSinceLastFailure: uint64(i) * 1e5}
		for j := range ipc.MaxHealthHistory {
			q.HistoricalHealth = append(q.HistoricalHealth, 1-float32((i+j*3)%40)/50)
			q.FailureHistory = append(q.FailureHistory, uint8((i+j)%5/4))
		}
		q.FailureHistory = q.FailureHistory[:ipc.MaxFailureHistory]
		q.HealthScore = q.HistoricalHealth[ipc.MaxHealthHistory-1]
		return q
	case ipc.Memory:
		q := &ipc.MemoryRequest{AgentID: uint64(i), LocalityScore: 0.5}
		a := uint64(0x7f00_0000_0000)
		for j := range ipc.MaxAccessHistory {
			a += uint64((i*j)%5) * 4096
			if j%7 == i%7 {
				a ^= 0x40_0000
			}
			q.AccessHistory = append(q.AccessHistory, a)
			q.AccessTypes = append(q.AccessTypes, uint8(j%2))
			q.AccessTimestamps = append(q.AccessTimestamps, uint64(j)*2000)
		}
		q.CurrentAddress = a
		return q
	}
	q := &ipc.ThreatRequest{AgentID: uint64(i), TimeSinceLastThreat: ipc.Never}
	q.Metrics = ipc.ThreatMetrics{OperationCount: uint64(i % 90), SyscallCount: 100, MemoryUsage: 1 << 20}
	return q
}

func batchOf(k ipc.Kind, n int) []ipc.Request {
	reqs := make([]ipc.Request, n)
	for i := range reqs {
		reqs[i] = sample(k, i)
	}
	return reqs
}
