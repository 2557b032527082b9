package bridge

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/ipc"
)

// A kind that was asked once, while the daemon hung, is not called failing for good: not
// once the daemon has answered others, and nobody has asked this one for long. What the
// daemon said itself is no silence, and stays until it says something else.
func TestSilenceIsForgiven(t *testing.T) {
	const quiet = 5 * time.Second
	for _, c := range []struct {
		name     string
		how      func(*upstream.Exchange)
		answered bool // another kind was answered since
		then     func(*rig)
		after    time.Duration
		forgiven bool
	}{
		{"no answer in time", broken("timeout", true), true, nil, quiet, true},
		{"it hung up", broken("read", true), true, nil, quiet, true},
		{"a moment ago", broken("timeout", true), true, nil, quiet / 2, false},
		{"nothing answered since", broken("timeout", true), false, nil, quiet, false},
		{"away again", broken("timeout", true), true, func(r *rig) { r.missed(r.endpoints[0], http.ErrServerClosed) }, quiet, false},
		{"asked again", broken("timeout", true), true, func(r *rig) { r.over(); r.submit(workload(3, 0.5)) }, quiet, false},
		{"it said 500", says(http.StatusInternalServerError, "", ""), true, nil, quiet, false},
		{"no answer that can be used", broken("answer", true), true, nil, quiet, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Config{Probe: quiet})
			answer := func(component string) {
				r.submit(&ipc.FailureRequest{Component: component, HealthScore: 0.5})
				r.conns[ipc.Failure-1].end(model(ipc.Failure, "m@1"))
			}
			answer("disk-1")
			r.lanes[0].retries.tokens = 0
			r.submit(workload(1, 0.5))
			r.conns[0].end(c.how)
			if c.answered {
				answer("disk-2")
			}
			if c.then != nil {
				c.then(r)
			}
			route := r.lanes[0].routes[0]
			r.forgive(r.endpoints[0], route.breaker.failedAt.Add(c.after))
			up := r.Upstream()
			if _, failing := up.Failing()[ipc.Workload]; failing == c.forgiven {
				t.Fatalf("failing %v: %q", failing, up.Failing())
			}
			if !c.forgiven {
				return
			}
			if state := up.breaker(ipc.Workload); state != "half-open" {
				t.Errorf("the breaker is %s: its pause is over, and who asks is to know", state)
			}
			// The next caller waits for the answer; when there is none again, it fails again.
			call := r.submit(workload(2, 0.5))[0]
			if r.conns[0].x == nil || call.Reply.Source != 0 {
				t.Fatalf("asked: %v, answered %+v; want the question out and its caller waiting", r.conns[0].x != nil, call.Reply)
			}
			r.conns[0].end(c.how)
			if up := r.Upstream(); up.Failing()[ipc.Workload] == "" {
				t.Error("it failed again, and nothing is told of it")
			}
		})
	}
}

// The first question is not made to wait for a daemon that has just not answered its probe,
// though its kind's breaker is closed. It goes out all the same, and tells when the daemon is
// back; who insists on a model waits for that.
func TestNobodyWaitsForADaemonThatMissedItsProbe(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	r.missed(r.endpoints[0], http.ErrServerClosed)
	for agent := range uint64(2) {
		c := r.submit(workload(agent, 0.5))[0]
		if c.Reply.Source != ipc.SourceRule || c.Reply.Reason != ipc.ReasonDaemonUnavailable || r.conns[0].x == nil || r.conns[0].calls != 1 {
			t.Fatalf("call %d: %+v, out %v of %d; want the rule at once, and one question out", agent, c.Reply, r.conns[0].x != nil, r.conns[0].calls)
		}
	}
	insists := ipc.NewCall(workload(3, 0.5), &r.done)
	insists.Arrived, insists.RequireModel = r.now(), true
	insists.Deadline = insists.Arrived.Add(patient)
	r.Round([]*ipc.Call{insists})
	if insists.Reply.Source != 0 {
		t.Fatalf("who insists: %+v, want it to wait", insists.Reply)
	}
	r.conns[0].end(model(ipc.Workload, "m@1")) // it is back
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if insists.Reply.Source != ipc.SourceModel {
		t.Errorf("who insists: %+v, want the model", insists.Reply)
	}
	c := r.submit(workload(4, 0.5))[0]
	if r.conns[0].x == nil || c.Reply.Source != 0 {
		t.Fatalf("after an answer: %+v, out %v; want the next to wait for the model", c.Reply, r.conns[0].x != nil)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if c.Reply.Source != ipc.SourceModel {
		t.Errorf("after an answer: %+v, want the model", c.Reply)
	}
}

// It is forgiven by itself, whether others are asked meanwhile, or nobody is, or nobody ever
// asked anything else.
func TestSilenceIsForgivenMeanwhile(t *testing.T) {
	for _, c := range []struct{ others, busy bool }{{true, true}, {true, false}, {false, false}} {
		d := newFakeDaemon(t)
		b := start(t, Config{Upstream: target(t, d.URL), TTL: 1, Probe: 20 * time.Millisecond, Attempt: 20 * time.Millisecond})
		health := func(n int) *ipc.FailureRequest {
			return &ipc.FailureRequest{Component: "disk-1", HealthScore: float32(n%100) / 100}
		}
		if c.others {
			ask(t, b, ipc.Options{Budget: patient}, health(0))
		}
		d.on(func(_ http.ResponseWriter, r *http.Request) bool { // hangs
			_, _ = io.Copy(io.Discard, r.Body) // before that the server does not see its client go
			<-r.Context().Done()
			return true
		})
		ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))
		if up := b.Upstream(); up.Failing()[ipc.Workload] == "" {
			t.Fatal("the daemon hangs, and nothing is told of it")
		}
		d.on(nil)
		for n := 1; ; n++ {
			if up := b.Upstream(); up.State == UpstreamUp && len(up.Failing()) == 0 {
				break
			}
			if c.busy {
				ask(t, b, ipc.Options{Budget: patient}, health(n))
			}
			time.Sleep(time.Millisecond)
		}
	}
}
