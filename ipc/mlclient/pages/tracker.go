package pages

import "github.com/mlbridge/mlbridge/ipc"

const (
	pageShift = 12 // 4 KiB
	window    = ipc.MaxAccessHistory
	pageMask  = 1<<(64-pageShift) - 1
	nearPages = 16 // a step of at most so many pages is local (locality_score)
)

// Tracker follows the page faults (or accesses) of one agent. The zero value is
// ready. It is not safe for concurrent use and allocates nothing after that.
type Tracker struct {
	page  [window]uint64 // ring: fault i is at i % window
	kind  [window]uint8
	ns    [window]uint64
	count uint64 // faults so far

	seen    recency
	steps   stepTable
	history [orders - 1]uint8 // slots that named the last pages, newest first
	chances chances

	named [slots]uint64 // pages that the slots name for the next fault
	used  uint64        // bit per slot that names a page no earlier slot names
}

// Add notes one fault at an address, of an ipc.Access… type, at a time in ns.
func (t *Tracker) Add(address uint64, kind uint8, ns uint64) {
	page := address >> pageShift
	if t.count >= 2 {
		t.learn(page)
	}
	i := t.count % window
	t.page[i], t.kind[i], t.ns[i] = page, kind, ns
	t.seen.note(page, t.count)
	t.count++
	t.name()
}

// learn tells the tables which page came.
func (t *Tracker) learn(page uint64) {
	hit := uint8(none)
	for s := range t.named {
		if t.used>>s&1 == 1 && t.named[s] == page {
			hit = uint8(s)
			break
		}
	}
	t.chances.learn(&t.history, hit)
	copy(t.history[1:], t.history[:])
	t.history[0] = hit
	t.steps.learn(t.step(0), t.step(1), t.ago(0), page)
}

// ago is the page k faults before the last one.
func (t *Tracker) ago(k uint64) uint64 { return t.page[(t.count-1-k)%window] }

// step is the k-th step before the last one, 0 where there was none.
func (t *Tracker) step(k uint64) uint64 {
	if t.count < k+2 {
		return 0
	}
	return t.ago(k) - t.ago(k+1)
}

// Report writes the window and the candidates into q, in place of those that
// are there, using q's storage again. AgentID is the caller's to set.
func (t *Tracker) Report(q *ipc.MemoryRequest) {
	q.AccessHistory, q.AccessTypes, q.AccessTimestamps = q.AccessHistory[:0], q.AccessTypes[:0], q.AccessTimestamps[:0]
	q.Candidates, q.CandidateChances = q.Candidates[:0], q.CandidateChances[:0]
	q.CurrentAddress, q.LocalityScore = 0, 0
	n := min(t.count, window)
	near := 0
	for i := t.count - n; i < t.count; i++ {
		at := i % window
		q.AccessHistory = append(q.AccessHistory, t.page[at]<<pageShift)
		q.AccessTypes = append(q.AccessTypes, t.kind[at])
		q.AccessTimestamps = append(q.AccessTimestamps, t.ns[at])
		if i > t.count-n {
			if d := t.page[at] - t.page[(i-1)%window] + nearPages; d <= 2*nearPages {
				near++
			}
		}
	}
	if n == 0 {
		return
	}
	q.CurrentAddress = t.ago(0) << pageShift
	if n > 1 {
		q.LocalityScore = float32(near) / float32(n-1)
	}
	t.putBest(q)
}

// putBest writes the pages with the best chances, best first.
func (t *Tracker) putBest(q *ipc.MemoryRequest) {
	var chance [slots + 1]uint32
	t.chances.of(&t.history, &chance)
	var best [ipc.MaxCandidates]uint8
	found := 0
	for s := range slots {
		if t.used>>s&1 == 0 {
			continue
		}
		at := found
		for at > 0 && chance[best[at-1]] < chance[s] {
			at--
		}
		if at == len(best) {
			continue
		}
		found = min(found+1, len(best))
		copy(best[at+1:found], best[at:found-1])
		best[at] = uint8(s)
	}
	for _, s := range best[:found] {
		q.Candidates = append(q.Candidates, t.named[s]<<pageShift)
		q.CandidateChances = append(q.CandidateChances, float32(chance[s])/one)
	}
}
