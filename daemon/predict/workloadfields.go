package predict

import (
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// workloadFields serves models with the outputs predicted_cpu, predicted_gpu (shares),
// predicted_memory (in the model's memory_unit, 1 GiB where the metadata names none)
// and confidence.
type workloadFields struct {
	oneRow
	cpu, memory, gpu, confidence column
	unit, perByte                float64
}

const defaultMemoryUnit = "1073741824"

func newWorkloadFields(p *plain) *workloadFields {
	if p.meta.values["memory_unit"] == "" {
		p.meta.values["memory_unit"] = defaultMemoryUnit
	}
	unit := float64(p.meta.numbers("memory_unit", 1, 1<<50)[0])
	return &workloadFields{
		cpu: p.must("predicted_cpu"), memory: p.must("predicted_memory"),
		gpu: p.must("predicted_gpu"), confidence: p.confidence(),
		unit: unit, perByte: 1 / unit,
	}
}

func (m *workloadFields) prepare(req ipc.Request, _ *slot, dst []float32) int {
	features.WorkloadFieldsRow(req.(*ipc.WorkloadRequest), m.perByte, dst[:features.WorkloadFields.Width()])
	return 1
}

func (m *workloadFields) conclude(req ipc.Request, _ *slot, w *worker, row int, out *ipc.Prediction) {
	q, p := req.(*ipc.WorkloadRequest), &out.Workload
	p.CPU, p.Confidence = unit(m.cpu.of(w, row)), unit(m.confidence.of(w, row))
	p.Memory = shift(0, max(0, float64(m.memory.of(w, row))*m.unit))
	if _, ok := features.CurrentGPU(q); ok {
		p.GPU = ipc.Some(unit(m.gpu.of(w, row)))
	}
}
