package main

import (
	"container/list"
	"fmt"
)

// tier is a fast tier that keeps the pages used last. A page that was brought ahead
// counts as used: it goes when others are used, not before.
type tier struct {
	room         int
	order        *list.List // of *held, used last first
	pages        map[uint64]*list.Element
	hits, misses int
	brought      int // pages moved ahead
	useful       int // of these, those that were used while still there
}

type held struct {
	page  uint64
	ahead bool // nobody has used it yet
}

func newTier(room int) *tier {
	return &tier{room: max(room, 1), order: list.New(), pages: make(map[uint64]*list.Element)}
}

// use is an access of the agent.
func (t *tier) use(page uint64) {
	e := t.pages[page]
	if e == nil {
		t.misses++
		t.put(&held{page: page})
		return
	}
	t.hits++
	h := e.Value.(*held)
	if h.ahead {
		h.ahead = false
		t.useful++
	}
	t.order.MoveToFront(e)
}

// bring moves a page ahead of its use.
func (t *tier) bring(page uint64) {
	if t.pages[page] == nil {
		t.brought++
		t.put(&held{page: page, ahead: true})
	}
}

func (t *tier) put(h *held) {
	if t.order.Len() == t.room {
		oldest := t.order.Remove(t.order.Back()).(*held)
		delete(t.pages, oldest.page)
	}
	t.pages[h.page] = t.order.PushFront(h)
}

func (t *tier) String() string {
	all := t.hits + t.misses
	return fmt.Sprintf("%d of %d accesses in the fast tier, %.1f %%", t.hits, all, 100*float64(t.hits)/float64(max(all, 1)))
}
