package loads

import "github.com/mlbridge/mlbridge/ipc"

// Reading is what was measured of an agent in one interval.
type Reading struct {
	CPU    float32               // share in [0, 1]
	Memory uint64                // bytes
	GPU    ipc.Optional[float32] // share in [0, 1]
}

// Tracker follows the readings of one agent. The zero value is ready. It grows to
// 10 KiB a signal and 1 KiB besides with what it has seen, and allocates nothing after
// that. It is not safe for concurrent use.
type Tracker struct {
	cpu, memory, gpu Series

	cpus, gpus [window]float32 // the last readings, oldest first
	bytes      [window]uint64
	n, ngpu    int // how many there are
}

const window = ipc.MaxWorkloadHistory

// Add notes the readings of the interval that has just ended. With a share that is out of
// range a request is refused until ten others have come; the past does not know it.
func (t *Tracker) Add(r Reading) {
	t.cpu.AddShare(r.CPU)
	t.memory.AddBytes(r.Memory)
	push(t.cpus[:], t.n, r.CPU)
	t.n = push(t.bytes[:], t.n, r.Memory)
	if !r.GPU.Valid {
		t.ngpu = 0
		t.gpu.Break()
		return
	}
	t.gpu.AddShare(r.GPU.Value)
	t.ngpu = push(t.gpus[:], t.ngpu, r.GPU.Value)
}

// push adds v to the n values in front of w, in place of the oldest where w is full, and
// returns how many there are.
func push[T any](w []T, n int, v T) int {
	if n == len(w) {
		copy(w, w[1:])
		n--
	}
	w[n] = v
	return n + 1
}

// Break says that the next reading does not follow the last one: intervals are missing.
// The ten readings of a request begin anew, the past stays known.
func (t *Tracker) Break() {
	t.n, t.ngpu = 0, 0
	t.cpu.Break()
	t.memory.Break()
	t.gpu.Break()
}

// Report writes readings and pasts into q, in place of those that are there, using q's
// storage again: whoever keeps the request of before, or still waits for its answer, gives
// a copy (ipc.WorkloadRequest.Copy) or another q. AgentID, TimeOfDay and DayOfWeek are the
// caller's to set. Without a reading since the beginning, or since a Break, the current
// values are 0.
//
// Of a signal whose readings in the request are all the same there is no past: how far
// they moved is the measure that models take a past in, so they make nothing of it, and as
// its averages fade a little every interval, an idle agent's question would never be one
// that a cache knows.
func (t *Tracker) Report(q *ipc.WorkloadRequest) {
	q.HistoricalCPU = append(q.HistoricalCPU[:0], t.cpus[:t.n]...)
	q.HistoricalMemory = append(q.HistoricalMemory[:0], t.bytes[:t.n]...)
	q.HistoricalGPU = append(q.HistoricalGPU[:0], t.gpus[:t.ngpu]...)
	q.CurrentCPU, q.CurrentMemory, q.CurrentGPU = 0, 0, ipc.Optional[float32]{}
	if t.n > 0 {
		q.CurrentCPU, q.CurrentMemory = t.cpus[t.n-1], t.bytes[t.n-1]
	}
	if t.ngpu > 0 {
		q.CurrentGPU = ipc.Some(t.gpus[t.ngpu-1])
	}
	q.CPUPast = appendPast(q.CPUPast[:0], &t.cpu, q.HistoricalCPU)
	q.MemoryPast = appendPast(q.MemoryPast[:0], &t.memory, q.HistoricalMemory)
	q.GPUPast = appendPast(q.GPUPast[:0], &t.gpu, q.HistoricalGPU)
}

func appendPast[T comparable](dst []float32, s *Series, readings []T) []float32 {
	for _, v := range readings {
		if v != readings[0] {
			return s.AppendPast(dst)
		}
	}
	return dst
}
