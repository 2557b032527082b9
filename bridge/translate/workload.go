package translate

import "github.com/mlbridge/mlbridge/ipc"

var workloadRequest = []field[ipc.WorkloadRequest]{
	kindField[ipc.WorkloadRequest](ipc.Workload),
	{
		name: "agent_id",
		get:  func(s *scanner, q *ipc.WorkloadRequest) { q.AgentID = s.u64() },
		put:  func(w *writer, q *ipc.WorkloadRequest) { w.u64(q.AgentID) },
	},
	{
		name: "historical_cpu", optional: true, // no history
		get: func(s *scanner, q *ipc.WorkloadRequest) {
			q.HistoricalCPU = list(s, ipc.MaxWorkloadHistory, s.f32)
		},
		put: func(w *writer, q *ipc.WorkloadRequest) { each(w, q.HistoricalCPU, w.f32) },
	},
	{
		name: "historical_memory", optional: true, // no history
		get: func(s *scanner, q *ipc.WorkloadRequest) {
			q.HistoricalMemory = list(s, ipc.MaxWorkloadHistory, s.u64)
		},
		put: func(w *writer, q *ipc.WorkloadRequest) { each(w, q.HistoricalMemory, w.u64) },
	},
	{
		name: "historical_gpu", optional: true, // no GPU
		get: func(s *scanner, q *ipc.WorkloadRequest) {
			q.HistoricalGPU = list(s, ipc.MaxWorkloadHistory, s.f32)
		},
		put: func(w *writer, q *ipc.WorkloadRequest) { each(w, q.HistoricalGPU, w.f32) },
	},
	{
		name: "time_of_day",
		get:  func(s *scanner, q *ipc.WorkloadRequest) { q.TimeOfDay = s.u8(23) },
		put:  func(w *writer, q *ipc.WorkloadRequest) { w.integer(int64(q.TimeOfDay)) },
	},
	{
		name: "day_of_week",
		get:  func(s *scanner, q *ipc.WorkloadRequest) { q.DayOfWeek = s.u8(6) },
		put:  func(w *writer, q *ipc.WorkloadRequest) { w.integer(int64(q.DayOfWeek)) },
	},
	{
		name: "current_cpu",
		get:  func(s *scanner, q *ipc.WorkloadRequest) { q.CurrentCPU = s.f32() },
		put:  func(w *writer, q *ipc.WorkloadRequest) { w.f32(q.CurrentCPU) },
	},
	{
		name: "current_memory",
		get:  func(s *scanner, q *ipc.WorkloadRequest) { q.CurrentMemory = s.u64() },
		put:  func(w *writer, q *ipc.WorkloadRequest) { w.u64(q.CurrentMemory) },
	},
	{
		name: "current_gpu", optional: true, // no GPU
		get: func(s *scanner, q *ipc.WorkloadRequest) { q.CurrentGPU = s.optF32() },
		put: func(w *writer, q *ipc.WorkloadRequest) { w.optF32(q.CurrentGPU) },
	},
	pastField("cpu_past", func(q *ipc.WorkloadRequest) *[]float32 { return &q.CPUPast }),
	pastField("memory_past", func(q *ipc.WorkloadRequest) *[]float32 { return &q.MemoryPast }),
	pastField("gpu_past", func(q *ipc.WorkloadRequest) *[]float32 { return &q.GPUPast }),
}

// pastField is one of the lists about an agent's longer past, absent where it is not known.
func pastField(name string, of func(q *ipc.WorkloadRequest) *[]float32) field[ipc.WorkloadRequest] {
	return field[ipc.WorkloadRequest]{
		name: name, optional: true,
		get:  func(s *scanner, q *ipc.WorkloadRequest) { *of(q) = list(s, ipc.MaxWorkloadPast, s.f32) },
		put:  func(w *writer, q *ipc.WorkloadRequest) { each(w, *of(q), w.f32) },
		omit: func(_ *writer, q *ipc.WorkloadRequest) bool { return len(*of(q)) == 0 },
	}
}

var workloadPrediction = []field[ipc.WorkloadPrediction]{
	{
		name: "predicted_cpu", optional: true, // not measured
		get:  func(s *scanner, p *ipc.WorkloadPrediction) { p.CPU = s.f32() },
		put:  func(w *writer, p *ipc.WorkloadPrediction) { w.f32(p.CPU) },
		omit: unless[ipc.WorkloadPrediction](ipc.TargetCPU),
	},
	{
		name: "predicted_memory", optional: true, // not measured
		get:  func(s *scanner, p *ipc.WorkloadPrediction) { p.Memory = s.u64() },
		put:  func(w *writer, p *ipc.WorkloadPrediction) { w.u64(p.Memory) },
		omit: unless[ipc.WorkloadPrediction](ipc.TargetMemory),
	},
	{
		name: "predicted_gpu", optional: true, // no GPU, or not measured
		get:  func(s *scanner, p *ipc.WorkloadPrediction) { p.GPU = s.optF32() },
		put:  func(w *writer, p *ipc.WorkloadPrediction) { w.optF32(p.GPU) },
		omit: unless[ipc.WorkloadPrediction](ipc.TargetGPU),
	},
	{
		name: "confidence", optional: true, // an observation has none
		get: func(s *scanner, p *ipc.WorkloadPrediction) { p.Confidence = s.f32() },
		put: func(w *writer, p *ipc.WorkloadPrediction) { w.f32(p.Confidence) },
	},
}
