package predict

import (
	"math"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// The signals of a workload request, each a row of the same model.
const (
	signalCPU = iota
	signalMemory
	signalGPU
	signals
)

// workload serves models with the outputs delta (the change until the next
// interval, in units of the window) and confidence (chance that the cpu error
// is at most 0.05, read from the cpu row).
type workload struct{ delta, confidence int }

func newWorkload(m *metadata) *workload {
	m.layout(&features.Workload)
	return &workload{m.output("delta"), m.output("confidence")}
}

func (*workload) maxRows() int { return signals }

func (*workload) prepare(req ipc.Request, s *slot, dst []float32) (rows int) {
	s.units, rows = features.WorkloadRows(req.(*ipc.WorkloadRequest), dst)
	return rows
}

func (m *workload) conclude(req ipc.Request, s *slot, w *worker, first int, out *ipc.Prediction) {
	q := req.(*ipc.WorkloadRequest)
	change := func(signal int) float64 { return float64(w.read(m.delta, first+signal)) * s.units[signal] }
	p := &out.Workload
	p.CPU = unit(float32(float64(q.CurrentCPU) + change(signalCPU)))
	p.Memory = shift(q.CurrentMemory, change(signalMemory))
	if now, ok := features.CurrentGPU(q); ok {
		p.GPU = ipc.Some(unit(float32(float64(now) + change(signalGPU))))
	}
	p.Confidence = unit(w.read(m.confidence, first+signalCPU))
}

// shift adds a signed change to v without leaving the range of u64 and, where
// the change rounds to 0, without touching v at all.
func shift(v uint64, change float64) uint64 {
	size := math.Abs(math.Round(change))
	if size >= math.MaxUint64 { // rounds up to 2^64 as a float64
		if change < 0 {
			return 0
		}
		return math.MaxUint64
	}
	by := uint64(size)
	if change < 0 {
		return v - min(by, v)
	}
	return v + min(by, math.MaxUint64-v)
}
