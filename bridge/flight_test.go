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

// TestExchangesTeachTheLimiter what the daemon can bear: how many waited, who came too late,
// how long it took.
func TestExchangesTeachTheLimiter(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	l := r.lanes[0]
	late := func(c *ipc.Call) {
		key := keyOf(c.Request)
		l.open.find(&key).waiting[0].deadline.Fire()
	}
	late(r.asks(nil, 0, hurry, 1)[0])
	waiting := r.asks(nil, 0, hurry, 2, 3, 4)
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if m := &l.limiter; m.tight != tightened || m.time == 0 || m.service.n != 1 || m.missed || m.least != 0 || m.peak != 3 {
		t.Errorf("after an exchange that was too late: %+v; want that remembered, and three that wait", m)
	}
	if took := l.limiter.service.last[0]; took.questions != 1 || took.lasted <= 0 {
		t.Errorf("the exchange is remembered as %+v", took)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	for _, c := range waiting {
		if c.Reply.Source != ipc.SourceModel {
			t.Errorf("%+v, want the model's answer", c.Reply)
		}
	}
	// Above the limit there is too much, whoever is refused.
	r.asks(nil, 0, hurry, 5)
	l.limiter.limit = 1
	r.asks(nil, 0, hurry, 6)
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if l.limiter.strain != strained || l.limiter.pressed {
		t.Errorf("after one was refused: %+v; want a strain", &l.limiter)
	}
	if shown := l.limiter.shown.Load(); shown != int64(l.limiter.limit) {
		t.Errorf("%d is shown as the limit, want %v", shown, l.limiter.limit)
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
