package bridge

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestWithoutDaemonTheRuleAnswers(t *testing.T) {
	b := start(t, Config{Upstream: deadTarget(t)})
	for b.Upstream().State != UpstreamDown { // a machine that is busy may have no time to find out at first
		for i, r := range ask(t, b, ipc.Options{Budget: 20 * time.Millisecond}, oneOfEach()...) {
			if r.Source != ipc.SourceRule || !strings.HasPrefix(r.Model, "rule-") ||
				(r.Reason != ipc.ReasonDaemonUnavailable && r.Reason != ipc.ReasonDeadline && r.Reason != ipc.ReasonBreakerOpen) {
				t.Errorf("reply %d = %+v, want the rule for want of a daemon", i, r)
			}
		}
	}
	if up := b.Upstream(); up.Reason == "" {
		t.Errorf("Upstream() = %+v, want a reason", up)
	}
	r := ask(t, b, ipc.Options{Budget: 20 * time.Millisecond, RequireModel: true}, workload(1, 0.5))[0]
	if r.Status != ipc.StatusUnavailable && r.Status != ipc.StatusDeadlineExceeded {
		t.Errorf("a model was required: %+v", r)
	}
}

func TestHungDaemonCostsNobodyTheirDeadline(t *testing.T) {
	d := newFakeDaemon(t)
	hung := make(chan struct{})
	d.on(func(_ http.ResponseWriter, r *http.Request) bool { <-hung; return true })
	defer close(hung)
	b := start(t, Config{Upstream: target(t, d.URL)})
	r := ask(t, b, ipc.Options{Budget: 5 * time.Millisecond}, workload(1, 0.5))[0]
	if r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDeadline {
		t.Errorf("reply = %+v, want the rule at the deadline", r)
	}
}

func TestLateAnswerServesTheNextCallAsStale(t *testing.T) {
	d := newFakeDaemon(t)
	release, entered := make(chan struct{}), make(chan struct{}, 8)
	d.on(func(http.ResponseWriter, *http.Request) bool { entered <- struct{}{}; <-release; return false })
	b := start(t, Config{Upstream: target(t, d.URL), StaleBound: time.Hour})
	for asked := false; !asked; { // on a machine that is busy it may not be asked in time
		ask(t, b, ipc.Options{Budget: 5 * time.Millisecond}, workload(1, 0.5))
		select {
		case <-entered:
			asked = true
		default:
		}
	}
	close(release)
	// A patient call behind it proves that the late answer has been taken in.
	ask(t, b, ipc.Options{Budget: patient}, workload(2, 0.5))
	d.on(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	r := ask(t, b, ipc.Options{Budget: 20 * time.Millisecond}, workload(1, 0.25))[0]
	if r.Source != ipc.SourceStale || r.Workload.CPU != 0.5 || r.Age <= 0 || r.Reason == ipc.ReasonNone {
		t.Errorf("reply = %+v, want the late answer as stale", r)
	}
}

func TestRecoversWhenTheDaemonComesBack(t *testing.T) {
	d := newFakeDaemon(t)
	states := make(chan bool, 16)
	b := start(t, Config{Upstream: target(t, d.URL), OnState: func(s UpstreamState) { states <- s.State == UpstreamUp }})
	d.on(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	for told := false; !told; { // on a machine that is busy it may not be asked in time
		ask(t, b, ipc.Options{Budget: 20 * time.Millisecond}, workload(1, 0.5))
		select {
		case up := <-states:
			if told = true; up {
				t.Fatal("first state is up, want down")
			}
		default:
		}
	}
	if m := b.Models(); len(m) != 0 {
		t.Errorf("Models() = %v before any model answered", m)
	}
	d.on(nil)
	r := ask(t, b, ipc.Options{Budget: patient, RequireModel: true}, workload(2, 0.5))[0] // nobody asked this before
	if r.Source != ipc.SourceModel {
		t.Errorf("reply = %+v, want the model within the budget", r)
	}
	if up := <-states; !up {
		t.Error("second state is down, want up")
	}
	if m := b.Models()[ipc.Workload]; m != "workload-fake@1" {
		t.Errorf("Models() has %q for workload", m)
	}
}

func TestWrongAnswersNeverReachTheCaller(t *testing.T) {
	nan := float32(0)
	nan /= nan
	for name, behave := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"500":     func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true },
		"429":     func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(429); return true },
		"garbage": func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write([]byte("\xff\xff\xff")); return true },
		"html":    func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write([]byte("<html>")); return true },
		"wrong count": func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/msgpack")
			_, _ = w.Write([]byte{0x93, 0xa1, 'm', 0x00, 0x90})
			return true
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("x"))
			panic(http.ErrAbortHandler)
		},
	} {
		d := newFakeDaemon(t)
		d.on(behave)
		b := start(t, Config{Upstream: target(t, d.URL)})
		if r := ask(t, b, ipc.Options{Budget: 50 * time.Millisecond}, workload(1, 0.5))[0]; r.Source != ipc.SourceRule {
			t.Errorf("%s: reply = %+v, want the rule", name, r)
		}
	}
	d := newFakeDaemon(t)
	d.spoiling(func(p *ipc.Prediction) { p.Workload.CPU = nan })
	b := start(t, Config{Upstream: target(t, d.URL)})
	r := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))[0]
	if r.Source != ipc.SourceRule || r.Reason != ipc.ReasonInvalidOutput {
		t.Errorf("NaN from the model: reply = %+v, want the rule for invalid output", r)
	}
}

func TestFallsBackToJSON(t *testing.T) {
	d := newFakeDaemon(t)
	d.on(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Content-Type") == "application/json" {
			return false
		}
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return true
	})
	b := start(t, Config{Upstream: target(t, d.URL)})
	for i, q := range oneOfEach() {
		if r := ask(t, b, ipc.Options{Budget: patient}, q)[0]; r.Source != ipc.SourceModel || r.Prediction != predictionFor(q) {
			t.Errorf("kind %d over JSON: %+v", i, r)
		}
	}
}
