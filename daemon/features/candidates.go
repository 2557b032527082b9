package features

import "github.com/mlbridge/mlbridge/ipc"

const pageShift = 12 // 4 KiB: the smallest page of every architecture this runs on

// MaxPages bounds the candidate pages of one request.
const MaxPages = proposers + neighbours + ipc.MaxCandidates

// The proposers, each naming at most one page from the window. Their order is
// the order of the "by_…" and "worked_…" columns.
const (
	byNext      = iota // the page after the current one
	byPrevious         // the page before it
	bySkip             // two pages on
	bySame             // the current page again (another kind of access to it)
	byStep             // the last step again
	byStep2            // the second last step again
	byMajority         // the commonest step of the window
	byAfterStep        // the step that followed the last step when it came before
	byAfterPair        // the step that followed the last two steps
	byAfterPage        // the page that followed the current page
	proposers
)

// Further candidates are pages around earlier faults of the window.
const (
	aboveEarlier = 7 // the page after each of the last 7 earlier faults
	belowEarlier = 4 // the page before each of the last 4
	samePages    = 7 // the last 7 themselves
	neighbours   = aboveEarlier + belowEarlier + samePages
)

// Pages is the window of a memory request and the candidate pages drawn from
// it. Page numbers are u64 and differences wrap: arithmetic modulo 2^52 pages
// never fails, it only names a page that nobody touches.
type Pages struct {
	window [ipc.MaxAccessHistory]uint64 // oldest first, current page last
	n      int

	pages  [MaxPages]uint64
	by     [MaxPages]uint16  // bit per proposer
	given  [MaxPages]uint8   // 1 + index in the request's candidates, 0 if not there
	chance [MaxPages]float32 // what the client's tables give it
	count  int
	majors int64 // the commonest step
}

// pageMask keeps a page number inside the 64-bit address space.
const pageMask = 1<<(64-pageShift) - 1

// Read sets the window from q and collects the candidates. The history ends
// with the current address, which wins where they differ.
func (p *Pages) Read(q *ipc.MemoryRequest) {
	p.n = max(1, min(len(q.AccessHistory), ipc.MaxAccessHistory))
	for i := range p.n - 1 {
		p.window[i] = q.AccessHistory[i] >> pageShift
	}
	p.window[p.n-1] = q.CurrentAddress >> pageShift
	p.count = 0
	w := p.window[:p.n]
	p.majors = majorityStep(w)
	for by := range proposers {
		if page, ok := p.propose(by, w); ok {
			i := p.add(page)
			p.by[i] |= 1 << by
		}
	}
	for k := 1; k <= aboveEarlier && k < p.n; k++ {
		p.add(w[p.n-1-k] + 1)
	}
	for k := 1; k <= belowEarlier && k < p.n; k++ {
		p.add(w[p.n-1-k] - 1)
	}
	for k := 1; k <= samePages && k < p.n; k++ {
		p.add(w[p.n-1-k])
	}
	for i, a := range q.Candidates[:min(len(q.Candidates), ipc.MaxCandidates)] {
		if c := p.add(a >> pageShift); p.given[c] == 0 {
			p.given[c] = uint8(i + 1)
			if i < len(q.CandidateChances) {
				p.chance[c] = q.CandidateChances[i]
			}
		}
	}
}

// Len is the number of different candidates, at least one.
func (p *Pages) Len() int { return p.count }

// Address is candidate i as the address of its first byte.
func (p *Pages) Address(i int) uint64 { return p.pages[i] << pageShift }

func (p *Pages) add(page uint64) int {
	page &= pageMask
	for i, have := range p.pages[:p.count] {
		if have == page {
			return i
		}
	}
	i := p.count
	p.pages[i], p.by[i], p.given[i], p.chance[i] = page, 0, 0, 0
	p.count++
	return i
}

// propose asks one proposer for the page that follows w. It is a function of w
// alone, so that it can also be asked about the past (see worked).
func (p *Pages) propose(by int, w []uint64) (page uint64, ok bool) {
	n := len(w)
	current := w[n-1]
	switch by {
	case byNext:
		return current + 1, true
	case byPrevious:
		return current - 1, true
	case bySkip:
		return current + 2, true
	case bySame:
		return current, true
	case byStep:
		if n >= 2 {
			return current + (current - w[n-2]), true
		}
	case byStep2:
		if n >= 3 {
			return current + (w[n-2] - w[n-3]), true
		}
	case byMajority:
		if n >= 2 {
			return current + uint64(p.majors), true
		}
	case byAfterStep:
		for i := n - 2; n >= 3 && i >= 1; i-- {
			if w[i]-w[i-1] == current-w[n-2] {
				return current + (w[i+1] - w[i]), true
			}
		}
	case byAfterPair:
		for i := n - 2; n >= 4 && i >= 2; i-- {
			if w[i]-w[i-1] == current-w[n-2] && w[i-1]-w[i-2] == w[n-2]-w[n-3] {
				return current + (w[i+1] - w[i]), true
			}
		}
	case byAfterPage:
		for i := n - 2; i >= 0; i-- {
			if w[i] == current {
				return w[i+1], true
			}
		}
	}
	return 0, false
}

// majorityStep is the commonest step of w, the later one among equals; 0 for a
// window without steps.
func majorityStep(w []uint64) int64 {
	var best uint64
	most := 0
	for i := len(w) - 1; i >= 1; i-- {
		count := 0
		for k := i; k >= 1; k-- {
			if w[k]-w[k-1] == w[i]-w[i-1] {
				count++
			}
		}
		if count > most {
			best, most = w[i]-w[i-1], count
		}
	}
	return int64(best)
}
