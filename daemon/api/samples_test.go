package api

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// extremes are the u64 values that a float64 or a careless check would change.
var extremes = []uint64{0, 1, 1<<53 - 1, 1<<53 + 1, 1<<63 + 1, math.MaxUint64 - 1, math.MaxUint64}

// fill32 are float32 values whose shortest decimal forms differ in kind.
var fill32 = []float32{0, 1, 0.1, 1.0 / 3, 5.9604645e-08, 0.99999994, 1.1754944e-38, 1e-45}

// fullRequest has a distinct value in every field, and u in every u64.
func fullRequest(k ipc.Kind, u uint64) ipc.Request {
	switch k {
	case ipc.Workload:
		return &ipc.WorkloadRequest{
			AgentID: u, HistoricalCPU: fill32, HistoricalMemory: []uint64{u, 7, u},
			HistoricalGPU: []float32{0.5, 0}, TimeOfDay: 23, DayOfWeek: 6,
			CurrentCPU: 0.1, CurrentMemory: u, CurrentGPU: ipc.Some(float32(0)),
			CPUPast: []float32{-1.5, 1e21}, MemoryPast: []float32{123456.79}, GPUPast: []float32{0},
		}
	case ipc.Threat:
		return &ipc.ThreatRequest{
			AgentID:           u,
			Metrics:           ipc.ThreatMetrics{OperationCount: u, SyscallCount: u, MemoryUsage: u, NetworkActivity: u},
			Anomalies:         []ipc.Anomaly{{Type: math.MaxUint32, Severity: -3.4028235e38, Timestamp: u}, {Timestamp: u}},
			HistoricalThreats: fill32, TimeSinceLastThreat: u, SyscallFeatures: []float32{-1.5, 1e21, 123456.79}, SyscallCounts: []uint64{0, u},
		}
	case ipc.Failure:
		return &ipc.FailureRequest{
			Component: "disk \"sda\"\\\t\u00e9\u4e16", HealthScore: 0.25, CurrentValue: -0.0000001, Baseline: 3.4028235e38,
			Trend: ipc.TrendCritical, HistoricalHealth: fill32, FailureHistory: []uint8{0, 1, 1},
			TimeSinceLastFailure: u,
		}
	}
	return &ipc.MemoryRequest{
		AgentID: u, AccessHistory: []uint64{u, 4096, u}, AccessTypes: []uint8{0, 1, 2},
		AccessTimestamps: []uint64{u, 1, u}, CurrentAddress: u, LocalityScore: 0.75, Candidates: []uint64{u, 12}, CandidateChances: []float32{0, 1},
	}
}

// bareRequest has as little in it as is legal: no history, zero readings, never.
func bareRequest(k ipc.Kind) ipc.Request {
	switch k {
	case ipc.Workload:
		return &ipc.WorkloadRequest{}
	case ipc.Threat:
		return &ipc.ThreatRequest{TimeSinceLastThreat: ipc.Never}
	case ipc.Failure:
		return &ipc.FailureRequest{Component: "x", TimeSinceLastFailure: ipc.Never}
	}
	return &ipc.MemoryRequest{}
}

// fullPrediction has u in every u64 but the predicted time, which is ms whole
// milliseconds.
func fullPrediction(k ipc.Kind, u, ms uint64) ipc.Prediction {
	return ipc.Prediction{
		Kind:     k,
		Workload: pick(k == ipc.Workload, ipc.WorkloadPrediction{CPU: 0.1, Memory: u, GPU: ipc.Some(float32(0)), Confidence: 1}),
		Threat:   pick(k == ipc.Threat, ipc.ThreatPrediction{Score: 1.0 / 3, Type: 5, Confidence: 0.5, Action: 4}),
		Failure: pick(k == ipc.Failure, ipc.FailurePrediction{
			Probability: 0.9, PredictedTime: ipc.Some(ms * nsPerMs), Confidence: 0.25, Type: 5,
		}),
		Memory: pick(k == ipc.Memory, ipc.MemoryPrediction{
			NextAddress: u, Probability: 0.7, Type: 2, Confidence: 0.7, MoreLen: 2,
			More: [ipc.MaxMore]ipc.MemoryCandidate{{Address: u, Probability: 0.2}, {Address: 1, Probability: 1e-9}},
		}),
	}
}

// barePrediction has no optional value in it.
func barePrediction(k ipc.Kind) ipc.Prediction { return ipc.Prediction{Kind: k} }

func pick[T any](yes bool, v T) (zero T) {
	if yes {
		return v
	}
	return zero
}

var formats = []Format{JSON, Msgpack}
