package bridge

import (
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
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

// remove takes w out; the last one takes its place.
func (q *question) remove(w *waiter) {
	last := len(q.waiting) - 1
	moved := q.waiting[last]
	q.waiting[w.place], moved.place = moved, w.place
	q.waiting[last] = nil
	q.waiting = q.waiting[:last]
}

// lastDeadline is when the most patient caller gives up; zero when nobody waits.
func (q *question) lastDeadline() (at ipc.Instant) {
	for _, w := range q.waiting {
		at = max(at, w.call.Deadline)
	}
	return at
}
