// Package cachekey tells when two questions are the same for the purpose of a
// cache: same kind, same subject, and inputs that differ by less than their
// quantum. Client and bridge use it alike, so they agree on what "cached" means.
//
// The quanta, per field:
//
//	cpu, gpu, health, earlier threat scores, locality   1/128
//	bytes, counters, times since                         5 significant bits (at most 6 % apart)
//	current_value, baseline                              8 significant bits (at most 0.8 % apart)
//	severity, syscall_features                           8 significant bits
//	hour, weekday, trend, flags, types                   exact
//	addresses                                            page (4 KiB)
//	timestamps                                           not part of the key
//
// Rounding is by cutting off, so two close values on either side of a step differ:
// that costs a question to the model, never a wrong answer.
package cachekey

import (
	"math"
	"math/bits"

	"github.com/mlbridge/mlbridge/ipc"
)

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
	h.add(uint64(q.TimeOfDay)<<8 | uint64(q.DayOfWeek))
	h.unit(q.CurrentCPU)
	h.size(q.CurrentMemory)
	if q.CurrentGPU.Valid {
		h.unit(q.CurrentGPU.Value)
	} else {
		h.add(math.MaxUint64) // no unit quantises to this
	}
}

func (h *hash) threat(q *ipc.ThreatRequest) {
	m := &q.Metrics
	h.size(m.OperationCount)
	h.size(m.SyscallCount)
	h.size(m.MemoryUsage)
	h.size(m.NetworkActivity)
	h.add(uint64(len(q.Anomalies)))
	for i := range q.Anomalies {
		h.add(uint64(q.Anomalies[i].Type))
		h.reading(q.Anomalies[i].Severity)
	}
	h.units(q.HistoricalThreats)
	h.size(q.TimeSinceLastThreat)
	h.add(uint64(len(q.SyscallFeatures)))
	for _, v := range q.SyscallFeatures {
		h.reading(v)
	}
}

func (h *hash) failure(q *ipc.FailureRequest) {
	h.unit(q.HealthScore)
	h.reading(q.CurrentValue)
	h.reading(q.Baseline)
	h.add(uint64(q.Trend))
	h.units(q.HistoricalHealth)
	h.small(q.FailureHistory)
	h.size(q.TimeSinceLastFailure)
}

func (h *hash) memory(q *ipc.MemoryRequest) {
	h.pages(q.AccessHistory)
	h.small(q.AccessTypes)
	h.add(q.CurrentAddress >> pageShift)
	h.unit(q.LocalityScore)
	h.pages(q.Candidates)
}

const (
	pageShift       = 12
	unitSteps       = 128
	significantBits = 5
	// readingMask keeps the sign, the exponent and 7 stored bits of the mantissa,
	// which with the implied one make 8 significant bits.
	readingMask = 0xffff0000
)

// hash mixes 64-bit words by multiplying to 128 bits and folding, the step of Wang
// Yi's wyhash. It need not resist an attacker: a peer can only confuse the answers
// about its own subjects.
type hash uint64

func (h *hash) add(v uint64) {
	hi, lo := bits.Mul64(uint64(*h)^0xa0761d6478bd642f, v^0xe7037ed1a0b428db)
	*h = hash(hi ^ lo)
}

func (h *hash) unit(v float32) { h.add(uint64(int64(v * unitSteps))) }

func (h *hash) units(vs []float32) {
	h.add(uint64(len(vs)))
	for _, v := range vs {
		h.unit(v)
	}
}

// size keeps the leading significant bits and where they stand.
func (h *hash) size(v uint64) {
	if shift := bits.Len64(v) - significantBits; shift > 0 {
		v = v >> shift << shift
	}
	h.add(v)
}

func (h *hash) sizes(vs []uint64) {
	h.add(uint64(len(vs)))
	for _, v := range vs {
		h.size(v)
	}
}

func (h *hash) reading(v float32) { h.add(uint64(math.Float32bits(v+0) & readingMask)) }

func (h *hash) small(vs []uint8) {
	h.add(uint64(len(vs)))
	for _, v := range vs {
		h.add(uint64(v))
	}
}

func (h *hash) pages(vs []uint64) {
	h.add(uint64(len(vs)))
	for _, v := range vs {
		h.add(v >> pageShift)
	}
}
