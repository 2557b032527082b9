package bridge

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// start runs a bridge until the test ends.
func start(t *testing.T, cfg Config) *Bridge {
	t.Helper()
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, b)
	return b
}

// run runs b until the test ends.
func run(t *testing.T, b *Bridge) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- b.Run() }()
	t.Cleanup(func() {
		b.Shutdown(time.Minute)
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v, want nil after a shutdown", err)
		}
	})
}

// patient is a budget that no test machine exhausts by being slow.
const patient = time.Minute

func ask(t *testing.T, b *Bridge, opts ipc.Options, reqs ...ipc.Request) []ipc.Reply {
	t.Helper()
	replies := make([]ipc.Reply, len(reqs))
	if err := b.Predict(context.Background(), reqs, replies, opts); err != nil {
		t.Fatalf("Predict: %v", err)
	}
	return replies
}

func workload(agent uint64, cpu float32) *ipc.WorkloadRequest {
	return &ipc.WorkloadRequest{AgentID: agent, CurrentCPU: cpu, CurrentMemory: 1<<53 + 1}
}

func oneOfEach() []ipc.Request {
	return []ipc.Request{
		workload(1, 0.5),
		&ipc.ThreatRequest{AgentID: 2, TimeSinceLastThreat: ipc.Never},
		&ipc.FailureRequest{Component: "disk-io", HealthScore: 1, TimeSinceLastFailure: ipc.Never},
		&ipc.MemoryRequest{AgentID: 4, CurrentAddress: 1<<64 - 4096},
	}
}

func TestMixedBatchTakesOneCallAKind(t *testing.T) {
	d := newFakeDaemon(t)
	for _, library := range []bool{false, true} {
		d.calls.Store(0)
		b := start(t, Config{Upstream: target(t, d.URL), Library: library})
		reqs := append(oneOfEach(), oneOfEach()...)
		reqs = append(reqs, workload(9, 0.25))
		replies := ask(t, b, ipc.Options{Budget: patient}, reqs...)
		ids := map[uint64]bool{}
		for i := range replies {
			r := &replies[i]
			if r.Status != ipc.StatusOK || r.Source != ipc.SourceModel || r.Model != r.Kind.String()+"-fake@1" || r.Prediction != predictionFor(reqs[i]) {
				t.Errorf("library=%v: reply %d to %+v = %+v", library, i, reqs[i], r)
			}
			if r.PredictionID == 0 || ids[r.PredictionID] {
				t.Errorf("library=%v: prediction id %d is zero or was given before", library, r.PredictionID)
			}
			ids[r.PredictionID] = true
		}
		if n := d.calls.Load(); n != 4 {
			t.Errorf("library=%v: %d HTTP calls for four kinds, want 4", library, n)
		}
	}
}

func TestIdenticalQuestionsAreOne(t *testing.T) {
	d := newFakeDaemon(t)
	b := start(t, Config{Upstream: target(t, d.URL)})
	ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5), workload(1, 0.5), workload(1, 0.5))
	if n := d.questions.Load(); n != 1 {
		t.Errorf("the daemon got %d questions, want 1", n)
	}
}

func TestCacheServesTheSameQuestion(t *testing.T) {
	d := newFakeDaemon(t)
	b := start(t, Config{Upstream: target(t, d.URL), TTL: time.Minute})
	first := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))[0]
	again := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))[0]
	other := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.75))[0]
	if again.Source != ipc.SourceCache || again.Prediction != first.Prediction || again.PredictionID == first.PredictionID {
		t.Errorf("the same question again = %+v, want it from the cache under a new id", again)
	}
	if other.Source != ipc.SourceModel || other.Workload.CPU != 0.75 {
		t.Errorf("another question = %+v, want the model's own answer", other)
	}
}

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

func TestInvalidSlotFailsAlone(t *testing.T) {
	d := newFakeDaemon(t)
	b := start(t, Config{Upstream: target(t, d.URL)})
	replies := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5), workload(2, 1.5), workload(3, 0.5), nil)
	for i, want := range []ipc.Status{ipc.StatusOK, ipc.StatusInvalidArgument, ipc.StatusOK, ipc.StatusInvalidArgument} {
		if replies[i].Status != want {
			t.Errorf("slot %d: %+v, want status %v", i, replies[i], want)
		}
	}
}

func TestOutcomesJudgeModelAndRuleOnTheSameCases(t *testing.T) {
	d := newFakeDaemon(t)
	b := start(t, Config{Upstream: target(t, d.URL)})
	q := workload(1, 0.5)
	q.HistoricalCPU = []float32{0.5, 0.5} // the rule says their mean
	d.spoiling(func(p *ipc.Prediction) { p.Workload.CPU = 0.75 })
	r := ask(t, b, ipc.Options{Budget: patient}, q)[0]
	o := ipc.Outcome{PredictionID: r.PredictionID, Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Workload}}
	o.Actual.Workload.CPU = 0.75
	stranger := o
	stranger.Subject.Agent++
	if err := b.Outcomes(context.Background(), []ipc.Outcome{stranger, o, o}); err != nil {
		t.Fatal(err)
	}
	got := b.Scores()[0]
	m := got.Standings[0]
	if got.Joined != 1 || m.Judged != 1 || got.Foreign != 1 || got.Duplicate != 1 || m.ModelError != 0 || m.RuleError != 0.25 {
		t.Errorf("Scores() = %+v, want one joined (model 0, rule 0.25), one foreign, one duplicate", got)
	}
}

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
