package ipc

import (
	"fmt"
	"strings"
	"time"
)

// property is one decoded value under the name that the vectors use for it.
type property struct {
	key   string
	value any // uint64, int64, float32, string, bool, nil, or []any of them
}

// description lists a message's values in wire order.
type description []property

func (d *description) add(key string, value any) { *d = append(*d, property{key, value}) }

// describe names everything that a message says.
func (m *envelope) describe() description {
	var d description
	name := []string{"hello", "ping", "pong", "predict", "reply", "error", "outcome", "goaway"}[m.kind]
	d.add("message", name)
	switch m.kind {
	case msgHello:
		m.describeHello(&d)
	case msgPing, msgPong:
		d.add("token", m.token)
	case msgPredict:
		m.describePredict(&d)
	case msgReply:
		d.add("id", m.replyID)
		d.add("slots", uint64(len(m.replies)))
		for i := range m.replies {
			m.replies[i].describe(&d, fmt.Sprintf("slot.%d.", i))
		}
	case msgError:
		d.add("id", m.fault.id)
		d.add("status", m.fault.status.String())
		d.add("fault", string(m.fault.fault))
		d.add("text", m.fault.text)
	case msgOutcome:
		d.add("outcomes", uint64(len(m.outcomes)))
		d.add("refused", m.refused)
		for i := range m.outcomes {
			m.outcomes[i].describe(&d, fmt.Sprintf("outcome.%d.", i))
		}
	case msgGoAway:
		d.add("text", m.text)
	}
	return d
}

func (m *envelope) describeHello(d *description) {
	h := &m.hello
	d.add("version_min", h.versionMin)
	d.add("version_max", h.versionMax)
	d.add("peer_name", h.name)
	d.add("capabilities", h.capabilities)
	if m.fromServer {
		d.add("max_frame", uint64(h.limits.Frame))
		d.add("max_batch", uint64(h.limits.Batch))
		d.add("max_in_flight", uint64(h.limits.InFlight))
		d.add("default_budget_ns", nanos(h.limits.Budget))
	}
}

func (m *envelope) describePredict(d *description) {
	d.add("id", m.call.id)
	d.add("budget_ns", nanos(m.call.budget))
	d.add("require_model", m.requireModel)
	if m.class != ClassDefault {
		d.add("class", m.class.String())
	}
	if m.trace.Valid() {
		d.add("traceparent", m.trace.Traceparent())
	}
	d.add("slots", uint64(len(m.slots)))
	for i, s := range m.slots {
		at := fmt.Sprintf("slot.%d.", i)
		if s.err != nil {
			d.add(at+"status", s.err.Status.String())
			continue
		}
		d.add(at+"kind", s.request.Kind().String())
		describeRequest(d, at, s.request)
	}
}

func describeRequest(d *description, at string, q Request) {
	switch q := q.(type) {
	case *WorkloadRequest:
		d.add(at+"agent_id", q.AgentID)
		d.add(at+"historical_cpu", list(q.HistoricalCPU))
		d.add(at+"historical_memory", list(q.HistoricalMemory))
		d.add(at+"historical_gpu", list(q.HistoricalGPU))
		d.add(at+"time_of_day", uint64(q.TimeOfDay))
		d.add(at+"day_of_week", uint64(q.DayOfWeek))
		d.add(at+"current_cpu", q.CurrentCPU)
		d.add(at+"current_memory", q.CurrentMemory)
		d.add(at+"current_gpu", optional(q.CurrentGPU))
		for _, past := range []struct {
			name string
			list []float32
		}{{"cpu_past", q.CPUPast}, {"memory_past", q.MemoryPast}, {"gpu_past", q.GPUPast}} {
			if len(past.list) > 0 {
				d.add(at+past.name, list(past.list))
			}
		}
	case *ThreatRequest:
		describeThreat(d, at, q)
	case *FailureRequest:
		d.add(at+"component", q.Component)
		d.add(at+"health_score", q.HealthScore)
		d.add(at+"current_value", q.CurrentValue)
		d.add(at+"baseline", q.Baseline)
		d.add(at+"trend", int64(q.Trend))
		d.add(at+"historical_health", list(q.HistoricalHealth))
		d.add(at+"failure_history", list(q.FailureHistory))
		d.add(at+"time_since_last_failure", q.TimeSinceLastFailure)
		if len(q.FailureRates) > 0 {
			d.add(at+"failure_rates", list(q.FailureRates))
		}
	case *MemoryRequest:
		d.add(at+"agent_id", q.AgentID)
		d.add(at+"access_history", list(q.AccessHistory))
		d.add(at+"access_types", list(q.AccessTypes))
		d.add(at+"access_timestamps", list(q.AccessTimestamps))
		d.add(at+"current_address", q.CurrentAddress)
		d.add(at+"locality_score", q.LocalityScore)
		d.add(at+"candidates", list(q.Candidates))
		if len(q.CandidateChances) > 0 {
			d.add(at+"candidate_chances", list(q.CandidateChances))
		}
	}
}

func describeThreat(d *description, at string, q *ThreatRequest) {
	d.add(at+"agent_id", q.AgentID)
	d.add(at+"metrics.operation_count", q.Metrics.OperationCount)
	d.add(at+"metrics.syscall_count", q.Metrics.SyscallCount)
	d.add(at+"metrics.memory_usage", q.Metrics.MemoryUsage)
	d.add(at+"metrics.network_activity", q.Metrics.NetworkActivity)
	anomalies := []any{}
	for _, a := range q.Anomalies {
		anomalies = append(anomalies, []any{uint64(a.Type), a.Severity, a.Timestamp})
	}
	d.add(at+"anomalies", anomalies)
	d.add(at+"historical_threats", list(q.HistoricalThreats))
	d.add(at+"time_since_last_threat", q.TimeSinceLastThreat)
	d.add(at+"syscall_features", list(q.SyscallFeatures))
	if len(q.SyscallCounts) > 0 {
		d.add(at+"syscall_counts", list(q.SyscallCounts))
	}
}

func (p *Reply) describe(d *description, at string) {
	d.add(at+"status", p.Status.String())
	if p.Status != StatusOK {
		d.add(at+"text", p.Error)
		if p.Reason != ReasonNone {
			d.add(at+"reason", uint64(p.Reason))
		}
		return
	}
	d.add(at+"kind", p.Kind.String())
	d.add(at+"prediction_id", p.PredictionID)
	d.add(at+"source", p.Source.String())
	d.add(at+"reason", uint64(p.Reason))
	d.add(at+"age_ns", nanos(p.Age))
	d.add(at+"model", p.Model)
	p.Prediction.describe(d, at)
	if p.Ruled != 0 {
		d.add(at+"ruled", uint64(p.Ruled))
	}
}

func (o *Outcome) describe(d *description, at string) {
	d.add(at+"prediction_id", o.PredictionID)
	d.add(at+"kind", o.Actual.Kind.String())
	if o.Actual.Kind == Failure {
		d.add(at+"subject", o.Subject.Component)
	} else {
		d.add(at+"subject", o.Subject.Agent)
	}
	d.add(at+"observed_ago_ns", nanos(o.Ago))
	o.Actual.describe(d, at)
	if o.Unobserved != 0 {
		d.add(at+"unobserved", uint64(o.Unobserved))
	}
}

func (p *Prediction) describe(d *description, at string) {
	switch p.Kind {
	case Workload:
		d.add(at+"predicted_cpu", p.Workload.CPU)
		d.add(at+"predicted_memory", p.Workload.Memory)
		d.add(at+"predicted_gpu", optional(p.Workload.GPU))
		d.add(at+"confidence", p.Workload.Confidence)
	case Threat:
		d.add(at+"threat_score", p.Threat.Score)
		d.add(at+"threat_type", uint64(p.Threat.Type))
		d.add(at+"confidence", p.Threat.Confidence)
		d.add(at+"recommended_action", uint64(p.Threat.Action))
	case Failure:
		d.add(at+"failure_probability", p.Failure.Probability)
		d.add(at+"predicted_time_ns", optional(p.Failure.PredictedTime))
		d.add(at+"confidence", p.Failure.Confidence)
		d.add(at+"failure_type", uint64(p.Failure.Type))
	case Memory:
		d.add(at+"next_address", p.Memory.NextAddress)
		d.add(at+"access_probability", p.Memory.Probability)
		d.add(at+"access_type", uint64(p.Memory.Type))
		d.add(at+"confidence", p.Memory.Confidence)
		more := []any{}
		for _, c := range p.Memory.More[:p.Memory.MoreLen] {
			more = append(more, []any{c.Address, c.Probability})
		}
		d.add(at+"more", more)
	}
}

func nanos(d time.Duration) uint64 { return uint64(d) }

func optional[T any](o Optional[T]) any {
	if !o.Valid {
		return nil
	}
	return o.Value
}

// list widens a list to []any; small integers become uint64 like all the others.
func list[T float32 | uint64 | uint8](vs []T) []any {
	out := make([]any, len(vs))
	for i, v := range vs {
		if small, ok := any(v).(uint8); ok {
			out[i] = uint64(small)
		} else {
			out[i] = v
		}
	}
	return out
}

// String gives the lines that a vector file would have.
func (d description) String() string {
	var b strings.Builder
	for _, p := range d {
		fmt.Fprintf(&b, "%s: %v\n", p.key, p.value)
	}
	return b.String()
}
