package ipc

// Targets is a set of the values that a prediction is made of. Each is judged, and trusted
// or not, by itself: a model may be better than the rule at an agent's cpu and worse at its
// memory, or know that a component fails and not when. Bit n stands for element n of the
// kind's prediction on the wire (PROTOCOL.md, 6.4 and 6.6).
type Targets uint8

// The targets, by kind. Of the others the first value is the answer itself, and goes with
// the rule or the model altogether: a score, a probability, a page.
const (
	TargetCPU    Targets = 1 << 0 // of a workload
	TargetMemory Targets = 1 << 1
	TargetGPU    Targets = 1 << 2

	TargetThreatType Targets = 1 << 1 // of a threat

	TargetFailureTime Targets = 1 << 1 // of a failure
	TargetFailureType Targets = 1 << 3

	TargetAccessType Targets = 1 << 2 // of memory
)

// target is one of a kind's, and what JSON calls it.
type target struct {
	bit  Targets
	name string
}

// targetsOf are each kind's, in the order of the bits.
var targetsOf = [len(Kinds) + 1][]target{
	Workload: {{TargetCPU, "cpu"}, {TargetMemory, "memory"}, {TargetGPU, "gpu"}},
	Threat:   {{TargetThreatType, "type"}},
	Failure:  {{TargetFailureTime, "time"}, {TargetFailureType, "type"}},
	Memory:   {{TargetAccessType, "type"}},
}

// allTargets are those that kind k has; none where it is no kind.
func allTargets(k Kind) (all Targets) {
	if k.Valid() {
		for _, t := range targetsOf[k] {
			all |= t.bit
		}
	}
	return all
}

// Has reports whether all of other are in t.
func (t Targets) Has(other Targets) bool { return t&other == other }

// Names gives the names used in JSON for those of kind k, in the order of the bits; empty
// for none.
func (t Targets) Names(k Kind) []string {
	names := make([]string, 0, len(targetsOf[Workload]))
	if k.Valid() {
		for _, one := range targetsOf[k] {
			if t.Has(one.bit) {
				names = append(names, one.name)
			}
		}
	}
	return names
}

// Targets are the values that the answer to q has: a gpu only where the agent has one.
func (q *WorkloadRequest) Targets() Targets {
	if q.CurrentGPU.Valid || len(q.HistoricalGPU) > 0 {
		return TargetCPU | TargetMemory | TargetGPU
	}
	return TargetCPU | TargetMemory
}

// targets reads an optional element of bits, about a prediction of kind k; those that k
// does not have are ignored, as flags are. Anything else that is well formed is none:
// readers of before stepped over whatever stood there.
func (r *reader) targets(k Kind) Targets {
	if r.err == nil && r.left() > 0 {
		if c := r.b[r.off]; c < 0x80 || c >= 0xcc && c <= 0xd3 {
			start := r.off
			if v := r.u64("targets"); r.err == nil {
				return Targets(v) & allTargets(k)
			}
			r.off, r.err = start, nil // negative, or too short, which skip says again
		}
	}
	r.skip(0)
	return 0
}
