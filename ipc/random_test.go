package ipc

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// arbitrary draws valid messages, with a liking for the edges of each range.
type arbitrary struct{ *rand.Rand }

func newArbitrary() arbitrary { return arbitrary{rand.New(rand.NewPCG(2026, 11))} }

func (a arbitrary) u64() uint64 {
	edges := [...]uint64{0, 1, 127, 128, 255, 256, 65535, 65536, math.MaxUint32, 1 << 32, 1<<53 + 1, math.MaxInt64, 1 << 63, Never}
	if a.IntN(2) == 0 {
		return edges[a.IntN(len(edges))]
	}
	return a.Uint64() >> a.IntN(64)
}

func (a arbitrary) share() float32 {
	edges := [...]float32{0, 1, 0.5, math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1)), math.Nextafter32(1, 0)}
	if a.IntN(2) == 0 {
		return edges[a.IntN(len(edges))]
	}
	return a.Float32()
}

func (a arbitrary) number() float32 {
	for {
		if v := math.Float32frombits(a.Uint32()); finite(v) {
			return v
		}
	}
}

// length likes the empty, the full and the length at which a header grows.
func (a arbitrary) length(max int) int {
	return [...]int{0, max, min(15, max), min(16, max), a.IntN(max + 1)}[a.IntN(5)]
}

func fill[T any](n int, draw func() T) []T {
	vs := make([]T, n)
	for i := range vs {
		vs[i] = draw()
	}
	return vs
}

func (a arbitrary) flags(n, values int) []uint8 {
	return fill(n, func() uint8 { return uint8(a.IntN(values)) })
}

func (a arbitrary) name(max int) string { return strings.Repeat("é", max)[:1+a.IntN(max)] }

func (a arbitrary) request(k Kind) Request {
	switch k {
	case Workload:
		q := &WorkloadRequest{
			AgentID: a.u64(), HistoricalCPU: fill(a.length(MaxWorkloadHistory), a.share),
			HistoricalMemory: fill(a.length(MaxWorkloadHistory), a.u64), HistoricalGPU: fill(a.length(MaxWorkloadHistory), a.share),
			TimeOfDay: uint8(a.IntN(24)), DayOfWeek: uint8(a.IntN(7)), CurrentCPU: a.share(), CurrentMemory: a.u64(),
			CPUPast: fill(a.length(MaxWorkloadPast), a.number), MemoryPast: fill(a.length(MaxWorkloadPast), a.number),
			GPUPast: fill(a.length(MaxWorkloadPast), a.number),
		}
		if a.IntN(2) == 0 {
			q.CurrentGPU = Some(a.share())
		}
		return q
	case Threat:
		return &ThreatRequest{
			AgentID: a.u64(), Metrics: ThreatMetrics{a.u64(), a.u64(), a.u64(), a.u64()},
			Anomalies: fill(a.length(MaxAnomalies), func() Anomaly {
				return Anomaly{Type: uint32(a.u64()), Severity: a.number(), Timestamp: a.u64()}
			}),
			HistoricalThreats: fill(a.length(MaxThreatHistory), a.share), TimeSinceLastThreat: a.u64(),
			SyscallFeatures: fill(a.length(MaxSyscallFeatures), a.number), SyscallCounts: fill(a.length(MaxSyscallCounts), a.u64),
		}
	case Failure:
		return &FailureRequest{
			Component: a.name(MaxComponentBytes), HealthScore: a.share(), CurrentValue: a.number(), Baseline: a.number(),
			Trend: int8(a.IntN(4) - 2), HistoricalHealth: fill(a.length(MaxHealthHistory), a.share),
			FailureHistory: a.flags(a.length(MaxFailureHistory), 2), TimeSinceLastFailure: a.u64(),
			FailureRates: fill(a.length(MaxFailureRates), a.share),
		}
	case Memory:
		n, c := a.length(MaxAccessHistory), a.length(MaxCandidates)
		return &MemoryRequest{
			AgentID: a.u64(), AccessHistory: fill(n, a.u64), AccessTypes: a.flags(n*a.IntN(2), 3),
			AccessTimestamps: fill(n*a.IntN(2), a.u64), CurrentAddress: a.u64(), LocalityScore: a.share(),
			Candidates: fill(c, a.u64), CandidateChances: fill(c*a.IntN(2), a.share),
		}
	}
	panic("ipc: no such kind")
}

func (a arbitrary) reply(k Kind) Reply {
	p := Reply{
		PredictionID: a.u64(), Source: Source(1 + a.IntN(4)), Reason: Reason(a.IntN(len(Reasons))),
		Age: time.Duration(a.u64() >> 1), Model: a.name(MaxModelBytes),
	}
	p.Kind, p.Ruled = k, Targets(a.IntN(256))&allTargets(k)
	switch k {
	case Workload:
		p.Workload = WorkloadPrediction{CPU: a.share(), Memory: a.u64(), Confidence: a.share()}
		if a.IntN(2) == 0 {
			p.Workload.GPU = Some(a.share())
		}
	case Threat:
		p.Threat = ThreatPrediction{a.share(), uint8(a.IntN(int(threatTypes))), a.share(), uint8(a.IntN(int(threatActions)))}
	case Failure:
		p.Failure = FailurePrediction{Probability: a.share(), Confidence: a.share(), Type: uint8(a.IntN(int(failureTypes)))}
		if a.IntN(2) == 0 {
			p.Failure.PredictedTime = Some(a.u64())
		}
	case Memory:
		p.Memory = MemoryPrediction{NextAddress: a.u64(), Probability: a.share(), Type: uint8(a.IntN(3)), Confidence: a.share()}
		p.Memory.MoreLen = a.IntN(MaxMore + 1)
		for i := range p.Memory.MoreLen {
			p.Memory.More[i] = MemoryCandidate{Address: a.u64(), Probability: a.share()}
		}
	}
	return p
}
