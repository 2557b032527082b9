package ipc

import "strings"

// largestRequest gives a request of kind k with every list full and every number
// in its longest form.
func largestRequest(k Kind) Request {
	ones := func(n int) []float32 {
		vs := make([]float32, n)
		for i := range vs {
			vs[i] = 1
		}
		return vs
	}
	wide := func(n int) []uint64 {
		vs := make([]uint64, n)
		for i := range vs {
			vs[i] = Never - uint64(i)
		}
		return vs
	}
	switch k {
	case Workload:
		return &WorkloadRequest{
			AgentID: Never, HistoricalCPU: ones(MaxWorkloadHistory), HistoricalMemory: wide(MaxWorkloadHistory),
			HistoricalGPU: ones(MaxWorkloadHistory), TimeOfDay: 23, DayOfWeek: 6,
			CurrentCPU: 1, CurrentMemory: Never, CurrentGPU: Some[float32](1),
			CPUPast: ones(MaxWorkloadPast), MemoryPast: ones(MaxWorkloadPast), GPUPast: ones(MaxWorkloadPast),
		}
	case Threat:
		q := &ThreatRequest{
			AgentID: Never, Metrics: ThreatMetrics{Never, Never, Never, Never},
			HistoricalThreats: ones(MaxThreatHistory), TimeSinceLastThreat: Never, SyscallFeatures: ones(MaxSyscallFeatures), SyscallCounts: wide(MaxSyscallCounts),
		}
		for range MaxAnomalies {
			q.Anomalies = append(q.Anomalies, Anomaly{Type: 1<<32 - 1, Severity: 1, Timestamp: Never})
		}
		return q
	case Failure:
		return &FailureRequest{
			Component: strings.Repeat("n", MaxComponentBytes), HealthScore: 1, CurrentValue: 1, Baseline: 1, Trend: TrendCritical,
			HistoricalHealth: ones(MaxHealthHistory), FailureHistory: make([]uint8, MaxFailureHistory), TimeSinceLastFailure: Never,
			FailureRates: ones(MaxFailureRates),
		}
	case Memory:
		return &MemoryRequest{
			AgentID: Never, AccessHistory: wide(MaxAccessHistory), AccessTypes: make([]uint8, MaxAccessHistory),
			AccessTimestamps: wide(MaxAccessHistory), CurrentAddress: Never, LocalityScore: 1, Candidates: wide(MaxCandidates), CandidateChances: ones(MaxCandidates),
		}
	}
	panic("ipc: no such kind")
}

// largestReply gives a reply of kind k with every field set.
func largestReply(k Kind) Reply {
	p := Reply{PredictionID: Never, Source: SourceModel, Age: 1<<63 - 1, Model: strings.Repeat("m", MaxModelBytes)}
	p.Kind, p.Ruled = k, allTargets(k)
	switch k {
	case Workload:
		p.Workload = WorkloadPrediction{CPU: 1, Memory: Never, GPU: Some[float32](0), Confidence: 1}
	case Threat:
		p.Threat = ThreatPrediction{Score: 1, Type: ThreatWebShell, Confidence: 1, Action: ActionTerminate}
	case Failure:
		p.Failure = FailurePrediction{Probability: 1, PredictedTime: Some[uint64](Never), Confidence: 1, Type: FailureKernel}
	case Memory:
		p.Memory = MemoryPrediction{NextAddress: Never, Probability: 1, Type: AccessExecute, Confidence: 1, MoreLen: MaxMore}
		for i := range p.Memory.More {
			p.Memory.More[i] = MemoryCandidate{Address: Never, Probability: 1}
		}
	}
	return p
}
