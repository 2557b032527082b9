package translate

import "github.com/mlbridge/mlbridge/ipc"

// observation is what was seen of an agent's load, while it is read or written: what
// nobody measured is left out.
type observation struct {
	ipc.WorkloadPrediction
	seen ipc.Targets
}

var workloadObservation = []field[observation]{
	{
		name: "predicted_cpu", optional: true, // not measured
		get: func(s *scanner, o *observation) {
			o.CPU = s.f32()
			o.seen |= ipc.TargetCPU
		},
		put:  func(w *writer, o *observation) { w.f32(o.CPU) },
		omit: func(_ *writer, o *observation) bool { return !o.seen.Has(ipc.TargetCPU) },
	},
	{
		name: "predicted_memory", optional: true, // not measured
		get: func(s *scanner, o *observation) {
			o.Memory = s.u64()
			o.seen |= ipc.TargetMemory
		},
		put:  func(w *writer, o *observation) { w.u64(o.Memory) },
		omit: func(_ *writer, o *observation) bool { return !o.seen.Has(ipc.TargetMemory) },
	},
	{
		name: "predicted_gpu", optional: true, // no GPU, or not measured
		get: func(s *scanner, o *observation) {
			o.GPU = s.optF32()
			o.seen |= ipc.TargetGPU
		},
		put:  func(w *writer, o *observation) { w.optF32(o.GPU) },
		omit: func(_ *writer, o *observation) bool { return !o.seen.Has(ipc.TargetGPU) },
	},
	{
		name: "confidence", optional: true, // an observation has none
		get: func(s *scanner, o *observation) { o.Confidence = s.f32() },
		put: func(w *writer, o *observation) { w.f32(o.Confidence) },
	},
}

// actual reads the object of what happened, of a report whose kind is known.
func (s *scanner) actual(k ipc.Kind, o *ipc.Outcome) {
	o.Actual = ipc.Prediction{Kind: k}
	switch k {
	case ipc.Workload:
		var seen observation
		read(s, workloadObservation, &seen)
		if s.err == nil && seen.seen&(ipc.TargetCPU|ipc.TargetMemory) == 0 && !seen.GPU.Valid {
			s.fail("nothing was observed")
		}
		o.Actual.Workload = seen.WorkloadPrediction
		o.Unobserved = (ipc.TargetCPU | ipc.TargetMemory) &^ seen.seen
	case ipc.Threat:
		read(s, threatPrediction, &o.Actual.Threat)
	case ipc.Failure:
		read(s, failurePrediction, &o.Actual.Failure)
	case ipc.Memory:
		s.lookAtAddressForm()
		read(s, memoryPrediction, &o.Actual.Memory)
	}
}

// happened writes it.
func (w *writer) happened(o *ipc.Outcome) {
	if o.Actual.Kind != ipc.Workload {
		w.open('{')
		w.prediction(&o.Actual)
		w.close('}')
		return
	}
	write(w, workloadObservation, &observation{o.Actual.Workload, ^o.Unobserved})
}
