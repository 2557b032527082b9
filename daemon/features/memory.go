package features

import "github.com/mlbridge/mlbridge/ipc"

// Memory rows describe one candidate page each: where it comes from, how it
// lies to the pages of the window, and how well its proposers did inside the
// window. The model gives each candidate its chance to be the next page.
//
// Addresses never become floats: columns hold differences of page numbers,
// taken between integers, then compressed by a logarithm.
var Memory = Layout{
	Predictor: ipc.Memory.String(),
	Version:   "memory-2",
	Names: []string{
		// The window: the same in all rows of a request.
		"samples", "worked_next", "worked_previous", "worked_skip", "worked_same", "worked_step",
		"worked_step2", "worked_majority", "worked_after_step", "worked_after_pair", "worked_after_page",
		"last_step", "last_step2", "distinct", "revisits", "locality", "write", "execute",
		"gap_last", "gap_mean", "candidates", "best_chance",
		// The candidate.
		"by_next", "by_previous", "by_skip", "by_same", "by_step", "by_step2", "by_majority",
		"by_after_step", "by_after_pair", "by_after_page", "given", "chance", "votes", "best_worked",
		"distance", "visits", "seen_ago", "below_ago", "above_ago", "run_below", "run_above",
	},
}

// memoryShared is how many leading columns are the same in all rows of a request.
const memoryShared = 22

// neverAgo stands for "not in the window" in the columns "…_ago".
const neverAgo = 2 * ipc.MaxAccessHistory

// Rows fills dst with Len() rows of Memory.Width() numbers for the candidates
// that Read collected from q.
func (p *Pages) Rows(q *ipc.MemoryRequest, dst []float32) {
	width := len(Memory.Names)
	w := p.window[:p.n]
	var worked [proposers]float64
	p.putWindow(&row{dst[:width], 0}, q, w, &worked)
	for c := range p.count {
		line := dst[c*width : (c+1)*width]
		if c > 0 {
			copy(line, dst[:memoryShared])
		}
		p.putCandidate(&row{line, memoryShared}, w, c, &worked)
	}
}

func (p *Pages) putWindow(r *row, q *ipc.MemoryRequest, w []uint64, worked *[proposers]float64) {
	n := len(w)
	p.rate(w, worked)
	r.put(float64(n) / ipc.MaxAccessHistory)
	for _, v := range worked {
		r.put(v)
	}
	r.put(pageStep(w, 1))
	r.put(pageStep(w, 2))
	distinct := 0
	for i, page := range w {
		if firstIndex(w, page) == i {
			distinct++
		}
	}
	r.put(float64(distinct) / float64(n))
	r.put(float64(n - distinct))
	r.put(float64(q.LocalityScore))
	var last uint8
	if len(q.AccessTypes) > 0 {
		last = q.AccessTypes[len(q.AccessTypes)-1]
	}
	r.flag(last == ipc.AccessWrite)
	r.flag(last == ipc.AccessExecute)
	lastGap, meanGap := gaps(q.AccessTimestamps)
	r.put(lastGap)
	r.put(meanGap)
	r.put(float64(len(q.Candidates)))
	best := float32(0)
	for _, c := range q.CandidateChances {
		best = max(best, c)
	}
	r.put(float64(best))
}

// rate asks every proposer about each moment of the past and notes how often
// its page came: a window says itself which proposer its program obeys.
// Shares are of the moments asked, shrunk towards 0 by one miss.
func (p *Pages) rate(w []uint64, worked *[proposers]float64) {
	for by := range proposers {
		hits, asked := 0, 1
		for t := max(1, len(w)-maxPast); t < len(w); t++ {
			if page, ok := p.propose(by, w[:t]); ok {
				asked++
				if page == w[t] {
					hits++
				}
			}
		}
		worked[by] = float64(hits) / float64(asked)
	}
}

// maxPast bounds the moments that rate looks at: the cost grows with its square.
const maxPast = 12

func (p *Pages) putCandidate(r *row, w []uint64, c int, worked *[proposers]float64) {
	page := p.pages[c]
	votes, best := 0, 0.0
	for by := range proposers {
		set := p.by[c]>>by&1 == 1
		r.flag(set)
		if set {
			votes++
			best = max(best, worked[by])
		}
	}
	r.put(float64(p.given[c]))
	r.put(float64(p.chance[c]))
	r.put(float64(votes))
	r.put(best)
	r.put(signedLog(float64(int64((page-w[len(w)-1])<<pageShift) >> pageShift)))
	visits := 0
	seen, below, above := neverAgo, neverAgo, neverAgo
	for i, have := range w {
		ago := len(w) - 1 - i
		switch have {
		case page:
			visits++
			seen = ago
		case page - 1:
			below = ago
		case page + 1:
			above = ago
		}
	}
	r.put(float64(visits))
	r.put(float64(seen))
	r.put(float64(below))
	r.put(float64(above))
	r.put(float64(run(w, page, 1)))
	r.put(float64(run(w, page, ^uint64(0))))
}

// run counts the pages page-by, page-2·by, … that are in the window: the
// length of the walk that the candidate would continue.
func run(w []uint64, page, by uint64) int {
	n := 0
	for page -= by; firstIndex(w, page) >= 0 && n < len(w); page -= by {
		n++
	}
	return n
}

func firstIndex(w []uint64, page uint64) int {
	for i, have := range w {
		if have == page {
			return i
		}
	}
	return -1
}

// pageStep is the k-th step from the end in pages, compressed; 0 where the
// window is too short. The difference wraps like addresses do.
func pageStep(w []uint64, k int) float64 {
	n := len(w)
	if n <= k {
		return 0
	}
	return signedLog(float64(int64((w[n-k]-w[n-k-1])<<pageShift) >> pageShift))
}

// gaps gives the last and the mean time between accesses, log2 of ns. Clocks
// that run backwards count as no time.
func gaps(ns []uint64) (last, mean float64) {
	n := len(ns)
	if n < 2 {
		return 0, 0
	}
	between := func(a, b uint64) float64 {
		if b <= a {
			return 0
		}
		return log2(1 + float64(b-a))
	}
	return between(ns[n-2], ns[n-1]), between(ns[0], ns[n-1])
}
