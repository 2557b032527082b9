package bridge

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// waitedFor is a question that so many wait for.
func waitedFor(l *lane, n int) (*question, []*waiter) {
	q, all := new(question), make([]*waiter, n)
	for i := range all {
		all[i] = new(waiter)
		l.join(q, all[i])
	}
	return q, all
}

func TestWaitersLeaveInAnyOrder(t *testing.T) {
	var l lane
	q, all := waitedFor(&l, 100)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	for len(all) > 0 {
		l.leave(all[0])
		all = all[1:]
		left := make(map[*waiter]bool)
		for _, w := range q.waiting {
			left[w] = true
		}
		for _, w := range all {
			if !left[w] || len(left) != len(all) {
				t.Fatalf("%d of %d wait, want the others alone", len(left), len(all))
			}
		}
	}
}

// TestManyWaitersLeaveQuickly: a connection may have 16,384 calls with the same question, and
// a daemon that hangs lets all of them down in one moment.
func TestManyWaitersLeaveQuickly(t *testing.T) {
	const many = 1 << 15
	best := time.Hour
	for range 10 {
		var l lane
		_, all := waitedFor(&l, many)
		began := ipc.Now()
		for _, w := range all {
			l.leave(w)
		}
		best = min(best, ipc.Now().Sub(began))
	}
	if each := best / many; each > time.Microsecond {
		t.Errorf("%v each, of %d", each, many)
	}
}
