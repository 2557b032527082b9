package predict

import (
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// memoryFields serves models with the outputs next_page (its distance to the current
// page in pages, rounded), access_probability and, where they have them,
// access_type_0 … access_type_2.
type memoryFields struct {
	oneRow
	next, probability column
	types             []column
}

func newMemoryFields(p *plain) *memoryFields {
	return &memoryFields{
		next: p.must("next_page"), probability: p.must("access_probability"),
		types: p.classes("access_type_", int(ipc.AccessExecute)+1),
	}
}

func (*memoryFields) prepare(req ipc.Request, _ *slot, dst []float32) int {
	features.MemoryFieldsRow(req.(*ipc.MemoryRequest), dst[:features.MemoryFields.Width()])
	return 1
}

func (m *memoryFields) conclude(req ipc.Request, _ *slot, w *worker, row int, out *ipc.Prediction) {
	q, p := req.(*ipc.MemoryRequest), &out.Memory
	p.NextAddress = features.PageAfter(q.CurrentAddress, float64(m.next.of(w, row)))
	p.Probability = unit(m.probability.of(w, row))
	p.Confidence = p.Probability
	switch n := len(q.AccessTypes); {
	case len(m.types) > 0:
		p.Type = largest(m.types, w, row)
	case n > 0:
		p.Type = q.AccessTypes[n-1]
	}
}
