package pages

// The slots, each of which may name the next page. A slot is a way to find a
// page, so what was learnt about it holds wherever the agent has moved to.
const (
	slotFresh     = iota             // the nearest page above the last that did not fault lately
	slotFreshDown                    // the same below
	slotNext                         // the page above
	slotPrevious                     // the page below
	slotSkip                         // two above
	slotStep                         // the last step again
	slotAfterPair                    // the step that followed the last two steps
	slotAfterStep                    // the step that followed the last step
	slotAfterPage                    // the page that followed the last page
	slotSame                         // the last page again
	slotEarlier                      // fresh pages above each of the earlier faults
	slotDown      = slotEarlier + 15 // fresh pages below them
	slotAbove     = slotDown + 7     // the pages above them
	slotAgain     = slotAbove + 7    // those pages themselves
	slots         = slotAgain + 7
	none          = slots // no slot named the page that came
)

// name lets every slot name a page. Where several name the same, the first
// counts.
func (t *Tracker) name() {
	t.used = 0
	last := t.ago(0)
	put := func(slot int, page uint64, ok bool) {
		if !ok {
			return
		}
		page &= pageMask
		for u, s := t.used, 0; u != 0; u, s = u>>1, s+1 {
			if u&1 == 1 && t.named[s] == page {
				return
			}
		}
		t.named[slot] = page
		t.used |= 1 << slot
	}
	up, down := uint64(1), ^uint64(0)
	put(slotFresh, t.fresh(last, up), true)
	put(slotFreshDown, t.fresh(last, down), true)
	put(slotNext, last+1, true)
	put(slotPrevious, last-1, true)
	put(slotSkip, last+2, true)
	if t.count >= 2 {
		step := t.step(0)
		put(slotStep, last+step, true)
		follow, ok := t.steps.afterPair(step, t.step(1))
		put(slotAfterPair, last+follow, ok && t.count >= 3)
		follow, ok = t.steps.afterStep(step)
		put(slotAfterStep, last+follow, ok)
	}
	follow, ok := t.steps.afterPage(last)
	put(slotAfterPage, last+follow, ok)
	put(slotSame, last, true)
	for k := range uint64(15) {
		put(slotEarlier+int(k), t.fresh(t.earlier(k), up), t.count > k+1)
	}
	for k := range uint64(7) {
		put(slotDown+int(k), t.fresh(t.earlier(k), down), t.count > k+1)
	}
	for k := range uint64(7) {
		put(slotAbove+int(k), t.earlier(k)+1, t.count > k+1)
	}
	for k := range uint64(7) {
		put(slotAgain+int(k), t.earlier(k), t.count > k+1)
	}
}

func (t *Tracker) earlier(k uint64) uint64 {
	if t.count <= k+1 {
		return 0
	}
	return t.ago(k + 1)
}

// fresh walks from page to the nearest that did not fault lately: a page that
// did is most likely resident still and will not fault again soon.
func (t *Tracker) fresh(page, by uint64) uint64 {
	first := page + by
	for at, k := first, 0; k < maxWalk; at, k = at+by, k+1 {
		if !t.seen.lately(at, t.count) {
			return at
		}
	}
	return first
}

const (
	maxWalk = 16
	lately  = 2000 // faults
)
