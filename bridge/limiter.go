package bridge

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// limiter finds how many questions may wait for the daemon so that those that wait are
// answered in time: by Little's law (Operations Research 9, 1961) as many as the daemon
// answers in most of the time that callers have. What is above the limit is answered from
// a lower rung at once, the lowest in the lane's order first; else under ten times the
// load the daemon can bear everybody would wait until his deadline and the daemon answer
// questions that nobody waits for any more.
//
// There is no limit before deadlines pass while more waits than it would be. A daemon that
// is asked little shows how long it takes for one question, and a batch of 256 may take
// hardly longer: only a load shows what it can bear. The limit goes when nothing was
// refused for a while.
//
// A limit that is found by trying, rising until deadlines pass and falling when they do
// (Chiu and Jain 1989, and this one's predecessor), keeps the queue as long as it can
// be: one answer of the model in eight came too late then. And it fell to its least when
// the machine stood still for some milliseconds. failsafe-go's adaptive limiter and others
// compare latencies with those of an idle system, which says nothing
// where batches are what the throughput comes from.
//
// Callers with much time are not counted: they wait behind the others.
type limiter struct {
	limit    float64
	most     float64
	bearable float64 // questions that the daemon answers in time
	service  service
	time     time.Duration // that callers have, of those that have the least
	least    time.Duration // the same of those that came since the last exchange ended
	missed   bool          // a deadline passed since the last exchange ended
	pressed  bool          // there was more than the limit
	peak     int           // most questions that waited
	strain   int           // exchanges to go until the load counts as gone
	tight    int           // exchanges to go until a deadline that passed is forgotten
	shown    atomic.Int64
}

const (
	// leastLimit keeps the daemon busy: one question that it works on and one behind it.
	leastLimit = 2
	// limitShare is the part of the callers' time that is planned to be waited. The rest
	// is for exchanges that take longer than most.
	limitShare = 0.85
	// strained is for how many quiet exchanges a load is remembered.
	strained = 16
	// tightened is for how many exchanges a deadline that passed is remembered.
	tightened = 1024
	// patientBudgets is how many default budgets of time make a caller patient.
	patientBudgets = 20
)

func newLimiter(most int) limiter {
	return limiter{limit: float64(most), most: float64(most), bearable: float64(most)}
}

// room is how many questions of the class may wait: half as many more of the high one,
// since what is on its way to the daemon cannot be called back for them.
func (m *limiter) room(c ipc.Class) int {
	n := int(m.limit)
	if c == ipc.ClassHigh {
		n += n / 2
	}
	return n
}

// batch is how many questions may leave together: a third of what is bearable. Two such
// are out at a time and one waits, and who goes before all others waits for no more than
// those; those of a batch are all answered when its last one is. Where no deadline passed
// lately batches are as large as they come.
func (m *limiter) batch() int {
	if m.tight == 0 && m.limit >= m.most {
		return api.MaxBatch
	}
	return min(max(int(min(m.limit, m.bearable))/3, 1), api.MaxBatch)
}

// waits notes that a caller will wait for so long at most.
func (m *limiter) waits(d time.Duration) {
	if m.least == 0 || d < m.least {
		m.least = d
	}
}

// measure gives how many questions the daemon answers in the time there is.
func (m *limiter) measure() float64 {
	each := m.service.each()
	if each <= 0 || m.time <= 0 {
		return m.most
	}
	return min(max(limitShare*float64(m.time)/float64(each), leastLimit), m.most)
}

// ended takes stock at the end of an exchange of so many questions, when others still
// wait. Deadlines that pass may be the machine's fault; while more waited than the daemon
// can bear, there is too much.
func (m *limiter) ended(questions int, sent, now ipc.Instant, waiting int) {
	m.service.note(questions, sent, now)
	switch {
	case m.least == 0:
	case m.time == 0 || m.least < m.time:
		m.time = m.least
	default:
		m.time += (m.least - m.time) / 16
	}
	if m.missed || m.pressed || m.tight > 0 { // else nobody asks, and it costs a part of a call
		m.bearable = m.measure()
	}
	m.tight, m.strain = max(m.tight-1, 0), max(m.strain-1, 0)
	if m.missed {
		m.tight = tightened
	}
	if m.pressed || m.missed && float64(m.peak) > m.bearable {
		m.strain = strained
	}
	if m.strain > 0 {
		m.limit = m.bearable
	} else {
		m.limit = min(m.limit+max(m.limit/8, 1), m.most)
	}
	m.missed, m.pressed, m.peak, m.least = false, false, waiting, 0
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
