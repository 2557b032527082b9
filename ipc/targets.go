package ipc

import "strings"

// Targets is a set of the values that a workload prediction is made of. Each is judged,
// and trusted or not, by itself: a model may be better than the rule at an agent's cpu
// and worse at its memory. Its bits are those of the wire (PROTOCOL.md, 6.4 and 6.6).
type Targets uint8

// The targets.
const (
	TargetCPU Targets = 1 << iota
	TargetMemory
	TargetGPU

	allTargets = TargetCPU | TargetMemory | TargetGPU
)

var targetNames = [...]string{"cpu", "memory", "gpu"}

// Has reports whether all of other are in t.
func (t Targets) Has(other Targets) bool { return t&other == other }

// Names gives the names used in JSON, in the order of the bits; empty for none.
func (t Targets) Names() []string {
	names := make([]string, 0, len(targetNames))
	for i, name := range targetNames {
		if t&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String gives the names joined by commas; "" for none.
func (t Targets) String() string { return strings.Join(t.Names(), ",") }

// Targets are the values that the answer to q has: a gpu only where the agent has one.
func (q *WorkloadRequest) Targets() Targets {
	if q.CurrentGPU.Valid || len(q.HistoricalGPU) > 0 {
		return allTargets
	}
	return TargetCPU | TargetMemory
}

// targets reads an optional element of bits; those that this code does not know are
// ignored, as flags are. Anything else that is well formed is none: readers of before
// stepped over whatever stood there.
func (r *reader) targets() Targets {
	if r.err == nil && r.left() > 0 {
		if c := r.b[r.off]; c < 0x80 || c >= 0xcc && c <= 0xcf {
			return Targets(r.u64("targets")) & allTargets
		}
	}
	r.skip(0)
	return 0
}
