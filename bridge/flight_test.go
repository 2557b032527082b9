package bridge

import (
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

func workloads(n int) []ipc.Request {
	reqs := make([]ipc.Request, n)
	for i := range reqs {
		reqs[i] = workload(uint64(i), 0.5)
	}
	return reqs
}

// TestManyQuestionsTakeTwoFlights: a crowd is shared, a few wait for the next batch.
func TestManyQuestionsTakeTwoFlights(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	first := r.conns[0]
	calls := r.submit(workloads(2*crowd + 2)...)
	l := r.lanes[0]
	if len(l.routes[0].flights) != 2 || len(l.routes[0].flights[0].out) != crowd+1 || len(l.routes[0].flights[1].out) != crowd+1 {
		t.Fatalf("%d flights, the first with %d questions", len(l.routes[0].flights), len(l.routes[0].flights[0].out))
	}
	second := r.conns[0] // of the same kind, made when it was needed
	more := r.submit(workloads(1)[0], workload(1000, 0.5), workload(1001, 0.5))
	if len(l.queue) != 2 {
		t.Errorf("%d questions wait, want the two that are new", len(l.queue))
	}
	second.end(model(ipc.Workload, "m@1")) // overtakes the first
	if first.x == nil || second.x != nil || len(l.queue) != 2 {
		t.Error("two questions did not wait for the batch that is out")
	}
	first.end(model(ipc.Workload, "m@1"))
	if len(l.routes[0].flights[0].out) != 2 || second.x != nil {
		t.Errorf("%d questions in the next batch, want the two", len(l.routes[0].flights[0].out))
	}
	first.end(model(ipc.Workload, "m@1"))
	for i, c := range append(calls, more...) {
		if c.Reply.Source != ipc.SourceModel || c.Reply.Workload.CPU != 0.5 {
			t.Errorf("call %d: %+v, want the model's answer", i, c.Reply)
		}
	}
	if l.open.n != 0 || l.busy() {
		t.Errorf("%d questions are open, busy %v", l.open.n, l.busy())
	}
}

// TestBatchesOfAnySize are understood by the daemon.
func TestBatchesOfAnySize(t *testing.T) {
	for _, n := range []int{1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 600} {
		r := newRig(t, Config{TTL: 1})
		calls := r.submit(workloads(n)...)
		for r.lanes[0].busy() {
			for _, f := range r.lanes[0].routes[0].flights {
				if f.busy {
					f.conn.(*heldConn).end(model(ipc.Workload, "m@1"))
				}
			}
		}
		for i, c := range calls {
			if c.Reply.Source != ipc.SourceModel || c.Reply.Workload.CPU != 0.5 {
				t.Fatalf("call %d of %d: %+v, want the model's answer", i, n, c.Reply)
			}
		}
		if got := count(t, r.stats.questions[0]); got != n {
			t.Errorf("%d questions are counted, want %d", got, n)
		}
	}
}

// TestFlightsLearnJSONTogether: both batches are out in msgpack when the daemon says that it
// takes only JSON, and both go out again.
func TestFlightsLearnJSONTogether(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	first := r.conns[0]
	calls := r.submit(workloads(2 * crowd)...)
	second := r.conns[0]
	if first == second {
		t.Fatal("one flight, want two")
	}
	for _, c := range []*heldConn{first, second} {
		if c.end(says(415, "", "")); c.x == nil || c.x.ContentType != api.JSON.ContentType() {
			t.Fatalf("after 415: %+v; want the questions in JSON", c.x)
		}
	}
	if r.lanes[0].down() {
		t.Error("the breaker opened")
	}
	for _, c := range []*heldConn{first, second} {
		c.end(model(ipc.Workload, "m@1"))
	}
	for i, c := range calls {
		if c.Reply.Source != ipc.SourceModel {
			t.Errorf("call %d: %+v, want the model's answer", i, c.Reply)
		}
	}
}

// TestFlightsThatFailTogetherAreOneFailure: one pause, and one batch afterwards to see
// whether the daemon is back, however many wait.
func TestFlightsThatFailTogetherAreOneFailure(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	first := r.conns[0]
	calls := r.submit(workloads(3 * crowd)...)
	second := r.conns[0]
	first.end(broken("dial", false))
	until := r.lanes[0].routes[0].breaker.until
	second.end(broken("dial", false))
	if r.lanes[0].routes[0].breaker.until != until {
		t.Error("the second failure made the pause longer")
	}
	r.lanes[0].routes[0].breaker.until = 0 // the pause is over
	for _, q := range workloads(3 * crowd) {
		q.(*ipc.WorkloadRequest).AgentID += 1000
		calls = append(calls, r.submit(q)...)
	}
	if f := r.lanes[0].routes[0].flights; f[0].busy == f[1].busy {
		t.Errorf("flights are busy: %v, %v; want one to a daemon that failed", f[0].busy, f[1].busy)
	}
	r.settle()
	for i, c := range calls {
		if c.Reply.Source != ipc.SourceRule {
			t.Errorf("call %d: %+v, want the rule's answer", i, c.Reply)
		}
	}
}
