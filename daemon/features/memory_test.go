package features

import (
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestCandidatesAreDifferentAndIncludeTheClients(t *testing.T) {
	q := &ipc.MemoryRequest{CurrentAddress: 0x5000, AccessHistory: []uint64{0x1000, 0x3000, 0x2000, 0x3000, 0x5000}}
	q.Candidates = []uint64{0x7fff_ffff_f123, 0x6000}
	var p Pages
	p.Read(q)
	seen := map[uint64]bool{}
	for i := range p.Len() {
		if seen[p.Address(i)] {
			t.Errorf("page %x twice", p.Address(i))
		}
		seen[p.Address(i)] = true
	}
	for _, want := range []uint64{0x6000, 0x4000, 0x7000, 0x5000, 0x7fff_ffff_f000} {
		if !seen[want] {
			t.Errorf("page %x is no candidate", want)
		}
	}
}

// Proposers asked about windows whose next page is plain.
func TestProposersFollowTheirPatterns(t *testing.T) {
	for _, c := range []struct {
		by     int
		window []uint64
		want   uint64
	}{
		{byNext, []uint64{4}, 5},
		{byPrevious, []uint64{0}, math.MaxUint64},
		{bySkip, []uint64{4}, 6},
		{bySame, []uint64{4}, 4},
		{byStep, []uint64{1, 4}, 7},
		{byStep2, []uint64{1, 4, 9}, 12},
		{byMajority, []uint64{1, 3, 5, 7, 100}, 102},
		{byAfterStep, []uint64{1, 2, 9, 10}, 17},
		{byAfterPair, []uint64{0, 1, 3, 8, 9, 11}, 16},
		{byAfterPage, []uint64{7, 70, 3, 7}, 70},
	} {
		p := Pages{majors: majorityStep(c.window)}
		if got, ok := p.propose(c.by, c.window); !ok || got != c.want {
			t.Errorf("proposer %d after %v = %d, %v, want %d", c.by, c.window, got, ok, c.want)
		}
	}
}
