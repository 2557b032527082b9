package bridge

import (
	"net/http"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// over ends the pause of the first endpoint's breaker.
func (r *rig) over() { r.lanes[0].routes[0].breaker.until = 0 }

func TestSecondEndpointAnswersForAFailedOne(t *testing.T) {
	r := newPair(t, Config{TTL: 1})
	var told []UpstreamState
	r.cfg.OnState = func(s UpstreamState) { told = append(told, s) }
	first, second := r.conns[0], r.second[0]

	c := r.submit(workload(1, 0.5))[0]
	first.end(broken("dial", false))
	if second.x == nil || first.x != nil {
		t.Fatal("the question does not go to the second endpoint at once")
	}
	second.end(model(ipc.Workload, "second@1"))
	if c.Reply.Source != ipc.SourceModel || c.Reply.Model != "second@1" {
		t.Errorf("reply = %+v, want the second's model", c.Reply)
	}
	if up := r.Upstream(); up.State != UpstreamUp || up.Endpoints[0].State != UpstreamDown || up.Endpoints[1].State != UpstreamUp || len(up.Failing()) != 0 ||
		up.Endpoints[0].Breaker[0] != "open" || up.models[ipc.Workload] != "second@1" {
		t.Errorf("state = %+v, want up by the second, with the first's breaker open", up)
	}
	if len(told) != 2 || told[0].State != UpstreamDown || told[1].State != UpstreamUp {
		t.Errorf("OnState was told %d times, %+v; want down, up", len(told), told)
	}

	// While the first rests nobody asks it; afterwards one question does.
	r.submit(workload(2, 0.5))
	second.end(model(ipc.Workload, "second@1"))
	if first.calls != 1 {
		t.Fatalf("%d exchanges with an open breaker, want the one that opened it", first.calls)
	}
	r.over()
	calls := r.submit(workload(3, 0.5), workload(4, 0.5), workload(5, 0.5))
	if first.x == nil || second.x == nil || len(r.lanes[0].routes[0].flights[0].out) != 1 || len(r.lanes[0].routes[1].flights[0].out) != 2 {
		t.Fatal("want one question to probe the first and the others at the second")
	}
	if state := r.lanes[0].routes[0].breaker.state.String(); state != "half-open" {
		t.Errorf("while the probe is out the breaker is %s", state)
	}
	r.submit(workload(6, 0.5))
	if first.calls != 2 {
		t.Error("a second probe goes out beside the first")
	}
	first.end(model(ipc.Workload, "first@1"))
	second.end(model(ipc.Workload, "second@1"))
	for i, c := range calls {
		if c.Reply.Source != ipc.SourceModel {
			t.Errorf("call %d: %+v, want the model's", i, c.Reply)
		}
	}
	// Back for good.
	for first.x != nil || second.x != nil {
		if first.x != nil {
			first.end(model(ipc.Workload, "first@1"))
		} else {
			second.end(model(ipc.Workload, "second@1"))
		}
	}
	if r.submit(workload(7, 0.5)); first.x == nil || second.x != nil {
		t.Error("the first answers again, and is not asked")
	}
}

func TestHungEndpointIsPassedOverBeforeItsTimeout(t *testing.T) {
	r := newPair(t, Config{TTL: 1})
	r.submit(workload(1, 0.5))
	r.submit(workload(2, 0.5))
	if r.second[0].x != nil {
		t.Fatal("an endpoint that has just been asked is not trusted")
	}
	r.lanes[0].routes[0].flights[0].sent -= ipc.Instant(r.cfg.Suspect + time.Millisecond)
	c := r.submit(workload(3, 0.5))[0]
	if r.second[0].x == nil {
		t.Fatal("the second endpoint is not asked while the first hangs")
	}
	r.second[0].end(model(ipc.Workload, "second@1"))
	if c.Reply.Source != ipc.SourceModel || r.conns[0].calls != 1 {
		t.Errorf("reply = %+v after %d exchanges with the hung one, want the second's", c.Reply, r.conns[0].calls)
	}
	// With nobody else to ask it is waited for.
	alone := newRig(t, Config{TTL: 1})
	alone.submit(workload(1, 0.5))
	alone.lanes[0].routes[0].flights[0].sent = 0
	alone.submit(workload(2, 0.5))
	if got := alone.conns[0].calls; got != 1 {
		t.Errorf("%d exchanges, want one at a time", got)
	}
}

// Who waits behind a hung endpoint need not wait for somebody else to ask.
func TestHungEndpointIsPassedOverThoughNobodyElseAsks(t *testing.T) {
	r := newPair(t, Config{TTL: 1})
	r.submit(workload(1, 0.5))
	f := r.lanes[0].routes[0].flights[0]
	c := r.submit(workload(2, 0.5))[0]
	if !f.overdue.Armed() {
		t.Fatal("nothing will look whether the answer is overdue")
	}
	f.sent -= ipc.Instant(r.cfg.Suspect + 1)
	f.overdue.Fire()
	if r.second[0].x == nil {
		t.Fatal("the second endpoint is not asked when the first is overdue")
	}
	r.second[0].end(model(ipc.Workload, "second@1"))
	if c.Reply.Source != ipc.SourceModel {
		t.Errorf("reply = %+v, want the second's", c.Reply)
	}
	if r.conns[0].end(model(ipc.Workload, "first@1")); f.overdue.Armed() {
		t.Error("an answer that has come is still watched")
	}
}

func TestBreakerOpensAfterSoManyFailures(t *testing.T) {
	r := newRig(t, Config{TTL: 1, BreakerFailures: 3})
	fail := func() { r.conns[0].end(says(http.StatusServiceUnavailable, "", "")) }
	for n := range 3 {
		c := r.submit(workload(uint64(n), 0.5))[0]
		for r.conns[0].x != nil { // questions of patient callers are asked again
			if r.lanes[0].down() {
				t.Fatalf("call %d: open after %d failures", n, r.conns[0].calls)
			}
			fail()
		}
		if r.lanes[0].down() {
			if r.conns[0].calls != 3 {
				t.Errorf("opened after %d failures, want 3", r.conns[0].calls)
			}
			late := r.submit(workload(100, 0.5))[0]
			if late.Reply.Reason != ipc.ReasonBreakerOpen || r.conns[0].calls != 3 {
				t.Errorf("then %+v after %d exchanges, want breaker open, none", late.Reply, r.conns[0].calls)
			}
			return
		}
		_ = c
	}
	t.Error("the breaker never opened")
}
