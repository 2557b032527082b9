package translate

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

var threatRequest = []field[ipc.ThreatRequest]{
	kindField[ipc.ThreatRequest](ipc.Threat),
	{
		name: "agent_id",
		get:  func(s *scanner, q *ipc.ThreatRequest) { q.AgentID = s.u64() },
		put:  func(w *writer, q *ipc.ThreatRequest) { w.u64(q.AgentID) },
	},
	{
		name: "metrics",
		get:  func(s *scanner, q *ipc.ThreatRequest) { read(s, threatMetrics, &q.Metrics) },
		put:  func(w *writer, q *ipc.ThreatRequest) { write(w, threatMetrics, &q.Metrics) },
	},
	{
		name: "anomalies", optional: true, // none found
		get: func(s *scanner, q *ipc.ThreatRequest) {
			q.Anomalies = list(s, ipc.MaxAnomalies, func() (a ipc.Anomaly) {
				read(s, anomaly, &a)
				return a
			})
		},
		put: func(w *writer, q *ipc.ThreatRequest) {
			each(w, q.Anomalies, func(a ipc.Anomaly) { write(w, anomaly, &a) })
		},
	},
	{
		name: "historical_threats", optional: true, // no history
		get: func(s *scanner, q *ipc.ThreatRequest) {
			q.HistoricalThreats = list(s, ipc.MaxThreatHistory, s.f32)
		},
		put: func(w *writer, q *ipc.ThreatRequest) { each(w, q.HistoricalThreats, w.f32) },
	},
	{
		name: "time_since_last_threat", optional: true, // never
		get: func(s *scanner, q *ipc.ThreatRequest) { q.TimeSinceLastThreat = s.never() },
		put: func(w *writer, q *ipc.ThreatRequest) { w.never(q.TimeSinceLastThreat) },
	},
	{
		name: "syscall_features", optional: true, // not measured
		get: func(s *scanner, q *ipc.ThreatRequest) {
			q.SyscallFeatures = list(s, ipc.MaxSyscallFeatures, s.f32)
		},
		put:  func(w *writer, q *ipc.ThreatRequest) { each(w, q.SyscallFeatures, w.f32) },
		omit: func(_ *writer, q *ipc.ThreatRequest) bool { return len(q.SyscallFeatures) == 0 },
	},
	{
		name: "syscall_counts", optional: true, // not counted
		get: func(s *scanner, q *ipc.ThreatRequest) {
			q.SyscallCounts = list(s, ipc.MaxSyscallCounts, s.u64)
		},
		put:  func(w *writer, q *ipc.ThreatRequest) { each(w, q.SyscallCounts, w.u64) },
		omit: func(_ *writer, q *ipc.ThreatRequest) bool { return len(q.SyscallCounts) == 0 },
	},
}

var threatMetrics = []field[ipc.ThreatMetrics]{
	{
		name: "operation_count",
		get:  func(s *scanner, m *ipc.ThreatMetrics) { m.OperationCount = s.u64() },
		put:  func(w *writer, m *ipc.ThreatMetrics) { w.u64(m.OperationCount) },
	},
	{
		name: "syscall_count",
		get:  func(s *scanner, m *ipc.ThreatMetrics) { m.SyscallCount = s.u64() },
		put:  func(w *writer, m *ipc.ThreatMetrics) { w.u64(m.SyscallCount) },
	},
	{
		name: "memory_usage",
		get:  func(s *scanner, m *ipc.ThreatMetrics) { m.MemoryUsage = s.u64() },
		put:  func(w *writer, m *ipc.ThreatMetrics) { w.u64(m.MemoryUsage) },
	},
	{
		name: "network_activity",
		get:  func(s *scanner, m *ipc.ThreatMetrics) { m.NetworkActivity = s.u64() },
		put:  func(w *writer, m *ipc.ThreatMetrics) { w.u64(m.NetworkActivity) },
	},
}

var anomaly = []field[ipc.Anomaly]{
	{
		name: "anomaly_type",
		get:  func(s *scanner, a *ipc.Anomaly) { a.Type = uint32(s.integer(0, math.MaxUint32)) },
		put:  func(w *writer, a *ipc.Anomaly) { w.integer(int64(a.Type)) },
	},
	{
		name: "severity",
		get:  func(s *scanner, a *ipc.Anomaly) { a.Severity = s.f32() },
		put:  func(w *writer, a *ipc.Anomaly) { w.f32(a.Severity) },
	},
	{
		name: "timestamp",
		get:  func(s *scanner, a *ipc.Anomaly) { a.Timestamp = s.u64() },
		put:  func(w *writer, a *ipc.Anomaly) { w.u64(a.Timestamp) },
	},
}

var threatPrediction = []field[ipc.ThreatPrediction]{
	{
		name: "threat_score",
		get:  func(s *scanner, p *ipc.ThreatPrediction) { p.Score = s.f32() },
		put:  func(w *writer, p *ipc.ThreatPrediction) { w.f32(p.Score) },
	},
	{
		name: "threat_type", optional: true, // of an attack of which nobody knows it
		get:  func(s *scanner, p *ipc.ThreatPrediction) { p.Type = s.u8(ipc.ThreatWebShell) },
		put:  func(w *writer, p *ipc.ThreatPrediction) { w.integer(int64(p.Type)) },
		omit: unless[ipc.ThreatPrediction](ipc.TargetThreatType),
	},
	{
		name: "confidence", optional: true, // an observation has none
		get: func(s *scanner, p *ipc.ThreatPrediction) { p.Confidence = s.f32() },
		put: func(w *writer, p *ipc.ThreatPrediction) { w.f32(p.Confidence) },
	},
	{
		name: "recommended_action", optional: true, // advice is no observation
		get: func(s *scanner, p *ipc.ThreatPrediction) { p.Action = s.u8(ipc.ActionTerminate) },
		put: func(w *writer, p *ipc.ThreatPrediction) { w.integer(int64(p.Action)) },
	},
}
