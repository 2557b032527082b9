package bridge

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// A daemon that failed and now hangs is probed by questions that nobody waits for.
func TestNobodyWaitsForADaemonThatFailed(t *testing.T) {
	d := newFakeDaemon(t)
	d.on(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	b := start(t, Config{Upstream: target(t, d.URL), RetryInterval: time.Nanosecond, MaxRetryInterval: time.Nanosecond, Attempt: time.Hour})
	ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))

	probed, back := make(chan struct{}, 1), make(chan struct{})
	d.on(func(http.ResponseWriter, *http.Request) bool {
		probed <- struct{}{}
		<-back
		return false
	})
	began := time.Now()
	for agent := range uint64(20) {
		r := ask(t, b, ipc.Options{Budget: patient}, workload(100+agent, 0.5))[0]
		if r.Source != ipc.SourceRule || r.Reason != ipc.ReasonBreakerOpen {
			t.Fatalf("call %d: %+v, want the rule because the breaker is open", agent, r)
		}
	}
	if waited := time.Since(began); waited > patient/2 {
		t.Errorf("20 calls took %v: somebody waited for the daemon", waited)
	}
	<-probed
	close(back)
	// Who insists waits for the probe, and gets the model.
	if r := ask(t, b, ipc.Options{Budget: patient, RequireModel: true}, workload(1, 0.5))[0]; r.Source != ipc.SourceModel {
		t.Errorf("after the probe: %+v, want the model", r)
	}
}

// A bridge that nobody asks finds out that its daemon is gone, and that it is back.
func TestIdleBridgeKnowsWhetherItsDaemonIsThere(t *testing.T) {
	for _, library := range []bool{false, true} {
		d := newFakeDaemon(t)
		states := make(chan UpstreamState, 16)
		b := start(t, Config{
			Upstream: target(t, d.URL), Library: library, Probe: time.Millisecond,
			OnState: func(s UpstreamState) { states <- s },
		})
		next := func(want Condition, reason string) {
			t.Helper()
			if s := <-states; s.State != want || !strings.Contains(s.Reason, reason) {
				t.Errorf("library %v: %v because %q, want %v because of %q", library, s.State, s.Reason, want, reason)
			}
		}
		ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))
		next(UpstreamUp, "")
		d.on(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || r.URL.Path != "/health" {
				t.Errorf("the probe is %s %s", r.Method, r.URL)
			}
			panic(http.ErrAbortHandler)
		})
		next(UpstreamDown, "its health was asked for")
		if s := b.Upstream(); s.State != UpstreamDown || s.breaker(ipc.Workload) != "closed" {
			t.Errorf("library %v: %+v; want it down, and calls to find out for themselves", library, s)
		}
		d.on(nil) // it answers "bad call", and is there
		next(UpstreamUp, "")
	}
}

// The first question after a daemon was found to be back is answered by it, though its
// kind's breaker is still open.
func TestFirstQuestionToADaemonThatIsBack(t *testing.T) {
	at, revive := deadPort(t)
	states := make(chan UpstreamState, 16)
	b := start(t, Config{Upstream: at, Probe: time.Millisecond, OnState: func(s UpstreamState) { states <- s }})
	if r := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))[0]; r.Source != ipc.SourceRule {
		t.Fatalf("without a daemon: %+v", r)
	}
	if s := <-states; s.State != UpstreamDown {
		t.Fatalf("without a daemon: %v", s.State)
	}
	newFakeDaemonOn(t, revive())
	for s := range states {
		if s.State == UpstreamUp && s.Format == "msgpack" {
			break
		}
	}
	if s := b.Upstream(); s.breaker(ipc.Workload) == "closed" {
		t.Fatal("the breaker was closed by a probe: this proves nothing")
	}
	if r := ask(t, b, ipc.Options{Budget: patient}, workload(2, 0.5))[0]; r.Source != ipc.SourceModel {
		t.Errorf("the first question to a daemon that is back: %+v, want the model", r)
	}
}

// A daemon that is asked anyway is not probed, nor is one that was given up.
func TestBusyDaemonIsNotProbed(t *testing.T) {
	d := newFakeDaemon(t)
	b, err := New(Config{Upstream: target(t, d.URL)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Discard()
	p := b.endpoints[0].probe
	if p.due.Armed() {
		t.Error("a daemon that was asked nothing yet is looked after")
	}
	p.hear(b.now())
	if p.look(); p.conn != nil || !p.due.Armed() {
		t.Error("a daemon that has just answered is probed")
	}
	p.close()
	if p.hear(b.now()); p.due.Armed() {
		t.Error("it is looked after though it was given up")
	}
}
