package syscalls

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// WindowCalls is how many calls the features look back.
const WindowCalls = 100

// Width is the length of syscall_features: what the window says, then what the agent did
// before it.
const Width = windowWidth + memoryWidth

const (
	windowWidth = Groups + statistics + int(Classes)*int(Classes)
	memoryWidth = int(Classes) + 4
)

// statistics is the number of columns between the shares and the class pairs.
const statistics = 5

// Stream follows the system calls of one agent: the last hundred, how the last two
// thousand were mixed, and counts since the last report. The zero value is ready. It is
// about 300 bytes, not safe for concurrent use, and allocates nothing.
type Stream struct {
	ring   [WindowCalls]Group
	n      int // calls in ring
	at     int // where the next one goes
	memory memory

	metrics ipc.ThreatMetrics // since the last report
}

// Add notes one call. bytes is what it moved or mapped where that is known, 0
// otherwise: it counts as network_activity for calls on sockets and as
// memory_usage for calls that map memory.
func (s *Stream) Add(g Group, bytes uint64) {
	if int(g) >= Groups {
		g = other
	}
	s.ring[s.at] = g
	s.at = (s.at + 1) % WindowCalls
	s.n = min(s.n+1, WindowCalls)
	s.memory.add(g)
	m := &s.metrics
	m.SyscallCount++
	switch g.Class() {
	case ClassFile, ClassProcess, ClassIdentity:
		m.OperationCount++
	case ClassNetwork:
		m.OperationCount++
		m.NetworkActivity = addCut(m.NetworkActivity, bytes)
	case ClassMemory:
		m.MemoryUsage = addCut(m.MemoryUsage, bytes)
	}
}

func addCut(a, b uint64) uint64 { return a + min(b, math.MaxUint64-a) }

// Len is the number of calls in the window, at most WindowCalls.
func (s *Stream) Len() int { return s.n }

// Report writes the stream's metrics, features and anomalies into q, in place
// of those that are there, and starts the next report: the counts are of one
// report, the window stays. now stamps the anomalies, in ns. Storage of q's
// slices is used again. Without a call in the window no features are sent, without
// a table (nil) no anomalies.
func (s *Stream) Report(q *ipc.ThreatRequest, n *Novelty, now uint64) {
	q.Metrics = s.metrics
	s.metrics = ipc.ThreatMetrics{}
	q.SyscallFeatures, q.SyscallCounts, q.Anomalies = q.SyscallFeatures[:0], q.SyscallCounts[:0], q.Anomalies[:0]
	if s.n == 0 {
		return
	}
	var window [WindowCalls]Group
	calls := window[:s.n]
	for i := range calls {
		calls[i] = s.ring[(s.at-s.n+i+WindowCalls)%WindowCalls]
	}
	q.SyscallFeatures = s.memory.appendFeatures(appendFeatures(q.SyscallFeatures, calls))
	q.SyscallCounts = s.memory.appendCounts(q.SyscallCounts)
	if n != nil {
		q.Anomalies = n.appendAnomalies(q.Anomalies, calls, now)
	}
}

// appendFeatures writes the window's part of the vector whose layout doc.go gives.
func appendFeatures(dst []float32, calls []Group) []float32 {
	var count [Groups]int
	var pairs [Classes * Classes]int
	repeats := 0
	for i, g := range calls {
		count[g]++
		if i > 0 {
			before := calls[i-1]
			pairs[before.Class()*Classes+g.Class()]++
			if before == g {
				repeats++
			}
		}
	}
	n := float64(len(calls))
	distinct, top, entropy := 0, 0, 0.0
	for _, c := range count {
		dst = append(dst, float32(float64(c)/n))
		if c > 0 {
			distinct++
			top = max(top, c)
			p := float64(c) / n
			entropy -= p * math.Log2(p)
		}
	}
	steps := max(1, n-1)
	dst = append(dst, float32(n/WindowCalls), float32(distinct)/float32(Groups), float32(entropy),
		float32(float64(top)/n), float32(float64(repeats)/steps))
	for _, c := range pairs {
		dst = append(dst, float32(float64(c)/steps))
	}
	return dst
}
