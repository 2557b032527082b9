package bridge

import (
	"net/http"
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
