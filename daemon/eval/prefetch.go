package main

import (
	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
)

// How far prefetching looks: a fault is covered by a page issued within the last
// 32 faults, an issued page is useful when it faults within the next 64.
const (
	coveredWithin = 32
	usefulWithin  = 64
)

// fetchBounds are the chances from which pages are fetched: the answer's, which is of
// being the next, and the further pages', which is of coming soon.
type fetchBounds struct{ next, more float32 }

func (b *fetchBounds) reached(place int, chance float32) bool {
	if place == 0 {
		return chance >= b.next
	}
	return chance >= b.more
}

// fetched counts what became of faults and of issues, by group of the bootstrap.
type fetched struct{ faults, covered, issues, useful []float64 }

// coverage is the share of faults covered, each group counted so often (nil: once).
func (f *fetched) coverage(times []float64) float64 { return share(f.covered, f.faults, times) }

// accuracy is the share of issues useful, 0 without any.
func (f *fetched) accuracy(times []float64) float64 { return share(f.useful, f.issues, times) }

func share(part, whole, times []float64) float64 {
	var p, w float64
	for g := range whole {
		t := 1.0
		if times != nil {
			t = times[g]
		}
		p, w = p+t*part[g], w+t*whole[g]
	}
	return p / max(1, w)
}

// prefetch issues every proposed page that reaches its bound. A page that is under way
// already is no issue of its own, but stays wanted.
func prefetch(faults []fault, bounds *fetchBounds) *fetched {
	groups := 0
	for i := range faults {
		groups = max(groups, int(faults[i].group)+1)
	}
	out := &fetched{make([]float64, groups), make([]float64, groups), make([]float64, groups), make([]float64, groups)}
	issued := map[uint64]int{} // page → the fault before which it was last issued
	due := map[uint64][]int{}  // page → issues that wait for their fault
	segment := -1
	for i := range faults {
		f := &faults[i]
		if f.segment != segment {
			segment = f.segment
			clear(issued)
			clear(due)
		}
		out.faults[f.group]++
		for k := range f.n {
			page := f.pages[k] >> 12
			if !bounds.reached(k, f.chances[k]) {
				continue
			}
			at, ok := issued[page]
			issued[page] = i
			if ok && i-at < coveredWithin {
				continue // under way: named again it is wanted for longer, not fetched again
			}
			due[page] = append(due[page], i)
			out.issues[f.group]++
		}
		page := f.next >> 12
		if at, ok := issued[page]; ok && i-at < coveredWithin {
			out.covered[f.group]++
		}
		for _, at := range due[page] {
			if i-at < usefulWithin {
				out.useful[faults[at].group]++
			}
		}
		delete(due, page)
	}
	return out
}

// openingFaults is how much of each segment the references in the data's README were
// taken on: what "next page" covers there is what they say, 0.36, and of all faults it is
// 0.25. A program's start is easier than its middle.
const openingFaults = 20_000

// opening is the faults among the first n of each segment.
func opening(faults []fault, n int) []fault {
	var out []fault
	segment, at := -1, 0
	for i := range faults {
		if faults[i].segment != segment {
			segment, at = faults[i].segment, ipc.MaxAccessHistory // those before were not asked about
		}
		if at++; at <= n {
			out = append(out, faults[i])
		}
	}
	return out
}

// fetching judges prefetching on the first n faults of each segment.
func (a *pageAnswers) fetching(s *sample, new func(string, float64) row, suffix string, bounds *fetchBounds, n int) []row {
	all, faults := &fetchBounds{}, opening(a.faults, n)
	model, rule := prefetch(faults, bounds), prefetch(opening(a.ruled, n), all)
	coverage, accuracy := new("prefetch_coverage"+suffix, 0), new("prefetch_accuracy"+suffix, 0)
	coverage.N, accuracy.N = len(faults), len(faults)
	var covers, fits []opponent
	for i, p := range prefetchers {
		f := prefetch(opening(a.simple[i], n), all)
		covers, fits = append(covers, opponent{p.name, f.coverage}), append(fits, opponent{p.name, f.accuracy})
	}
	return []row{
		s.contest(coverage, false, model.coverage, rule.coverage, covers...),
		s.contest(accuracy, false, model.accuracy, rule.accuracy, fits...),
	}
}

// prefetchers are the simple guesses, those of the references in the data's README: so many
// pages, each a step from the one before.
var prefetchers = [...]struct {
	name  string
	pages int
	step  func(*ipc.MemoryRequest) uint64
}{
	{"next page", 1, onePage},
	{"last step", 1, func(r *ipc.MemoryRequest) uint64 { return r.CurrentAddress - r.AccessHistory[len(r.AccessHistory)-2] }},
	{"next four pages", 4, onePage},
	{"four majority steps", 4, func(r *ipc.MemoryRequest) uint64 { return recordings.MajorityStep(r.AccessHistory) }},
}

func onePage(*ipc.MemoryRequest) uint64 { return 4096 }

// steps adds to a fault the pages that so many steps lead to; no step is nothing to fetch.
func (f *fault) steps(from, step uint64, pages int) {
	for f.n = 0; f.n < pages && step != 0; f.n++ {
		from += step
		f.pages[f.n], f.chances[f.n] = from, 1
	}
}

// wantedAccuracy is what the bounds for prefetching are chosen for.
const wantedAccuracy = 0.70

// chooseBounds gives the bounds that cover most at that accuracy. The lower one of them
// is, the higher must the other be, so one walk along the border finds them.
func (a *pageAnswers) chooseBounds() *fetchBounds {
	const lowest, highest, step = 0.005, 0.98, 0.85
	best, covered := &fetchBounds{highest, highest}, 0.0
	next := float32(lowest)
	for more := float32(highest); more > lowest; more *= step {
		for ; next < highest; next /= step {
			f := prefetch(a.faults, &fetchBounds{next, more})
			if f.accuracy(nil) < wantedAccuracy {
				continue
			}
			if coverage := f.coverage(nil); coverage > covered {
				best, covered = &fetchBounds{next, more}, coverage
			}
			break
		}
	}
	return best
}
