package features

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// The rows of the plain layouts. Rows are arrays: the compiler knows their length.

// WorkloadFieldsRow fills dst (WorkloadFields.Width() numbers) from q. A memory
// column is bytes × perByte.
func WorkloadFieldsRow(q *ipc.WorkloadRequest, perByte float64, dst []float32) {
	const n = ipc.MaxWorkloadHistory
	r := (*[3*n + 5]float32)(dst)
	tail(r[:n], q.HistoricalCPU, q.CurrentCPU)
	r[3*n+3] = float32(float64(q.CurrentMemory) * perByte)
	memory := r[n : 2*n]
	pad := n - min(len(q.HistoricalMemory), n)
	for i, v := range q.HistoricalMemory[:n-pad] {
		memory[pad+i] = float32(float64(v) * perByte)
	}
	oldest := r[3*n+3]
	if pad < n {
		oldest = memory[pad]
	}
	repeat(memory[:pad], oldest)
	gpu, _ := CurrentGPU(q)
	tail(r[2*n:3*n], q.HistoricalGPU, gpu)
	r[3*n] = float32(q.TimeOfDay) / 24
	r[3*n+1] = float32(q.DayOfWeek) / 7
	r[3*n+2] = q.CurrentCPU
	r[3*n+4] = gpu
}

// ThreatFieldsRow fills dst (ThreatFields.Width() numbers) from q.
func ThreatFieldsRow(q *ipc.ThreatRequest, dst []float32) {
	const n = ipc.MaxThreatHistory
	r := (*[6 + n + 1]float32)(dst)
	m := &q.Metrics
	r[0], r[1] = compressed(m.OperationCount), compressed(m.SyscallCount)
	r[2], r[3] = compressed(m.MemoryUsage), compressed(m.NetworkActivity)
	r[4] = float32(len(q.Anomalies)) / ipc.MaxAnomalies
	r[5] = 0
	for i := range q.Anomalies {
		r[5] = max(r[5], q.Anomalies[i].Severity)
	}
	tail(r[6:6+n], q.HistoricalThreats, 0)
	r[6+n] = compressed(q.TimeSinceLastThreat)
}

// FailureFieldsRow fills dst (FailureFields.Width() numbers) from q about a component
// of the given type (ipc.FailureMemory …).
func FailureFieldsRow(q *ipc.FailureRequest, component uint8, dst []float32) {
	const n, flags, types = ipc.MaxHealthHistory, ipc.MaxFailureHistory, int(ipc.FailureKernel) + 1
	r := (*[n + flags + 5 + types]float32)(dst)
	tail(r[:n], q.HistoricalHealth, q.HealthScore)
	small(r[n:n+flags], q.FailureHistory)
	rest := r[n+flags:]
	rest[0], rest[1], rest[2] = q.HealthScore, q.CurrentValue, q.Baseline
	rest[3], rest[4] = float32(q.Trend), compressed(q.TimeSinceLastFailure)
	clear(rest[5:])
	rest[5+int(component)] = 1
}

// MemoryFieldsRow fills dst (MemoryFields.Width() numbers) from q.
func MemoryFieldsRow(q *ipc.MemoryRequest, dst []float32) {
	const n = ipc.MaxAccessHistory
	r := (*[3*n + 1]float32)(dst)
	now := q.CurrentAddress >> pageShift
	pages, oldest := r[:n], float32(0)
	pad := n - min(len(q.AccessHistory), n)
	for i, a := range q.AccessHistory[:n-pad] {
		pages[pad+i] = float32(PageSteps(now, a>>pageShift))
	}
	if pad < n {
		oldest = pages[pad]
	}
	repeat(pages[:pad], oldest)
	small(r[n:2*n], q.AccessTypes)
	ages(r[2*n:3*n], q.AccessTimestamps)
	r[3*n] = q.LocalityScore
}

// PageSteps is the signed distance from one page number to another. It wraps as
// addresses do: the page after the last is page 0.
func PageSteps(from, to uint64) int64 { return int64((to-from)<<pageShift) >> pageShift }

// ages writes how long before the newest time each one was, compressed; clocks that
// run backwards count as no time.
func ages(dst []float32, ns []uint64) {
	ns = ns[:min(len(ns), len(dst))]
	pad := len(dst) - len(ns)
	if len(ns) == 0 {
		clear(dst)
		return
	}
	newest := ns[len(ns)-1]
	for i, t := range ns {
		dst[pad+i] = compressed(newest - min(t, newest))
	}
	repeat(dst[:pad], dst[pad])
}

// tail writes the values of h into the last columns of dst; those in front repeat
// the oldest, or all are other where there is no value.
func tail(dst, h []float32, other float32) {
	pad := len(dst) - min(len(h), len(dst))
	copy(dst[pad:], h)
	if len(h) > 0 {
		other = h[0]
	}
	repeat(dst[:pad], other)
}

// small is tail for flags and types; without a value all are 0.
func small(dst []float32, h []uint8) {
	h = h[:min(len(h), len(dst))]
	pad, oldest := len(dst)-len(h), float32(0)
	for i, v := range h {
		dst[pad+i] = float32(v)
	}
	if len(h) > 0 {
		oldest = dst[pad]
	}
	repeat(dst[:pad], oldest)
}

func repeat(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}

// compressed brings a count or a time to [0, 1].
func compressed(v uint64) float32 { return float32(log2(1+float64(v)) / 64) }

// PageAfter is the address of the page that lies steps pages, rounded, from the one
// of address. Distances beyond 2^51 pages, half of the space, are cut.
func PageAfter(address uint64, steps float64) uint64 {
	const most = 1 << 51
	by := int64(math.RoundToEven(max(-most, min(steps, most-1))))
	return (address>>pageShift + uint64(by)) << pageShift
}
