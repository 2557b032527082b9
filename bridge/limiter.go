package bridge

import (
	"slices"
	"sync/atomic"

	"github.com/mlbridge/mlbridge/ipc"
)

// limiter finds how many questions may wait for the daemon so that those that wait are
// answered in time: additive increase while they are, multiplicative decrease when
// deadlines pass (Chiu and Jain, Computer Networks and ISDN Systems 17, 1989). What is
// above the limit is answered from a lower rung at once, the lowest in the lane's order
// first; else under ten times the load the daemon can bear everybody would wait until
// his deadline and the daemon answer questions that nobody waits for any more.
//
// failsafe-go's adaptive limiter and others of its family compare latencies with those
// of an idle system. Here a batch of 256 takes a hundred times as long as one question
// and is what the throughput comes from, so the deadlines themselves are the measure.
//
// Callers with much time are not counted: they wait behind the others.
type limiter struct {
	limit   float64
	most    float64
	missed  bool // a deadline passed since the last exchange ended
	pressed bool // there was more than the limit
	peak    int  // most questions that waited
	shown   atomic.Int64
}

const (
	leastLimit = 4
	// headroom is how many questions of the high class may wait above the limit: what
	// is on its way to the daemon cannot be called back for them.
	headroom = crowd
	// patientBudgets is how many default budgets of time make a caller patient.
	patientBudgets = 20
)

func newLimiter(most int) limiter { return limiter{limit: float64(most), most: float64(most)} }

// room is how many questions of the class may wait.
func (m *limiter) room(c ipc.Class) int {
	n := int(m.limit)
	if c == ipc.ClassHigh {
		n += headroom
	}
	return n
}

// ended takes stock at the end of an exchange. Deadlines that passed while few
// questions waited say nothing about the limit.
func (m *limiter) ended(waiting int) {
	switch loaded := float64(m.peak) >= m.limit/2; {
	case m.missed && loaded:
		m.limit = max(m.limit*0.8, leastLimit)
	case m.missed:
	case m.pressed:
		m.limit = min(m.limit+0.25, m.most)
	default:
		m.limit = min(m.limit+1, m.most)
	}
	m.missed, m.pressed, m.peak = false, false, waiting
	m.shown.Store(int64(m.limit))
}

// admit reports whether q may wait, and sends the last in the order away for it where
// there is no room and q goes before it.
func (l *lane) admit(q *question, now ipc.Instant) bool {
	full := !l.room(now)
	over := !q.patient && l.urgent >= l.limiter.room(q.class)
	if !full && !over {
		return true
	}
	l.limiter.pressed = l.limiter.pressed || over
	last := -1
	for i, o := range slices.Backward(l.queue) {
		if len(o.waiting) > 0 && (full || !o.patient) {
			last = i
			break
		}
	}
	if last < 0 || !q.goesBefore(l.queue[last]) {
		l.bridge.stats.load.shed[l.kind-1][q.class].Inc()
		return false
	}
	o := l.queue[last]
	l.queue = slices.Delete(l.queue, last, last+1)
	l.bridge.stats.load.shed[l.kind-1][o.class].Inc()
	l.settle(o, ipc.ReasonOverloaded)
	return true
}
