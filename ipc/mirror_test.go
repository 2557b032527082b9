package ipc

import "github.com/vmihailenco/msgpack/v5"

// The mirrors are the messages as an independent msgpack library sees them:
// structs that it encodes and decodes as arrays by reflection, in the order of the
// tables in PROTOCOL.md. Small integers are u16, because the library writes a list
// of u8 as bin.

type workloadMirror struct {
	AgentID          uint64
	HistoricalCPU    []float32
	HistoricalMemory []uint64
	HistoricalGPU    []float32
	TimeOfDay        uint16
	DayOfWeek        uint16
	CurrentCPU       float32
	CurrentMemory    uint64
	CurrentGPU       *float32
}

// workloadCPUPast and the two after it have the optional elements; the library wants exact
// lengths.
type workloadCPUPast struct {
	workloadMirror
	CPUPast []float32
}

type workloadMemoryPast struct {
	workloadCPUPast
	MemoryPast []float32
}

type workloadGPUPast struct {
	workloadMemoryPast
	GPUPast []float32
}

type threatMirror struct {
	AgentID             uint64
	Metrics             metricsMirror
	Anomalies           []anomalyMirror
	HistoricalThreats   []float32
	TimeSinceLastThreat uint64
}

type threatFeatures struct {
	threatMirror
	SyscallFeatures []float32
}

type threatCounts struct {
	threatFeatures
	SyscallCounts []uint64
}

type metricsMirror struct {
	OperationCount, SyscallCount, MemoryUsage, NetworkActivity uint64
}

type anomalyMirror struct {
	Type      uint32
	Severity  float32
	Timestamp uint64
}

type failureMirror struct {
	Component            string
	HealthScore          float32
	CurrentValue         float32
	Baseline             float32
	Trend                int64
	HistoricalHealth     []float32
	FailureHistory       []uint16
	TimeSinceLastFailure uint64
}

type memoryMirror struct {
	AgentID          uint64
	AccessHistory    []uint64
	AccessTypes      []uint16
	AccessTimestamps []uint64
	CurrentAddress   uint64
	LocalityScore    float32
}

type memoryCandidates struct {
	memoryMirror
	Candidates []uint64
}

type memoryChances struct {
	memoryCandidates
	CandidateChances []float32
}

type failureRates struct {
	failureMirror
	FailureRates []float32
}

type workloadAnswer struct {
	CPU        float32
	Memory     uint64
	GPU        *float32
	Confidence float32
}

type threatAnswer struct {
	Score      float32
	Type       uint16
	Confidence float32
	Action     uint16
}

type failureAnswer struct {
	Probability   float32
	PredictedTime *uint64
	Confidence    float32
	Type          uint16
}

type memoryAnswer struct {
	NextAddress uint64
	Probability float32
	Type        uint16
	Confidence  float32
}

type memoryMore struct {
	memoryAnswer
	More []moreMirror
}

type moreMirror struct {
	Address     uint64
	Probability float32
}

type slotMirror struct {
	Kind    uint16
	Request msgpack.RawMessage
}

type predictMirror struct {
	Type   uint16
	ID     uint64
	Budget *int64
	Slots  []slotMirror
}

type predictFlags struct {
	predictMirror
	Flags uint64
}

type replySlotMirror struct {
	Status       uint16
	Kind         uint16
	PredictionID uint64
	Source       uint16
	Reason       uint16
	Age          int64
	Model        string
	Prediction   msgpack.RawMessage
}

type replySlotRuled struct {
	replySlotMirror
	Ruled uint16
}

// replyMirror has slots of either type.
type replyMirror[S any] struct {
	Type  uint16
	ID    uint64
	Slots []S
}

func pointer[T any](o Optional[T]) *T {
	if !o.Valid {
		return nil
	}
	return &o.Value
}

func widen(vs []uint8) []uint16 {
	out := make([]uint16, len(vs))
	for i, v := range vs {
		out[i] = uint16(v)
	}
	return out
}

// mirrorRequest gives the mirror of q, and an empty one of the same type.
func mirrorRequest(q Request) (filled, empty any) {
	switch q := q.(type) {
	case *WorkloadRequest:
		m := &workloadMirror{
			AgentID: q.AgentID, HistoricalCPU: q.HistoricalCPU, HistoricalMemory: q.HistoricalMemory, HistoricalGPU: q.HistoricalGPU,
			TimeOfDay: uint16(q.TimeOfDay), DayOfWeek: uint16(q.DayOfWeek),
			CurrentCPU: q.CurrentCPU, CurrentMemory: q.CurrentMemory, CurrentGPU: pointer(q.CurrentGPU),
		}
		cpu := workloadCPUPast{*m, q.CPUPast}
		memory := workloadMemoryPast{cpu, q.MemoryPast}
		switch {
		case len(q.GPUPast) > 0:
			return &workloadGPUPast{memory, q.GPUPast}, new(workloadGPUPast)
		case len(q.MemoryPast) > 0:
			return &memory, new(workloadMemoryPast)
		case len(q.CPUPast) > 0:
			return &cpu, new(workloadCPUPast)
		}
		return m, new(workloadMirror)
	case *ThreatRequest:
		m := &threatMirror{
			AgentID: q.AgentID, HistoricalThreats: q.HistoricalThreats,
			TimeSinceLastThreat: q.TimeSinceLastThreat,
		}
		m.Metrics.OperationCount, m.Metrics.SyscallCount = q.Metrics.OperationCount, q.Metrics.SyscallCount
		m.Metrics.MemoryUsage, m.Metrics.NetworkActivity = q.Metrics.MemoryUsage, q.Metrics.NetworkActivity
		m.Anomalies = []anomalyMirror{}
		for _, a := range q.Anomalies {
			m.Anomalies = append(m.Anomalies, anomalyMirror(a))
		}
		if len(q.SyscallCounts) > 0 {
			return &threatCounts{threatFeatures{*m, q.SyscallFeatures}, q.SyscallCounts}, new(threatCounts)
		}
		if len(q.SyscallFeatures) > 0 {
			return &threatFeatures{*m, q.SyscallFeatures}, new(threatFeatures)
		}
		return m, new(threatMirror)
	case *FailureRequest:
		m := &failureMirror{
			Component: q.Component, HealthScore: q.HealthScore, CurrentValue: q.CurrentValue, Baseline: q.Baseline,
			Trend: int64(q.Trend), HistoricalHealth: q.HistoricalHealth,
			FailureHistory: widen(q.FailureHistory), TimeSinceLastFailure: q.TimeSinceLastFailure,
		}
		if len(q.FailureRates) > 0 {
			return &failureRates{*m, q.FailureRates}, new(failureRates)
		}
		return m, new(failureMirror)
	case *MemoryRequest:
		m := &memoryMirror{
			AgentID: q.AgentID, AccessHistory: q.AccessHistory, AccessTypes: widen(q.AccessTypes), AccessTimestamps: q.AccessTimestamps,
			CurrentAddress: q.CurrentAddress, LocalityScore: q.LocalityScore,
		}
		if len(q.CandidateChances) > 0 {
			return &memoryChances{memoryCandidates{*m, q.Candidates}, q.CandidateChances}, new(memoryChances)
		}
		if len(q.Candidates) > 0 {
			return &memoryCandidates{*m, q.Candidates}, new(memoryCandidates)
		}
		return m, new(memoryMirror)
	}
	panic("ipc: no such request")
}

// mirrorPrediction gives the mirror of p, and an empty one of the same type.
func mirrorPrediction(p *Prediction) (filled, empty any) {
	switch p.Kind {
	case Workload:
		w := &p.Workload
		return &workloadAnswer{CPU: w.CPU, Memory: w.Memory, GPU: pointer(w.GPU), Confidence: w.Confidence}, new(workloadAnswer)
	case Threat:
		w := &p.Threat
		return &threatAnswer{Score: w.Score, Type: uint16(w.Type), Confidence: w.Confidence, Action: uint16(w.Action)}, new(threatAnswer)
	case Failure:
		w := &p.Failure
		return &failureAnswer{
			Probability: w.Probability, PredictedTime: pointer(w.PredictedTime), Confidence: w.Confidence, Type: uint16(w.Type),
		}, new(failureAnswer)
	case Memory:
		w := &p.Memory
		m := &memoryAnswer{NextAddress: w.NextAddress, Probability: w.Probability, Type: uint16(w.Type), Confidence: w.Confidence}
		if w.MoreLen == 0 {
			return m, new(memoryAnswer)
		}
		more := &memoryMore{memoryAnswer: *m}
		for _, c := range w.More[:w.MoreLen] {
			more.More = append(more.More, moreMirror(c))
		}
		return more, new(memoryMore)
	}
	panic("ipc: no such kind")
}
