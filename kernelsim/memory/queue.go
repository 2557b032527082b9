package memory

import "slices"

// Windows of the measures, in faults (the data's definitions): a fault is covered
// when its page was issued at most coverWindow faults before; an issue is useful
// when its page faults at most usefulWindow faults later. A page that is named while it
// is here is wanted for longer and costs nothing: its cover begins anew, its issue does
// not. So the data's references count, too: "next four pages" covers 0.38 of the faults
// they were taken on only with the later names, 0.37 without.
const (
	coverWindow  = 32
	usefulWindow = 64
)

// queueLimit is how many prefetched pages of an agent are kept for it. The least
// recently issued goes first; issues older than usefulWindow have gone already.
const queueLimit = 128

// queue is an agent's prefetched pages, oldest issue first.
type queue struct {
	issues []issue
	pages  map[uint64]struct{}
	counts
}

// counts is what a queue did, which outlives it.
type counts struct {
	issued, useful, covered, faults int
	pushedOut                       int // for lack of room, before their time
}

func (c *counts) add(o counts) {
	c.issued += o.issued
	c.useful += o.useful
	c.covered += o.covered
	c.faults += o.faults
	c.pushedOut += o.pushedOut
}

type issue struct {
	page  uint64
	at    int // number of the fault at whose time it was issued
	named int // of that at whose time it was named last
}

// fault is told that page faulted, as the agent's fault number n. It reports
// whether the page had been prefetched in time, and whether an issue turned out
// useful thereby.
func (q *queue) fault(page uint64, n int) (covered, useful bool) {
	q.faults++
	q.expire(n)
	if _, here := q.pages[page]; !here {
		return false, false
	}
	i := q.find(page)
	covered = n-q.issues[i].named <= coverWindow
	q.issues = slices.Delete(q.issues, i, i+1)
	delete(q.pages, page)
	q.useful++
	if covered {
		q.covered++
	}
	return covered, true
}

// expire drops the issues that can no longer be useful to fault n.
func (q *queue) expire(n int) {
	k := 0
	for k < len(q.issues) && n-q.issues[k].at > usefulWindow {
		delete(q.pages, q.issues[k].page)
		k++
	}
	if k > 0 {
		q.issues = append(q.issues[:0], q.issues[k:]...)
	}
}

// find gives the issue of a page that is here.
func (q *queue) find(page uint64) int {
	return slices.IndexFunc(q.issues, func(is issue) bool { return is.page == page })
}

// issue prefetches page at the time of fault n; if it is here already it stays wanted.
func (q *queue) issue(page uint64, n int) (issued bool) {
	if _, here := q.pages[page]; here {
		q.issues[q.find(page)].named = n
		return false
	}
	if q.pages == nil {
		q.pages = make(map[uint64]struct{}, queueLimit)
	}
	if len(q.issues) == queueLimit {
		delete(q.pages, q.issues[0].page)
		q.issues = append(q.issues[:0], q.issues[1:]...)
		q.pushedOut++
	}
	q.issues = append(q.issues, issue{page: page, at: n, named: n})
	q.pages[page] = struct{}{}
	q.issued++
	return true
}
