package bridge

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// A breaker that bears some failures opens after so many in a row, and what fails for once is
// told of until the next answer.
func TestBreakerCountsFailuresInARow(t *testing.T) {
	r := newRig(t, Config{TTL: 1, BreakerFailures: 3})
	agent := uint64(0)
	exchange := func(ok bool) {
		agent++
		r.submit(workload(agent, 0.5))
		if ok {
			r.conns[0].end(model(ipc.Workload, "m@1"))
		} else {
			r.conns[0].end(says(500, "", ""))
		}
		for r.conns[0].x != nil { // the questions of patient callers are asked again
			key := keyOf(workload(agent, 0.5))
			r.lanes[0].open.find(&key).waiting[0].deadline.Fire()
			r.conns[0].end(says(500, "", ""))
		}
	}
	for round := range 3 {
		exchange(true)
		for n := range 2 {
			r.lanes[0].retries.tokens = 0
			if exchange(false); r.lanes[0].down() {
				t.Fatalf("round %d: open after %d failures, want 3", round, n+1)
			}
			up := r.Upstream()
			if up.Failing()[ipc.Workload] == "" {
				t.Errorf("round %d: nothing is told of a failure", round)
			}
		}
	}
	exchange(true)
	if up := r.Upstream(); len(up.Failing()) != 0 || up.State != UpstreamUp {
		t.Errorf("after an answer: %+v; want nothing that fails", up)
	}
	for n := range 3 {
		if r.lanes[0].down() {
			t.Fatalf("open after %d failures", n)
		}
		r.lanes[0].retries.tokens = 0
		exchange(false)
	}
	if !r.lanes[0].down() || !r.lanes[0].routes[0].breaker.open(r.now()) {
		t.Error("closed after three failures in a row")
	}
}
