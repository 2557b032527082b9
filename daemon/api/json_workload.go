package api

import "github.com/mlbridge/mlbridge/ipc"

var workloadFields = fields{
	"agentId", "historicalCpu", "historicalMemory", "historicalGpu", "timeOfDay",
	"dayOfWeek", "currentCpu", "currentMemory", "currentGpu",
	"cpuPast", "memoryPast", "gpuPast",
}

const workloadRequired seen = 1<<0 | 1<<4 | 1<<5 | 1<<6 | 1<<7

func (r *jsonReader) workload(q *ipc.WorkloadRequest) {
	*q = ipc.WorkloadRequest{
		HistoricalCPU:    q.HistoricalCPU[:0],
		HistoricalMemory: q.HistoricalMemory[:0],
		HistoricalGPU:    q.HistoricalGPU[:0],
		CPUPast:          q.CPUPast[:0],
		MemoryPast:       q.MemoryPast[:0],
		GPUPast:          q.GPUPast[:0],
	}
	if !r.open('{', "") {
		return
	}
	var had seen
	for r.member() {
		switch r.index(workloadFields, &had) {
		case 0:
			q.AgentID = r.agent("agentId")
		case 1:
			q.HistoricalCPU = r.f32s(q.HistoricalCPU, "historicalCpu", ipc.MaxWorkloadHistory)
		case 2:
			q.HistoricalMemory = r.u64s(q.HistoricalMemory, "historicalMemory", ipc.MaxWorkloadHistory)
		case 3:
			q.HistoricalGPU = r.f32s(q.HistoricalGPU, "historicalGpu", ipc.MaxWorkloadHistory)
		case 4:
			q.TimeOfDay = uint8(r.uint("timeOfDay", 23))
		case 5:
			q.DayOfWeek = uint8(r.uint("dayOfWeek", 6))
		case 6:
			q.CurrentCPU = r.f32("currentCpu")
		case 7:
			q.CurrentMemory = r.u64("currentMemory")
		case 8:
			q.CurrentGPU = ipc.Some(r.f32("currentGpu"))
		case 9:
			q.CPUPast = r.f32s(q.CPUPast, "cpuPast", ipc.MaxWorkloadPast)
		case 10:
			q.MemoryPast = r.f32s(q.MemoryPast, "memoryPast", ipc.MaxWorkloadPast)
		case 11:
			q.GPUPast = r.f32s(q.GPUPast, "gpuPast", ipc.MaxWorkloadPast)
		}
	}
	r.require(workloadFields, had, workloadRequired)
}

func appendWorkloadRequest(b []byte, q *ipc.WorkloadRequest) []byte {
	b = appendAgent(b, q.AgentID)
	b = appendF32sMember(b, "historicalCpu", q.HistoricalCPU)
	b = appendIntsMember(b, "historicalMemory", q.HistoricalMemory)
	b = appendF32sMember(b, "historicalGpu", q.HistoricalGPU)
	b = appendU64Member(b, "timeOfDay", uint64(q.TimeOfDay))
	b = appendU64Member(b, "dayOfWeek", uint64(q.DayOfWeek))
	b = appendF32Member(b, "currentCpu", q.CurrentCPU)
	b = appendU64Member(b, "currentMemory", q.CurrentMemory)
	if q.CurrentGPU.Valid {
		b = appendF32Member(b, "currentGpu", q.CurrentGPU.Value)
	}
	if len(q.CPUPast) > 0 {
		b = appendF32sMember(b, "cpuPast", q.CPUPast)
	}
	if len(q.MemoryPast) > 0 {
		b = appendF32sMember(b, "memoryPast", q.MemoryPast)
	}
	if len(q.GPUPast) > 0 {
		b = appendF32sMember(b, "gpuPast", q.GPUPast)
	}
	return append(b, '}')
}

var workloadAnswer = fields{"predictedCpu", "predictedMemory", "predictedGpu", "confidence"}

const workloadAnswerRequired seen = 1<<0 | 1<<1 | 1<<3

// workloadMember reads a member of an answer's prediction.
func (r *jsonReader) workloadMember(p *ipc.WorkloadPrediction, had *seen) {
	switch r.index(workloadAnswer, had) {
	case 0:
		p.CPU = r.f32("predictedCpu")
	case 1:
		p.Memory = r.whole("predictedMemory")
	case 2:
		p.GPU = ipc.Some(r.f32("predictedGpu"))
	case 3:
		p.Confidence = r.f32("confidence")
	}
}

func appendWorkloadPrediction(b []byte, p *ipc.WorkloadPrediction) []byte {
	b = append(b, `{"predictedCpu":`...)
	b = appendFloat(b, float64(p.CPU), 32)
	b = appendU64Member(b, "predictedMemory", p.Memory)
	if p.GPU.Valid {
		b = appendF32Member(b, "predictedGpu", p.GPU.Value)
	} else {
		b = append(b, `,"predictedGpu":null`...)
	}
	b = appendF32Member(b, "confidence", p.Confidence)
	return append(b, '}')
}
