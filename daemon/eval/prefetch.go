package main

import "github.com/mlbridge/mlbridge/ipc"

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

// prefetch issues every proposed page that reaches its bound, and gives the shares of
// faults covered and of issues useful. A page that is under way already is no issue of its
// own, but stays wanted.
func prefetch(faults []fault, bounds *fetchBounds) (coverage, accuracy float64) {
	issued := map[uint64]int{} // page → the fault before which it was last issued
	due := map[uint64][]int{}  // page → issues that wait for their fault
	segment, covered, useful, issues := -1, 0, 0, 0
	for i := range faults {
		f := &faults[i]
		if f.segment != segment {
			segment = f.segment
			clear(issued)
			clear(due)
		}
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
			issues++
		}
		page := f.next >> 12
		if at, ok := issued[page]; ok && i-at < coveredWithin {
			covered++
		}
		for _, at := range due[page] {
			if i-at < usefulWithin {
				useful++
			}
		}
		delete(due, page)
	}
	return float64(covered) / float64(len(faults)), float64(useful) / float64(max(1, issues))
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
func (a *pageAnswers) fetching(new func(string, float64) row, suffix string, bounds *fetchBounds, n int) []row {
	all := &fetchBounds{}
	model := opening(a.faults, n)
	coverage, accuracy := prefetch(model, bounds)
	ruleCoverage, ruleAccuracy := prefetch(opening(a.ruled, n), all)
	nextCoverage, nextAccuracy := prefetch(opening(a.following, n), all)
	c, d := new("prefetch_coverage"+suffix, coverage), new("prefetch_accuracy"+suffix, accuracy)
	c.Rule, c.BestSimple, c.BestSimpleName = number(ruleCoverage), number(nextCoverage), "next page"
	d.Rule, d.BestSimple, d.BestSimpleName = number(ruleAccuracy), number(nextAccuracy), "next page"
	c.N, d.N = len(model), len(model)
	return []row{c.aim(), d.aim()}
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
			coverage, accuracy := prefetch(a.faults, &fetchBounds{next, more})
			if accuracy < wantedAccuracy {
				continue
			}
			if coverage > covered {
				best, covered = &fetchBounds{next, more}, coverage
			}
			break
		}
	}
	return best
}
