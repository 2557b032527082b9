package ipc

import "slices"

// WorkloadRequest asks for an agent's load in the next sampling interval.
type WorkloadRequest struct {
	AgentID          uint64
	HistoricalCPU    []float32 // ≤ 10 shares in [0, 1], oldest first
	HistoricalMemory []uint64  // ≤ 10, bytes
	HistoricalGPU    []float32 // ≤ 10 shares in [0, 1]; empty = no GPU
	TimeOfDay        uint8     // hour 0-23, UTC; 0 is midnight
	DayOfWeek        uint8     // 0-6, 0 = Sunday, UTC
	CurrentCPU       float32   // share in [0, 1]
	CurrentMemory    uint64    // bytes
	CurrentGPU       Optional[float32]
	// What the client knows of the agent's longer past; optional, ≤ 32 finite numbers each, see
	// PROTOCOL.md, section 16.
	CPUPast    []float32
	MemoryPast []float32
	GPUPast    []float32
}

// WorkloadPrediction is the load expected in the next interval.
type WorkloadPrediction struct {
	CPU        float32 // share in [0, 1]
	Memory     uint64  // bytes
	GPU        Optional[float32]
	Confidence float32 // probability that the cpu error is ≤ 0.05
}

// Kind returns Workload.
func (q *WorkloadRequest) Kind() Kind { return Workload }

// Subject returns the agent.
func (q *WorkloadRequest) Subject() Subject { return Subject{Agent: q.AgentID} }

// Validate checks the ranges stated with the fields.
func (q *WorkloadRequest) Validate() error {
	if len(q.HistoricalMemory) > MaxWorkloadHistory {
		return tooMany("historical_memory", len(q.HistoricalMemory), MaxWorkloadHistory)
	}
	if q.TimeOfDay > 23 {
		return invalidf("time_of_day: %d is outside 0-23", q.TimeOfDay)
	}
	if q.DayOfWeek > 6 {
		return invalidf("day_of_week: %d is outside 0-6", q.DayOfWeek)
	}
	if q.CurrentGPU.Valid {
		if err := checkUnit("current_gpu", q.CurrentGPU.Value); err != nil {
			return err
		}
	}
	return firstError(
		checkUnits("historical_cpu", q.HistoricalCPU, MaxWorkloadHistory),
		checkUnits("historical_gpu", q.HistoricalGPU, MaxWorkloadHistory),
		checkUnit("current_cpu", q.CurrentCPU),
		checkFinites("cpu_past", q.CPUPast, MaxWorkloadPast),
		checkFinites("memory_past", q.MemoryPast, MaxWorkloadPast),
		checkFinites("gpu_past", q.GPUPast, MaxWorkloadPast),
	)
}

// Copy returns a deep copy.
func (q *WorkloadRequest) Copy() Request {
	c := *q
	c.HistoricalCPU = slices.Clone(q.HistoricalCPU)
	c.HistoricalMemory = slices.Clone(q.HistoricalMemory)
	c.HistoricalGPU = slices.Clone(q.HistoricalGPU)
	c.CPUPast = slices.Clone(q.CPUPast)
	c.MemoryPast = slices.Clone(q.MemoryPast)
	c.GPUPast = slices.Clone(q.GPUPast)
	return &c
}

const workloadRequestFields = 9 // cpu_past, memory_past and gpu_past follow when there are any

func (q *WorkloadRequest) append(b []byte) []byte {
	pasts := q.pasts()
	b = appendArray(b, workloadRequestFields+pasts)
	b = appendUint(b, q.AgentID)
	b = appendF32s(b, q.HistoricalCPU)
	b = appendUints(b, q.HistoricalMemory)
	b = appendF32s(b, q.HistoricalGPU)
	b = appendUint(b, uint64(q.TimeOfDay))
	b = appendUint(b, uint64(q.DayOfWeek))
	b = appendF32(b, q.CurrentCPU)
	b = appendUint(b, q.CurrentMemory)
	b = appendOptF32(b, q.CurrentGPU)
	for _, past := range [][]float32{q.CPUPast, q.MemoryPast, q.GPUPast}[:pasts] {
		b = appendF32s(b, past)
	}
	return b
}

// pasts is how many of the optional lists are written: up to the last with something in it.
func (q *WorkloadRequest) pasts() int {
	switch {
	case len(q.GPUPast) > 0:
		return 3
	case len(q.MemoryPast) > 0:
		return 2
	case len(q.CPUPast) > 0:
		return 1
	}
	return 0
}

func (q *WorkloadRequest) parse(r *reader) {
	n := r.tuple("workload request", workloadRequestFields)
	q.AgentID = r.u64("agent_id")
	q.HistoricalCPU = r.f32s(q.HistoricalCPU, "historical_cpu", MaxWorkloadHistory)
	q.HistoricalMemory = r.u64s(q.HistoricalMemory, "historical_memory", MaxWorkloadHistory)
	q.HistoricalGPU = r.f32s(q.HistoricalGPU, "historical_gpu", MaxWorkloadHistory)
	q.TimeOfDay = uint8(r.uint("time_of_day", 23))
	q.DayOfWeek = uint8(r.uint("day_of_week", 6))
	q.CurrentCPU = r.f32("current_cpu")
	q.CurrentMemory = r.u64("current_memory")
	q.CurrentGPU = r.optF32("current_gpu")
	q.CPUPast, q.MemoryPast, q.GPUPast = q.CPUPast[:0], q.MemoryPast[:0], q.GPUPast[:0]
	known := workloadRequestFields
	if r.optional(n, &known) {
		q.CPUPast = r.f32s(q.CPUPast, "cpu_past", MaxWorkloadPast)
	}
	if r.optional(n, &known) {
		q.MemoryPast = r.f32s(q.MemoryPast, "memory_past", MaxWorkloadPast)
	}
	if r.optional(n, &known) {
		q.GPUPast = r.f32s(q.GPUPast, "gpu_past", MaxWorkloadPast)
	}
	r.skipRest(n, known)
}

const workloadPredictionFields = 4

func (p *WorkloadPrediction) append(b []byte) []byte {
	b = appendArray(b, workloadPredictionFields)
	b = appendF32(b, p.CPU)
	b = appendUint(b, p.Memory)
	b = appendOptF32(b, p.GPU)
	return appendF32(b, p.Confidence)
}

func (p *WorkloadPrediction) parse(r *reader) {
	n := r.tuple("workload prediction", workloadPredictionFields)
	p.CPU = r.f32("predicted_cpu")
	p.Memory = r.u64("predicted_memory")
	p.GPU = r.optF32("predicted_gpu")
	p.Confidence = r.f32("confidence")
	r.skipRest(n, workloadPredictionFields)
}

// Validate checks the ranges stated with the fields.
func (p *WorkloadPrediction) Validate() error {
	if p.GPU.Valid {
		if err := checkUnit("predicted_gpu", p.GPU.Value); err != nil {
			return err
		}
	}
	return firstError(checkUnit("predicted_cpu", p.CPU), checkUnit("confidence", p.Confidence))
}
