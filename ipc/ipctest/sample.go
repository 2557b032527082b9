package ipctest

import "github.com/mlbridge/mlbridge/ipc"

// Request gives a small valid request of kind k about the given agent.
func Request(k ipc.Kind, agent uint64) ipc.Request {
	switch k {
	case ipc.Workload:
		return &ipc.WorkloadRequest{
			AgentID: agent, HistoricalCPU: []float32{0.1, 0.2, 0.3}, HistoricalMemory: []uint64{1 << 30},
			CurrentCPU: 0.3, CurrentMemory: 1 << 30,
		}
	case ipc.Threat:
		return &ipc.ThreatRequest{AgentID: agent, TimeSinceLastThreat: ipc.Never}
	case ipc.Failure:
		return &ipc.FailureRequest{Component: ipc.Subject{Agent: agent}.String(), HealthScore: 0.9, TimeSinceLastFailure: ipc.Never}
	case ipc.Memory:
		return &ipc.MemoryRequest{AgentID: agent, AccessHistory: []uint64{4096}, CurrentAddress: 4096}
	}
	return nil
}

// ModelName is the model that ModelReply names.
const ModelName = "fake@1"

// ModelReply answers every request as a sure model would.
func ModelReply(q ipc.Request) ipc.Reply {
	r := ipc.Reply{PredictionID: 1, Source: ipc.SourceModel, Model: ModelName}
	r.Kind = q.Kind()
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		r.Workload = ipc.WorkloadPrediction{CPU: 0.5, Memory: q.CurrentMemory + 1, Confidence: 0.9}
	case *ipc.ThreatRequest:
		r.Threat = ipc.ThreatPrediction{Score: 0.1, Confidence: 0.9}
	case *ipc.FailureRequest:
		r.Failure = ipc.FailurePrediction{Probability: 0.2, PredictedTime: ipc.Some[uint64](5), Confidence: 0.9}
	case *ipc.MemoryRequest:
		r.Memory = ipc.MemoryPrediction{NextAddress: q.CurrentAddress + 1, Probability: 0.9, Confidence: 0.9}
	}
	return r
}

// Unsure answers as ModelReply does, with a confidence of 0.2.
func Unsure(q ipc.Request) ipc.Reply {
	r := ModelReply(q)
	switch r.Kind {
	case ipc.Workload:
		r.Workload.Confidence = 0.2
	case ipc.Threat:
		r.Threat.Confidence = 0.2
	case ipc.Failure:
		r.Failure.Confidence = 0.2
	case ipc.Memory:
		r.Memory.Confidence = 0.2
	}
	return r
}
