package chaos

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

// randomRequest makes a valid question of kind k about a subject, with histories of any
// length, none included, and values at the ends of their ranges among the others.
func randomRequest(rng *rand.Rand, k ipc.Kind, subject uint64) ipc.Request {
	switch k {
	case ipc.Workload:
		n := rng.IntN(ipc.MaxWorkloadHistory + 1)
		q := &ipc.WorkloadRequest{
			AgentID: subject, HistoricalCPU: shares(rng, n), HistoricalMemory: numbers(rng, n, 1<<40),
			TimeOfDay: uint8(rng.IntN(24)), DayOfWeek: uint8(rng.IntN(7)), CurrentCPU: share(rng), CurrentMemory: rng.Uint64N(1 << 40),
		}
		if rng.IntN(2) == 0 {
			q.HistoricalGPU, q.CurrentGPU = shares(rng, n), ipc.Some(share(rng))
		}
		q.CPUPast, q.MemoryPast, q.GPUPast = past(rng), past(rng), past(rng)
		if rng.IntN(2) == 0 {
			past := func() []float32 { return shares(rng, rng.IntN(ipc.MaxWorkloadPast+1)) }
			q.CPUPast, q.MemoryPast, q.GPUPast = past(), past(), past()
		}
		return q
	case ipc.Threat:
		return &ipc.ThreatRequest{
			AgentID: subject, HistoricalThreats: shares(rng, rng.IntN(ipc.MaxThreatHistory+1)), TimeSinceLastThreat: rng.Uint64N(1 << 30),
			Metrics: ipc.ThreatMetrics{
				OperationCount: rng.Uint64N(5000), SyscallCount: rng.Uint64N(50_000), MemoryUsage: rng.Uint64N(1 << 36), NetworkActivity: rng.Uint64N(1 << 24),
			},
		}
	case ipc.Failure:
		n := rng.IntN(ipc.MaxHealthHistory + 1)
		flags := make([]uint8, rng.IntN(ipc.MaxFailureHistory+1))
		for i := range flags {
			flags[i] = uint8(rng.IntN(2))
		}
		name := [...]string{"memory", "cpu", "io", "network", "service", "scheduler"}[subject%6]
		return &ipc.FailureRequest{
			Component: fmt.Sprintf("%s-%d", name, subject), HealthScore: share(rng), CurrentValue: 100 * share(rng), Baseline: 100 * share(rng),
			Trend: int8(rng.IntN(4) - 2), HistoricalHealth: shares(rng, n), FailureHistory: flags, TimeSinceLastFailure: rng.Uint64N(1 << 32),
		}
	case ipc.Memory:
		n := rng.IntN(ipc.MaxAccessHistory + 1)
		page := rng.Uint64N(1<<35) << 12
		q := &ipc.MemoryRequest{AgentID: subject, CurrentAddress: page, LocalityScore: share(rng)}
		for i := range n {
			page += uint64(rng.IntN(4)) << 12
			q.AccessHistory = append(q.AccessHistory, page)
			q.AccessTypes = append(q.AccessTypes, uint8(rng.IntN(3)))
			q.AccessTimestamps = append(q.AccessTimestamps, 1e9+uint64(i)*1000)
			q.CurrentAddress = page
		}
		return q
	}
	panic("chaos: no such kind")
}

// share is in [0, 1], often at an end.
func share(rng *rand.Rand) float32 {
	switch rng.IntN(8) {
	case 0:
		return 0
	case 1:
		return 1
	}
	return rng.Float32()
}

func shares(rng *rand.Rand, n int) (out []float32) {
	for range n {
		out = append(out, share(rng))
	}
	return out
}

// past is as long as those of ipc/mlclient/loads, or of any other length, and often missing.
func past(rng *rand.Rand) (out []float32) {
	n := 0
	switch rng.IntN(3) {
	case 0:
		n = loads.Width
	case 1:
		n = rng.IntN(ipc.MaxWorkloadPast + 1)
	}
	for range n {
		out = append(out, finite(rng))
	}
	return out
}

// finite is any number of any size.
func finite(rng *rand.Rand) float32 {
	if v := math.Float32frombits(rng.Uint32()); v-v == 0 {
		return v
	}
	return 0
}

func numbers(rng *rand.Rand, n int, below uint64) (out []uint64) {
	for range n {
		out = append(out, rng.Uint64N(below))
	}
	return out
}
