package bridge

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// question is what a lane asks the daemon. Identical questions of several callers
// are one. It outlives the callers that could not wait: its answer still fills the
// cache.
type question struct {
	key     cachekey.Key
	body    []byte // the request array, in the order of the wire
	waiting []*waiter
	trials  []uint64 // predictions that the answer is scored beside, without being given
	tries   int
	class   ipc.Class    // the highest of its callers
	patient bool         // its callers have much time
	turn    uint64       // see order.go
	account *ipc.Account // whose turn it is; nil when nobody's, or once it has left
	queued  bool         // in the lane's queue
	at      ipc.Instant  // when it was first asked
	next    *question    // in the same chain of an openIndex

	deciding targetSet // nothing is left of a model's answer that is demoted for these
}

// openIndex finds the open question that a key belongs to: chains of questions by some
// bits of a hash. It holds no more than the queue and the flights, some a chain; Go's
// maps, which grow and have to be found a free place in, took three times as long.
type openIndex struct {
	chains [1 << chainBits]*question
	n      int
}

const chainBits = 10

// hashSeed and chainSeed keep peers from naming components, or choosing numbers, that
// fall together.
var (
	hashSeed  = maphash.MakeSeed()
	chainSeed = rand.Uint64()
)

func hashOf(k *cachekey.Key) uint64 {
	h := k.Inputs ^ bits.RotateLeft64(k.Subject.Agent, 32)
	if k.Subject.Component != "" {
		h ^= maphash.String(hashSeed, k.Subject.Component)
	}
	return h
}

// chain is where the questions are that k may belong to.
func (x *openIndex) chain(k *cachekey.Key) **question {
	hi, lo := bits.Mul64(hashOf(k)^chainSeed, 0x9e3779b97f4a7c15)
	return &x.chains[(hi^lo)>>(64-chainBits)]
}

func (x *openIndex) find(k *cachekey.Key) *question {
	if x.n == 0 {
		return nil
	}
	q := *x.chain(k)
	for q != nil && q.key != *k {
		q = q.next
	}
	return q
}

func (x *openIndex) add(q *question) {
	first := x.chain(&q.key)
	q.next, *first = *first, q
	x.n++
}

func (x *openIndex) remove(q *question) {
	at := x.chain(&q.key)
	for *at != q {
		at = &(*at).next
	}
	*at, q.next = q.next, nil
	x.n--
}

// waiter is a call that waits for a question's answer, at most until its deadline.
type waiter struct {
	bridge   *Bridge
	call     *ipc.Call
	question *question
	key      cachekey.Key
	time     time.Duration // that it waits at most
	patient  bool
	measure  bool // whether it is in time says something about the load
	deadline eventloop.Timer
}

// newWaiter arms the call's deadline: a little early, so that the answer from a
// lower rung is with the caller in time.
func (b *Bridge) newWaiter(call *ipc.Call, key *cachekey.Key) *waiter {
	w := b.freeWaiters.get()
	if w.deadline.Fire == nil {
		w.bridge = b
		w.deadline.Fire = w.late
	}
	w.call, w.key = call, *key
	budget := call.Deadline.Sub(call.Arrived)
	margin := b.cfg.margin(budget)
	w.patient = b.patient(call)
	w.time, w.measure = budget-margin, !w.patient && budget >= b.defaultBudget()/2
	b.loop.Arm(&w.deadline, int64(call.Deadline.Add(-margin)))
	return w
}

// late answers from the best rung there is. The question stays: its answer may
// serve the next call.
func (w *waiter) late() {
	w.bridge.lanes[w.key.Kind-1].leave(w)
	w.bridge.fallBack(w.call, &w.key, ipc.ReasonDeadline)
	w.bridge.release(w)
}

// release gives the record back after the call has been finished.
func (b *Bridge) release(w *waiter) {
	b.loop.Disarm(&w.deadline)
	w.call, w.question = nil, nil
	b.freeWaiters.put(w)
}

// patient reports whether the call has so much time that it can wait behind others.
func (b *Bridge) patient(call *ipc.Call) bool {
	return call.Deadline.Sub(call.Arrived) > patientBudgets*b.defaultBudget()
}

// join lets w wait for q.
func (l *lane) join(q *question, w *waiter) {
	w.question = q
	if w.measure {
		l.limiter.waits(w.time)
	}
	q.waiting = append(q.waiting, w)
	if len(q.waiting) == 1 {
		q.patient = w.patient
		l.count(q, +1)
	} else if q.patient && !w.patient {
		q.patient = false
		l.count(q, +1)
	}
}

// leave takes w, whose time is over, out of its question.
func (l *lane) leave(w *waiter) {
	q := w.question
	q.remove(w)
	if len(q.waiting) == 0 {
		l.count(q, -1)
	}
	if w.measure {
		l.limiter.missed = true
	}
}

// count keeps the number of questions whose callers have little time.
func (l *lane) count(q *question, by int) {
	if !q.patient {
		l.urgent += by
		l.limiter.peak = max(l.limiter.peak, l.urgent)
	}
}

func (q *question) remove(w *waiter) {
	for i, other := range q.waiting {
		if other == w {
			last := len(q.waiting) - 1
			q.waiting[i], q.waiting[last] = q.waiting[last], nil
			q.waiting = q.waiting[:last]
			return
		}
	}
}

// lastDeadline is when the most patient caller gives up; zero when nobody waits.
func (q *question) lastDeadline() (at ipc.Instant) {
	for _, w := range q.waiting {
		at = max(at, w.call.Deadline)
	}
	return at
}

// freeList keeps records for reuse; the loop needs no lock for it.
type freeList[T any] struct{ items []*T }

const maxFree = 4096

func (f *freeList[T]) get() *T {
	if n := len(f.items); n > 0 {
		v := f.items[n-1]
		f.items = f.items[:n-1]
		return v
	}
	return new(T)
}

func (f *freeList[T]) put(v *T) {
	if len(f.items) < maxFree {
		f.items = append(f.items, v)
	}
}
