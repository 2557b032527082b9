package api

import (
	"math"
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
)

var (
	threatFields = fields{
		"agentId", "metrics", "anomalies", "historicalThreats", "timeSinceLastThreat", "syscallFeatures", "syscallCounts",
	}
	metricsFields = fields{"operationCount", "syscallCount", "memoryUsage", "networkActivity"}
	anomalyFields = fields{"anomalyType", "severity", "timestamp"}
)

const (
	threatRequired  seen = 1<<0 | 1<<1
	metricsRequired seen = 1<<4 - 1
	anomalyRequired seen = 1<<3 - 1
)

func (r *jsonReader) threat(q *ipc.ThreatRequest) {
	*q = ipc.ThreatRequest{
		Anomalies:           q.Anomalies[:0],
		HistoricalThreats:   q.HistoricalThreats[:0],
		SyscallFeatures:     q.SyscallFeatures[:0],
		SyscallCounts:       q.SyscallCounts[:0],
		TimeSinceLastThreat: ipc.Never,
	}
	if !r.open('{', "") {
		return
	}
	var had seen
	for r.member() {
		switch r.index(threatFields, &had) {
		case 0:
			q.AgentID = r.agent("agentId")
		case 1:
			r.metrics(&q.Metrics)
		case 2:
			r.anomalies(q)
		case 3:
			q.HistoricalThreats = r.f32s(q.HistoricalThreats, "historicalThreats", ipc.MaxThreatHistory)
		case 4:
			q.TimeSinceLastThreat = r.since("timeSinceLastThreat")
		case 5:
			q.SyscallFeatures = r.f32s(q.SyscallFeatures, "syscallFeatures", ipc.MaxSyscallFeatures)
		case 6:
			q.SyscallCounts = r.u64s(q.SyscallCounts, "syscallCounts", ipc.MaxSyscallCounts)
		}
	}
	r.require(threatFields, had, threatRequired)
}

func (r *jsonReader) metrics(m *ipc.ThreatMetrics) {
	if !r.open('{', "metrics") {
		return
	}
	r.within, r.at = "metrics", -1
	var had seen
	for r.member() {
		switch r.index(metricsFields, &had) {
		case 0:
			m.OperationCount = r.u64("operationCount")
		case 1:
			m.SyscallCount = r.u64("syscallCount")
		case 2:
			m.MemoryUsage = r.u64("memoryUsage")
		case 3:
			m.NetworkActivity = r.u64("networkActivity")
		}
	}
	r.require(metricsFields, had, metricsRequired)
	r.within = ""
}

func (r *jsonReader) anomalies(q *ipc.ThreatRequest) {
	if !r.list("anomalies") {
		return
	}
	for r.next(ipc.MaxAnomalies) {
		q.Anomalies = append(q.Anomalies, r.anomaly())
	}
}

func (r *jsonReader) anomaly() (a ipc.Anomaly) {
	if !r.open('{', "anomalies") {
		return a
	}
	var had seen
	for r.member() {
		switch r.index(anomalyFields, &had) {
		case 0:
			a.Type = uint32(r.uint("anomalyType", math.MaxUint32))
		case 1:
			a.Severity = r.f32("severity")
		case 2:
			a.Timestamp = r.u64("timestamp")
		}
	}
	r.require(anomalyFields, had, anomalyRequired)
	return a
}

func appendThreatRequest(b []byte, q *ipc.ThreatRequest) []byte {
	b = appendAgent(b, q.AgentID)
	b = append(b, `,"metrics":{"operationCount":`...)
	b = strconv.AppendUint(b, q.Metrics.OperationCount, 10)
	b = appendU64Member(b, "syscallCount", q.Metrics.SyscallCount)
	b = appendU64Member(b, "memoryUsage", q.Metrics.MemoryUsage)
	b = appendU64Member(b, "networkActivity", q.Metrics.NetworkActivity)
	b = append(b, `},"anomalies":[`...)
	for i := range q.Anomalies {
		a := &q.Anomalies[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"anomalyType":`...)
		b = strconv.AppendUint(b, uint64(a.Type), 10)
		b = appendF32Member(b, "severity", a.Severity)
		b = appendU64Member(b, "timestamp", a.Timestamp)
		b = append(b, '}')
	}
	b = append(b, ']')
	b = appendF32sMember(b, "historicalThreats", q.HistoricalThreats)
	b = appendSinceMember(b, "timeSinceLastThreat", q.TimeSinceLastThreat)
	if len(q.SyscallFeatures) > 0 {
		b = appendF32sMember(b, "syscallFeatures", q.SyscallFeatures)
	}
	if len(q.SyscallCounts) > 0 {
		b = appendIntsMember(b, "syscallCounts", q.SyscallCounts)
	}
	return append(b, '}')
}

var threatAnswer = fields{"threatScore", "threatType", "confidence", "recommendedAction"}

const threatAnswerRequired seen = 1<<4 - 1

func (r *jsonReader) threatMember(p *ipc.ThreatPrediction, had *seen) {
	switch r.index(threatAnswer, had) {
	case 0:
		p.Score = r.f32("threatScore")
	case 1:
		p.Type = uint8(r.uint("threatType", math.MaxUint8))
	case 2:
		p.Confidence = r.f32("confidence")
	case 3:
		p.Action = uint8(r.uint("recommendedAction", math.MaxUint8))
	}
}

func appendThreatPrediction(b []byte, p *ipc.ThreatPrediction) []byte {
	b = append(b, `{"threatScore":`...)
	b = appendFloat(b, float64(p.Score), 32)
	b = appendU64Member(b, "threatType", uint64(p.Type))
	b = appendF32Member(b, "confidence", p.Confidence)
	b = appendU64Member(b, "recommendedAction", uint64(p.Action))
	return append(b, '}')
}
