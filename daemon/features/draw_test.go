package features

import (
	"math"
	"math/rand/v2"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

// The requests that tests and benchmarks compute rows of. Each generator covers
// what decides which branch a column takes: short windows, values that repeat,
// values at the edges of their range.

// drawShares is a walk of up to ipc.MaxWorkloadHistory shares that often stands still.
func drawShares(r *rand.Rand) ([]float32, float32) {
	h := make([]float32, r.IntN(ipc.MaxWorkloadHistory+1))
	v := r.Float32()
	for i := range h {
		switch r.IntN(4) {
		case 0: // still
		case 1:
			v = float32(r.IntN(3)) / 2
		default:
			v = max(0, min(1, v+float32(r.NormFloat64())/20))
		}
		h[i] = v
	}
	if r.IntN(8) == 0 {
		v = r.Float32() // a current value that the history does not end with
	}
	return h, v
}

// drawBytes is drawShares for memory, with steps of a byte and of the whole range.
func drawBytes(r *rand.Rand) ([]uint64, uint64) {
	h := make([]uint64, r.IntN(ipc.MaxWorkloadHistory+1))
	v := r.Uint64() >> r.IntN(64)
	for i := range h {
		switch r.IntN(5) {
		case 0: // still
		case 1:
			v++
		case 2:
			v = r.Uint64() >> r.IntN(64)
		default:
			v += uint64(r.NormFloat64() * 1e6)
		}
		h[i] = v
	}
	return h, v
}

// drawWorkload is a question with one of three agents without a GPU.
func drawWorkload(r *rand.Rand) *ipc.WorkloadRequest {
	q := &ipc.WorkloadRequest{TimeOfDay: uint8(r.IntN(24)), DayOfWeek: uint8(r.IntN(7))}
	q.HistoricalCPU, q.CurrentCPU = drawShares(r)
	q.HistoricalMemory, q.CurrentMemory = drawBytes(r)
	if r.IntN(3) > 0 {
		q.HistoricalGPU, q.CurrentGPU.Value = drawShares(r)
		q.CurrentGPU.Valid = true
	}
	return q
}

// drawPasts gives two of three signals a past, now and then one of another length.
func drawPasts(r *rand.Rand, q *ipc.WorkloadRequest) {
	for i, to := range []*[]float32{&q.CPUPast, &q.MemoryPast, &q.GPUPast} {
		if r.IntN(3) == 0 {
			continue
		}
		for range loads.Width - r.IntN(16)/15 {
			*to = append(*to, float32(r.NormFloat64()*math.Exp2(float64(r.IntN(8)+20*(i%2)))))
		}
	}
}

func drawFailure(r *rand.Rand) (q *ipc.FailureRequest, failureType uint8) {
	q = &ipc.FailureRequest{
		HistoricalHealth:     make([]float32, r.IntN(ipc.MaxHealthHistory+1)),
		FailureHistory:       make([]uint8, r.IntN(ipc.MaxFailureHistory+1)),
		CurrentValue:         float32(r.NormFloat64() * math.Exp2(float64(r.IntN(40)-10))),
		Baseline:             float32(r.IntN(3)),
		Trend:                int8(r.IntN(4) - 2),
		TimeSinceLastFailure: r.Uint64() >> r.IntN(64),
	}
	v := r.Float32()
	for i := range q.HistoricalHealth {
		if r.IntN(3) > 0 {
			v = max(0, min(1, v+float32(r.NormFloat64())/10))
		}
		q.HistoricalHealth[i] = v
	}
	for i := range q.FailureHistory {
		q.FailureHistory[i] = uint8(r.IntN(2))
	}
	q.HealthScore = v
	if r.IntN(4) == 0 {
		q.HealthScore, q.TimeSinceLastFailure = r.Float32(), ipc.Never
	}
	if r.IntN(3) > 0 {
		q.FailureRates = make([]float32, r.IntN(ipc.MaxFailureRates+1))
		for i := range q.FailureRates {
			q.FailureRates[i] = float32(r.IntN(60)) / float32(1+r.IntN(30))
		}
	}
	return q, uint8(r.IntN(6))
}

func drawThreat(r *rand.Rand) *ipc.ThreatRequest {
	q := &ipc.ThreatRequest{}
	q.Metrics.SyscallCount = r.Uint64() >> r.IntN(64)
	q.Metrics.OperationCount = r.Uint64() >> r.IntN(64)
	if r.IntN(4) > 0 {
		q.SyscallFeatures = make([]float32, windowColumns-r.IntN(8)/7)
		for i := range q.SyscallFeatures {
			q.SyscallFeatures[i] = float32(r.IntN(100)/50*r.IntN(100)) / 100
		}
		// Two of three remember more than the window. No number is drawn for it: those of
		// the other kinds come from the same row.
		if q.Metrics.SyscallCount%3 > 0 && len(q.SyscallFeatures) == windowColumns {
			q.SyscallFeatures = append(q.SyscallFeatures, q.SyscallFeatures[:SyscallColumns-windowColumns]...)
		}
	}
	if q.Metrics.SyscallCount%5 > 1 {
		for g := range uint64(countColumns) - q.Metrics.OperationCount%5/4 {
			q.SyscallCounts = append(q.SyscallCounts, (q.Metrics.OperationCount+g)%7/5*g)
		}
	}
	for range r.IntN(5) {
		q.Anomalies = append(q.Anomalies, ipc.Anomaly{Type: uint32(r.IntN(9)), Severity: float32(r.NormFloat64())})
	}
	for range r.IntN(ipc.MaxThreatHistory + 1) {
		q.HistoricalThreats = append(q.HistoricalThreats, float32(r.IntN(9))/8)
	}
	return q
}

// drawMemory is a window of faults: walks, leaps, returns.
func drawMemory(r *rand.Rand) *ipc.MemoryRequest {
	q := &ipc.MemoryRequest{LocalityScore: r.Float32(), AccessHistory: make([]uint64, r.IntN(ipc.MaxAccessHistory+1))}
	a, ns, step := r.Uint64()>>r.IntN(40), r.Uint64()>>20, uint64(4096)
	for i := range q.AccessHistory {
		switch r.IntN(8) {
		case 0:
			step = uint64(r.IntN(9)-4) << pageShift
		case 1:
			a = r.Uint64() >> r.IntN(40)
		case 2:
			a = q.AccessHistory[r.IntN(i+1)]
		default:
			a += step
		}
		q.AccessHistory[i] = a
		if r.IntN(16) > 0 {
			ns += r.Uint64() >> (24 + r.IntN(40))
		} else {
			ns -= 5
		}
		q.AccessTypes = append(q.AccessTypes, uint8(r.IntN(3)))
		q.AccessTimestamps = append(q.AccessTimestamps, ns)
	}
	if q.CurrentAddress = a; r.IntN(8) == 0 {
		q.CurrentAddress = r.Uint64()
	}
	for range r.IntN(3) * r.IntN(ipc.MaxCandidates/2+1) {
		q.Candidates = append(q.Candidates, a+uint64(r.IntN(12)-4)<<pageShift)
	}
	if r.IntN(2) == 0 {
		for range q.Candidates {
			q.CandidateChances = append(q.CandidateChances, r.Float32())
		}
	}
	return q
}
