// Package payload makes the questions that every row of the benchmark asks: one
// sequence of requests with full histories, as ipc requests, as frames, as protobuf
// and as JSON, so that all systems carry the same values.
package payload

import "github.com/mlbridge/mlbridge/ipc"

// Agents is how many subjects the sequence walks through. A bridge keeps the last
// answer about each, so question i+Agents must differ from question i: it does.
const Agents = 4096

// Rounds is after how many times round the subjects their questions are the same again.
const Rounds = 24

// Hot is the number of the question that the cache rows ask for ever.
const Hot = 0

// New gives an empty request of kind k with room for full histories.
func New(k ipc.Kind) ipc.Request {
	switch k {
	case ipc.Workload:
		return &ipc.WorkloadRequest{
			HistoricalCPU:    make([]float32, ipc.MaxWorkloadHistory),
			HistoricalMemory: make([]uint64, ipc.MaxWorkloadHistory),
			HistoricalGPU:    make([]float32, ipc.MaxWorkloadHistory),
		}
	case ipc.Threat:
		return &ipc.ThreatRequest{HistoricalThreats: make([]float32, ipc.MaxThreatHistory)}
	case ipc.Failure:
		return &ipc.FailureRequest{
			HistoricalHealth: make([]float32, ipc.MaxHealthHistory),
			FailureHistory:   make([]uint8, ipc.MaxFailureHistory),
		}
	case ipc.Memory:
		return &ipc.MemoryRequest{
			AccessHistory:    make([]uint64, ipc.MaxAccessHistory),
			AccessTypes:      make([]uint8, ipc.MaxAccessHistory),
			AccessTimestamps: make([]uint64, ipc.MaxAccessHistory),
		}
	}
	return nil
}

// Fill makes q, which New gave, question i ≥ 0 of the sequence. It allocates nothing.
func Fill(q ipc.Request, i int) {
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		fillWorkload(q, i)
	case *ipc.ThreatRequest:
		fillThreat(q, i)
	case *ipc.FailureRequest:
		fillFailure(q, i)
	case *ipc.MemoryRequest:
		fillMemory(q, i)
	}
}

// shares are values in steps of a cache quantum (1/128), so that neighbours in the
// sequence are never taken for the same question. A walk's period is Rounds: the step of
// one, (7·Agents + 13) mod 120 = 5, goes 24 times into 120.
var shares = func() (v [120]float32) {
	for i := range v {
		v[i] = float32(i) / 128
	}
	return v
}()

// walk fills vs with the shares of question i, each step further on than the last. It
// divides once: filling a question must not cost what answering one does.
func walk(vs []float32, i, step int) {
	at := (7*i + 13*(i/Agents)) % len(shares)
	for k := range vs {
		vs[k] = shares[at]
		if at += step; at >= len(shares) {
			at -= len(shares)
		}
	}
}

const sizesPeriod = 97

// sizes are what an agent's memory goes through, again and again, as far as question
// sizesPeriod-1 with the squares of a history's places needs them.
var sizes = func() (v [sizesPeriod + ipc.MaxWorkloadHistory*ipc.MaxWorkloadHistory]uint64) {
	for i := range v {
		v[i] = 5<<30 + uint64(i%sizesPeriod)<<24
	}
	return v
}()

func fillWorkload(q *ipc.WorkloadRequest, i int) {
	q.AgentID = uint64(i%Agents) + 1
	walk(q.HistoricalCPU, i, 11)
	walk(q.HistoricalGPU, i, 33)
	at := i % sizesPeriod
	for k := range q.HistoricalMemory {
		q.HistoricalMemory[k] = sizes[at+k*k]
	}
	last := len(q.HistoricalCPU) - 1
	q.TimeOfDay, q.DayOfWeek = uint8(i%24), uint8(i%7)
	q.CurrentCPU = q.HistoricalCPU[last]
	q.CurrentMemory = q.HistoricalMemory[last]
	q.CurrentGPU = ipc.Some(q.HistoricalGPU[last])
}

func fillThreat(q *ipc.ThreatRequest, i int) {
	q.AgentID = uint64(i%Agents) + 1
	q.Metrics = ipc.ThreatMetrics{
		OperationCount: uint64(1000 + i%500), SyscallCount: uint64(5000 + i%900),
		MemoryUsage: 5<<30 + uint64(i%97)<<24, NetworkActivity: uint64(1<<20 + i%9999),
	}
	walk(q.HistoricalThreats, i, 11)
	q.TimeSinceLastThreat = ipc.Never
}

func fillFailure(q *ipc.FailureRequest, i int) {
	q.Component = components[i%Agents]
	walk(q.HistoricalHealth, i, 11)
	q.HealthScore = q.HistoricalHealth[len(q.HistoricalHealth)-1]
	q.CurrentValue, q.Baseline, q.Trend = 40+float32(i%64), 50, -1
	q.TimeSinceLastFailure = uint64(i%1000) * 1000
}

// components are the subjects' names of the failure questions, each with four letters
// of its own. Made once: the benchmark counts its own allocations.
var components = func() (names [Agents]string) {
	for n := range names {
		name := []byte("memory-bank-....")
		for k := range 4 {
			name[12+k] = 'a' + byte(n>>(4*k)&15)
		}
		names[n] = string(name)
	}
	return names
}()

func fillMemory(q *ipc.MemoryRequest, i int) {
	q.AgentID = uint64(i%Agents) + 1
	page := uint64(0x7f00_0000_0000) + uint64(i)<<16
	for k := range q.AccessHistory {
		// Mostly forward, now and then somewhere else: what page faults look like.
		q.AccessHistory[k] = page + uint64(k)<<12 + uint64(k%5/4)<<20
		q.AccessTimestamps[k] = 1<<60 + uint64(i)<<20 + uint64(k)<<10
		q.AccessTypes[k] = uint8(k % 2)
	}
	q.CurrentAddress = q.AccessHistory[len(q.AccessHistory)-1]
	q.LocalityScore = 0.75
}
