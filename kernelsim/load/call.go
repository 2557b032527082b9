package load

import (
	"errors"
	"sync/atomic"
)

// Target is the system under test, seen from the pacing thread.
type Target interface {
	// Issue starts call c and returns without waiting for the answer. It runs on
	// the pacing thread, one call at a time: what it allocates, locks or writes
	// is part of the measured latency of this call and delays the next start
	// (which its latency, counted from the intended start, will show). The
	// answer is reported with c.Done, from any goroutine, also before Issue
	// returns.
	Issue(c Call)
}

// TargetFunc lets a function be a [Target].
type TargetFunc func(Call)

// Issue calls f.
func (f TargetFunc) Issue(c Call) { f(c) }

// Call is one started call. It is a small value: copy it, keep it beside the
// request until the answer comes. The zero Call is of no use.
type Call struct {
	N        uint64 // number of the call in the run's schedule, from 0
	Intended int64  // intended start, ns on the run's clock
	Label    int    // index into Options.Labels

	slot *slot
	gen  uint64
	run  *OpenLoop
}

// Slot is a number below [Options.Slots] that no other call of the run has until
// this one is done: an index for buffers that a target prepares once and reuses.
// The call that gets the number next starts after Done has returned.
func (c Call) Slot() int { return c.slot.index }

// Outcome says how a call ended.
type Outcome struct {
	// Source is an index into Options.Sources: who gave the answer. Ignored when
	// Err is set.
	Source int
	// Reason says why that source answered and not a better one: 0 for none given,
	// else Options.Reasons[Reason-1]. Ignored when Err is set.
	Reason int
	// Err means no usable answer. Its text is only looked at for the first few
	// different errors of a label.
	Err error
}

// Done reports the end of the call, now. It neither blocks nor allocates. Only
// the first report counts: later ones, and those that come after the run has
// ended, change nothing and return false.
func (c Call) Done(o Outcome) bool {
	return c.run.finish(c, o)
}

// errBadSource stands in for an answer whose source has no name.
var errBadSource = errors.New("load: source out of range")

// errBadReason stands in for an answer whose reason has no name.
var errBadReason = errors.New("load: reason out of range")

// slot is the record of a call. Exactly one party owns it at any time: the
// pacing thread (free), the target (open), the recorder (on the done stack).
type slot struct {
	index int
	// state is generation<<1 | open. Taking it from open to closed is what makes
	// one report of several win, and a late one, whose generation has passed, lose.
	state atomic.Uint64
	next  uint32 // link of the stack the slot is on: index+1, 0 ends

	kind     slotKind
	label    int
	source   int
	reason   int
	err      error
	intended int64 // ns, like all below
	ready    int64 // when the pacing thread was free to start the call
	sent     int64
	finish   int64
	issue    int64 // how long Issue took for the call before this one; -1 unknown
}

type slotKind uint8

const (
	kindCall slotKind = iota
	kindDropped
	kindWarmup // made, but not part of the result
	kindLost   // still open when the run gave up waiting
)

// close takes the call of a generation from open to closed, once.
func (s *slot) close(gen uint64) bool { return s.state.CompareAndSwap(gen<<1|1, (gen+1)<<1) }

// stack is a lock-free stack of slots, pushed to by many, emptied as a whole by
// one. Emptying as a whole is what keeps it free of the ABA problem.
type stack struct {
	head atomic.Uint32
	_    [60]byte // its own cache line: both ends write it
}

// push puts the chain first…last, already linked, on the stack.
func (s *stack) push(first, last *slot) {
	for {
		h := s.head.Load()
		last.next = h
		if s.head.CompareAndSwap(h, uint32(first.index)+1) {
			return
		}
	}
}

// takeAll empties the stack and returns its top as index+1, 0 when empty.
func (s *stack) takeAll() uint32 { return s.head.Swap(0) }
