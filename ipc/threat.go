package ipc

import "slices"

// ThreatRequest asks how likely an agent's recent behaviour is an attack.
type ThreatRequest struct {
	AgentID             uint64
	Metrics             ThreatMetrics
	Anomalies           []Anomaly // ≤ 32
	HistoricalThreats   []float32 // ≤ 10 earlier scores in [0, 1], oldest first
	TimeSinceLastThreat uint64    // ms, Never when there was none
	SyscallFeatures     []float32 // optional, ≤ 128: what the call stream says beyond the counters
	SyscallCounts       []uint64  // optional, ≤ 64: calls of each group that the stream remembers
}

// ThreatMetrics counts what the agent did since its previous report.
type ThreatMetrics struct {
	OperationCount  uint64
	SyscallCount    uint64
	MemoryUsage     uint64 // bytes
	NetworkActivity uint64 // bytes
}

// Anomaly is one finding of a detector on the kernel's side.
type Anomaly struct {
	Type      uint32  // anomaly_type, see PROTOCOL.md
	Severity  float32 // finite
	Timestamp uint64  // ns
}

// Values of ThreatPrediction.Type.
const (
	ThreatNone uint8 = iota
	ThreatPrivilegeEscalation
	ThreatPasswordGuessing
	ThreatRemoteExecution
	ThreatRemotePayload
	ThreatWebShell
	threatTypes // how many there are
)

// Values of ThreatPrediction.Action, mildest first.
const (
	ActionNone uint8 = iota
	ActionMonitor
	ActionThrottle
	ActionIsolate
	ActionTerminate
	threatActions
)

// ThreatPrediction is the verdict on an agent's behaviour.
type ThreatPrediction struct {
	Score      float32 // in [0, 1]
	Type       uint8   // ThreatNone … ThreatWebShell
	Confidence float32 // probability that the verdict at 0.5 is right
	Action     uint8   // ActionNone … ActionTerminate
}

// Kind returns Threat.
func (q *ThreatRequest) Kind() Kind { return Threat }

// Subject returns the agent.
func (q *ThreatRequest) Subject() Subject { return Subject{Agent: q.AgentID} }

// Validate checks the ranges stated with the fields.
func (q *ThreatRequest) Validate() error {
	if len(q.Anomalies) > MaxAnomalies {
		return tooMany("anomalies", len(q.Anomalies), MaxAnomalies)
	}
	if len(q.SyscallCounts) > MaxSyscallCounts {
		return tooMany("syscall_counts", len(q.SyscallCounts), MaxSyscallCounts)
	}
	for i := range q.Anomalies {
		if !finite(q.Anomalies[i].Severity) {
			return invalidf("anomalies[%d].severity: not finite", i)
		}
	}
	return firstError(
		checkFinites("syscall_features", q.SyscallFeatures, MaxSyscallFeatures),
		checkUnits("historical_threats", q.HistoricalThreats, MaxThreatHistory),
	)
}

// Copy returns a deep copy.
func (q *ThreatRequest) Copy() Request {
	c := *q
	c.Anomalies = slices.Clone(q.Anomalies)
	c.HistoricalThreats = slices.Clone(q.HistoricalThreats)
	c.SyscallFeatures = slices.Clone(q.SyscallFeatures)
	c.SyscallCounts = slices.Clone(q.SyscallCounts)
	return &c
}

const (
	threatRequestFields = 5 // syscall_features and syscall_counts follow when there are any
	threatMetricsFields = 4
	anomalyFields       = 3
)

func (q *ThreatRequest) append(b []byte) []byte {
	switch {
	case len(q.SyscallCounts) > 0:
		b = appendArray(b, threatRequestFields+2)
	case len(q.SyscallFeatures) > 0:
		b = appendArray(b, threatRequestFields+1)
	default:
		b = appendArray(b, threatRequestFields)
	}
	b = appendUint(b, q.AgentID)
	b = appendArray(b, threatMetricsFields)
	b = appendUint(b, q.Metrics.OperationCount)
	b = appendUint(b, q.Metrics.SyscallCount)
	b = appendUint(b, q.Metrics.MemoryUsage)
	b = appendUint(b, q.Metrics.NetworkActivity)
	b = appendArray(b, len(q.Anomalies))
	for i := range q.Anomalies {
		a := &q.Anomalies[i]
		b = appendArray(b, anomalyFields)
		b = appendUint(b, uint64(a.Type))
		b = appendF32(b, a.Severity)
		b = appendUint(b, a.Timestamp)
	}
	b = appendF32s(b, q.HistoricalThreats)
	b = appendUint(b, q.TimeSinceLastThreat)
	if len(q.SyscallFeatures) > 0 || len(q.SyscallCounts) > 0 {
		b = appendF32s(b, q.SyscallFeatures)
	}
	if len(q.SyscallCounts) > 0 {
		b = appendUints(b, q.SyscallCounts)
	}
	return b
}

func (q *ThreatRequest) parse(r *reader) {
	n := r.tuple("threat request", threatRequestFields)
	q.AgentID = r.u64("agent_id")
	q.Metrics.parse(r)
	q.parseAnomalies(r)
	q.HistoricalThreats = r.f32s(q.HistoricalThreats, "historical_threats", MaxThreatHistory)
	q.TimeSinceLastThreat = r.u64("time_since_last_threat")
	q.SyscallFeatures = q.SyscallFeatures[:0]
	known := threatRequestFields
	if r.optional(n, &known) {
		q.SyscallFeatures = r.f32s(q.SyscallFeatures, "syscall_features", MaxSyscallFeatures)
	}
	q.SyscallCounts = q.SyscallCounts[:0]
	if r.optional(n, &known) {
		q.SyscallCounts = r.u64s(q.SyscallCounts, "syscall_counts", MaxSyscallCounts)
	}
	r.skipRest(n, known)
}

func (m *ThreatMetrics) parse(r *reader) {
	n := r.tuple("metrics", threatMetricsFields)
	m.OperationCount = r.u64("operation_count")
	m.SyscallCount = r.u64("syscall_count")
	m.MemoryUsage = r.u64("memory_usage")
	m.NetworkActivity = r.u64("network_activity")
	r.skipRest(n, threatMetricsFields)
}

func (q *ThreatRequest) parseAnomalies(r *reader) {
	count := r.array("anomalies", MaxAnomalies)
	q.Anomalies = q.Anomalies[:0]
	for i := range count {
		n := r.tuple("anomaly", anomalyFields)
		q.Anomalies = append(q.Anomalies, Anomaly{
			Type:      uint32(r.uint("anomaly_type", 1<<32-1)),
			Severity:  r.f32("severity"),
			Timestamp: r.u64("timestamp"),
		})
		if r.err != nil {
			r.in("anomalies", i, "anomaly")
			return
		}
		r.skipRest(n, anomalyFields)
	}
}

const threatPredictionFields = 4

func (p *ThreatPrediction) append(b []byte) []byte {
	b = appendArray(b, threatPredictionFields)
	b = appendF32(b, p.Score)
	b = appendUint(b, uint64(p.Type))
	b = appendF32(b, p.Confidence)
	return appendUint(b, uint64(p.Action))
}

func (p *ThreatPrediction) parse(r *reader) {
	n := r.tuple("threat prediction", threatPredictionFields)
	p.Score = r.f32("threat_score")
	p.Type = uint8(r.uint("threat_type", uint64(threatTypes-1)))
	p.Confidence = r.f32("confidence")
	p.Action = uint8(r.uint("recommended_action", uint64(threatActions-1)))
	r.skipRest(n, threatPredictionFields)
}

// Validate checks the ranges stated with the fields.
func (p *ThreatPrediction) Validate() error {
	if p.Type >= threatTypes {
		return invalidf("threat_type: %d is outside 0-%d", p.Type, threatTypes-1)
	}
	if p.Action >= threatActions {
		return invalidf("recommended_action: %d is outside 0-%d", p.Action, threatActions-1)
	}
	return firstError(checkUnit("threat_score", p.Score), checkUnit("confidence", p.Confidence))
}
