package bridge

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// A question that goes to the daemon costs no allocation once the records of an
// earlier one are there to be used again.
func TestColdCallAllocatesNothing(t *testing.T) {
	for _, q := range oneOfEach() {
		r := newRig(t, Config{TTL: 1})
		conn := r.conns[q.Kind()-1]
		c := ipc.NewCall(q, &r.done)
		calls := []*ipc.Call{c}
		var answer []byte
		cold := func() {
			c.Arrived = r.now()
			c.Deadline = c.Arrived.Add(time.Second)
			r.Round(calls)
			if answer == nil {
				x := conn.x
				model(q.Kind(), "m@1")(x)
				answer = x.Answer
			}
			conn.end(replay(answer))
		}
		cold()
		if allocs := testing.AllocsPerRun(100, cold); allocs != 0 || c.Reply.Source != ipc.SourceModel || r.done.n != 102 {
			t.Errorf("%v: %v allocations, source %v, %d answers; want 0, the model, 102", q.Kind(), allocs, c.Reply.Source, r.done.n)
		}
	}
}

// An answer from the cache costs none either.
func TestHitAllocatesNothing(t *testing.T) {
	b, err := New(Config{Upstream: deadTarget(t), TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	q := workload(1, 0.5)
	done := new(countDone)
	c := ipc.NewCall(q, done)
	calls := []*ipc.Call{c}
	fill(b, q)
	allocs := testing.AllocsPerRun(100, func() {
		c.Arrived = ipc.Now()
		c.Deadline = c.Arrived.Add(time.Millisecond)
		b.Round(calls)
	})
	if allocs != 0 || c.Reply.Source != ipc.SourceCache {
		t.Errorf("a hit: %v allocations, source %v; want 0 and the cache", allocs, c.Reply.Source)
	}
}
