// Package cachekey tells when two questions are the same for the purpose of a
// cache: same kind, same subject, and inputs that differ by less than their
// quantum. Client and bridge use it alike, so they agree on what "cached" means.
//
// The quanta, per field:
//
//	cpu, gpu, health, earlier threat scores, locality   1/128
//	bytes, counters                                      5 significant bits (at most 6 % apart)
//	times since                                          2 significant bits: they pass by themselves,
//	                                                     and models read their logarithm
//	current_value, baseline                              8 significant bits (at most 0.8 % apart)
//	severity, syscall_features, cpu_past and its like    8 significant bits
//	hour, weekday, trend, flags, types                   exact
//	addresses                                            page (4 KiB)
//	timestamps                                           not part of the key
//
// Rounding is by cutting off, so two close values on either side of a step differ:
// that costs a question to the model, never a wrong answer.
package cachekey

import "github.com/mlbridge/mlbridge/ipc"

// Key identifies a question. It is comparable. The hash covers kind and inputs;
// the subject is kept whole, because answers of one must never serve another.
type Key struct {
	Kind    ipc.Kind
	Subject ipc.Subject
	Inputs  uint64
}

// Of gives the key of q. It allocates nothing.
func Of(q ipc.Request) Key {
	return Key{Kind: q.Kind(), Subject: q.Subject(), Inputs: Inputs(q)}
}

// Inputs hashes the quantised inputs of q.
func Inputs(q ipc.Request) uint64 {
	h := hash(q.Kind())
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		h.workload(q)
	case *ipc.ThreatRequest:
		h.threat(q)
	case *ipc.FailureRequest:
		h.failure(q)
	case *ipc.MemoryRequest:
		h.memory(q)
	}
	return uint64(h)
}

func (h *hash) workload(q *ipc.WorkloadRequest) {
	h.units(q.HistoricalCPU)
	h.sizes(q.HistoricalMemory)
	h.units(q.HistoricalGPU)
	h.add(uint64(q.TimeOfDay), uint64(q.DayOfWeek))
	gpu := noUnit
	if q.CurrentGPU.Valid {
		gpu = unit(q.CurrentGPU.Value)
	}
	h.add(unit(q.CurrentCPU)|gpu<<8, size(q.CurrentMemory))
	if len(q.CPUPast)+len(q.MemoryPast)+len(q.GPUPast) > 0 {
		h.readings(q.CPUPast) // empty or not: a past of cpu is none of memory
		h.readings(q.MemoryPast)
		h.readings(q.GPUPast)
	}
}

func (h *hash) threat(q *ipc.ThreatRequest) {
	m := &q.Metrics
	h.add(size(m.OperationCount)|size(m.SyscallCount)<<16|size(m.MemoryUsage)<<32, size(m.NetworkActivity))
	h.add(uint64(len(q.Anomalies)), span(q.TimeSinceLastThreat))
	for i := range q.Anomalies {
		h.add(uint64(q.Anomalies[i].Type), reading(q.Anomalies[i].Severity))
	}
	h.units(q.HistoricalThreats)
	h.readings(q.SyscallFeatures)
	if len(q.SyscallCounts) > 0 {
		h.sizes(q.SyscallCounts)
	}
}

func (h *hash) failure(q *ipc.FailureRequest) {
	h.add(unit(q.HealthScore)|uint64(uint8(q.Trend))<<8, span(q.TimeSinceLastFailure))
	h.add(reading(q.CurrentValue), reading(q.Baseline))
	h.units(q.HistoricalHealth)
	h.small(q.FailureHistory)
	if len(q.FailureRates) > 0 {
		h.readings(q.FailureRates)
	}
}

func (h *hash) memory(q *ipc.MemoryRequest) {
	h.pages(q.AccessHistory)
	h.small(q.AccessTypes)
	h.add(page(q.CurrentAddress), unit(q.LocalityScore))
	h.pages(q.Candidates)
	if len(q.CandidateChances) > 0 {
		h.units(q.CandidateChances)
	}
}
