package eventloop

import (
	"math"
	"time"
)

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

// Arm sets t to fire at the loop-clock time at (ns), replacing an earlier setting. A
// time that has passed fires in this round, or in the next when timers are firing.
func (l *Loop) Arm(t *Timer, at int64) { l.timers.arm(t, at) }

// ArmIn sets t to fire d from Time.
func (l *Loop) ArmIn(t *Timer, d time.Duration) {
	now := l.Time()
	l.timers.arm(t, now+min(int64(d), math.MaxInt64-max(now, 0)))
}

// Disarm makes sure that t does not fire.
func (l *Loop) Disarm(t *Timer) {
	if t.index > 0 {
		l.timers.remove(t.index - 1)
	}
}

// timers is a binary heap by time. container/heap would box every timer in an
// interface call; this is the hot path of every call with a deadline.
type timers struct {
	heap []*Timer
	// floor is the earliest time that may be armed while timers fire: those that a
	// callback sets into the past wait for the next round. Without it one timer that
	// re-arms itself so would stay on top and keep all others from ever firing.
	floor int64
}

func (h *timers) next() (at int64, ok bool) {
	if len(h.heap) == 0 {
		return 0, false
	}
	return h.heap[0].at, true
}

func (h *timers) arm(t *Timer, at int64) {
	t.at = max(at, h.floor)
	if t.index > 0 {
		h.fix(t.index - 1)
		return
	}
	h.heap = append(h.heap, t)
	t.index = len(h.heap)
	h.up(len(h.heap) - 1)
}

// fire runs every timer that is due at now, earliest first.
func (h *timers) fire(now int64) {
	h.floor = now + 1
	for len(h.heap) > 0 && h.heap[0].at <= now {
		t := h.heap[0]
		h.remove(0)
		t.Fire()
	}
	h.floor = math.MinInt64
}

func (h *timers) remove(i int) {
	last := len(h.heap) - 1
	h.swap(i, last)
	h.heap[last].index = 0
	h.heap[last] = nil
	h.heap = h.heap[:last]
	if i < last {
		h.fix(i)
	}
}

func (h *timers) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h *timers) swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.heap[i].index, h.heap[j].index = i+1, j+1
}

func (h *timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h.heap[parent].at <= h.heap[i].at {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *timers) down(i int) (moved bool) {
	for {
		child := 2*i + 1
		if child >= len(h.heap) {
			return moved
		}
		if right := child + 1; right < len(h.heap) && h.heap[right].at < h.heap[child].at {
			child = right
		}
		if h.heap[i].at <= h.heap[child].at {
			return moved
		}
		h.swap(i, child)
		i, moved = child, true
	}
}
