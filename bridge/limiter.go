package bridge

import (
	"slices"
	"sync/atomic"

	"github.com/mlbridge/mlbridge/daemon/api"
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
	again   bool // and one did before that
	pressed bool // there was more than the limit
	peak    int  // most questions that waited
	strain  int  // exchanges to go until the load counts as gone
	shown   atomic.Int64
}

const (
	leastLimit = 4
	// strained is for how many quiet exchanges a load is remembered.
	strained = 16
	// patientBudgets is how many default budgets of time make a caller patient.
	patientBudgets = 20
)

func newLimiter(most int) limiter { return limiter{limit: float64(most), most: float64(most)} }

// room is how many questions of the class may wait: half as many more of the high one,
// since what is on its way to the daemon cannot be called back for them.
func (m *limiter) room(c ipc.Class) int {
	n := int(m.limit)
	if c == ipc.ClassHigh {
		n += n / 2
	}
	return n
}

// batch is how many questions may leave together: a quarter of the limit. Two such are
// out at a time, and who goes before all others waits for no more than those. Where
// there was no cause for a limit there is none.
func (m *limiter) batch() int {
	if m.limit >= m.most {
		return api.MaxBatch
	}
	return max(int(m.limit)/4, 1)
}

// ended takes stock at the end of an exchange. Deadlines that passed once may be the
// machine's fault; twice in a row, what waited was too much.
func (m *limiter) ended(waiting int) {
	m.strain = max(m.strain-1, 0)
	switch {
	case m.missed && m.again:
		m.limit = max(0.8*min(m.limit, float64(m.peak)), leastLimit)
		m.strain = strained
	case m.missed:
	case m.pressed:
		m.limit = min(m.limit+0.25, m.most)
		m.strain = strained
	case m.strain == 0:
		m.limit = min(m.limit+max(m.limit/8, 1), m.most)
	}
	m.again = m.missed
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
