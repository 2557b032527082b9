package eventloop

import "time"

// Timer calls a function on the loop at a given time, once per Arm. The zero
// Timer needs its Fire set before it is armed. It may be embedded in the record
// whose deadline it keeps: arming allocates nothing.
type Timer struct {
	Fire  func()
	at    int64
	index int // position in the heap + 1; 0 = not armed
}

// Armed reports whether the timer is waiting to fire.
func (t *Timer) Armed() bool { return t.index > 0 }

// Arm sets t to fire at the loop-clock time at (ns), replacing an earlier setting.
func (l *Loop) Arm(t *Timer, at int64) {
	if t.index > 0 {
		t.at = at
		l.timers.fix(t.index - 1)
		return
	}
	t.at = at
	l.timers.push(t)
}

// ArmIn sets t to fire d from now.
func (l *Loop) ArmIn(t *Timer, d time.Duration) { l.Arm(t, l.now()+int64(d)) }

// Disarm makes sure that t does not fire.
func (l *Loop) Disarm(t *Timer) {
	if t.index > 0 {
		l.timers.remove(t.index - 1)
	}
}

// timerHeap is a binary heap by time. container/heap would box every timer in an
// interface call; this is the hot path of every call with a deadline.
type timerHeap []*Timer

func (h timerHeap) next() (at int64, ok bool) {
	if len(h) == 0 {
		return 0, false
	}
	return h[0].at, true
}

// fire runs every timer that is due at now. A timer armed meanwhile for a time
// that has passed waits for the next round, so no timer can hold the loop.
func (h *timerHeap) fire(now int64) {
	for due := len(*h); due > 0 && len(*h) > 0 && (*h)[0].at <= now; due-- {
		t := (*h)[0]
		h.remove(0)
		t.Fire()
	}
}

func (h *timerHeap) push(t *Timer) {
	*h = append(*h, t)
	t.index = len(*h)
	h.up(len(*h) - 1)
}

func (h *timerHeap) remove(i int) {
	last := len(*h) - 1
	h.swap(i, last)
	(*h)[last].index = 0
	(*h)[last] = nil
	*h = (*h)[:last]
	if i < last {
		h.fix(i)
	}
}

func (h timerHeap) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h timerHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h timerHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= h[i].at {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h timerHeap) down(i int) (moved bool) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return moved
		}
		if right := child + 1; right < len(h) && h[right].at < h[child].at {
			child = right
		}
		if h[i].at <= h[child].at {
			return moved
		}
		h.swap(i, child)
		i, moved = child, true
	}
}
