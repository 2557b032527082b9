package bridge

import (
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestUpstreamStateSaysWhatIsKnown(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	var told []Condition
	r.cfg.OnState = func(s UpstreamState) { told = append(told, s.State) }
	is := func(line string, want Condition, failing ...ipc.Kind) {
		t.Helper()
		up := r.Upstream()
		var got []ipc.Kind
		for _, k := range ipc.Kinds {
			if up.Failing()[k] != "" {
				got = append(got, k)
			}
		}
		if up.State != want || !slices.Equal(got, failing) || (up.Reason != "") != (want == UpstreamDown) {
			t.Errorf("%s: %+v; want %v, failing %v", line, up, want, failing)
		}
	}
	agent := uint64(0)
	exchange := func(k ipc.Kind, end func(*heldConn)) {
		agent++
		q := workload(agent, 0.5)
		l := r.lanes[k-1]
		if l.routes[0].breaker.until = 0; k == ipc.Workload {
			r.submit(q)
		} else {
			r.submit(&ipc.MemoryRequest{AgentID: agent})
		}
		end(r.conns[k-1])
	}
	ok := func(k ipc.Kind, name string) {
		exchange(k, func(c *heldConn) { c.end(model(k, name)) })
	}
	is("at the start", UpstreamUnknown)
	ok(ipc.Workload, "") // the origin names no model
	is("one kind answers", UpstreamUp)
	exchange(ipc.Memory, func(c *heldConn) { c.end(says(503, "", "no model for memory")) })
	is("another has no model", UpstreamUp, ipc.Memory)
	exchange(ipc.Workload, func(c *heldConn) { c.end(says(500, "", "")) })
	is("no kind answers", UpstreamDown, ipc.Workload, ipc.Memory)
	ok(ipc.Workload, "m@1")
	is("one is back", UpstreamUp, ipc.Memory)
	ok(ipc.Memory, "m@1")
	is("all are", UpstreamUp)
	exchange(ipc.Memory, func(c *heldConn) { c.end(broken("dial", false)) })
	is("nobody there", UpstreamDown, ipc.Memory)
	// Memory is not asked again: that the daemon is back shows at another kind.
	ok(ipc.Workload, "m@1")
	is("somebody there", UpstreamUp)
	want := []Condition{UpstreamUp, UpstreamUp, UpstreamDown, UpstreamUp, UpstreamUp, UpstreamDown, UpstreamUp}
	if !slices.Equal(told, want) {
		t.Errorf("OnState was told %v, want %v", told, want)
	}
}
