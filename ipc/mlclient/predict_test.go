package mlclient_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

func requests(n int) []ipc.Request {
	qs := make([]ipc.Request, n)
	for i := range qs {
		qs[i] = ipctest.Request(ipc.Kinds[i%len(ipc.Kinds)], uint64(i+1))
	}
	return qs
}

func TestPredictModelThenCache(t *testing.T) {
	noLeaks(t)
	h := ipctest.DefaultHello()
	h.Limits.Batch = 3 // more questions than the bridge takes at once
	bridge := ipctest.Listen(t, ipctest.Script(ipctest.Handshake(h), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
	reqs := requests(10)
	replies := make([]ipc.Reply, len(reqs))
	for _, want := range []ipc.Source{ipc.SourceModel, ipc.SourceCache} {
		if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: long}); err != nil {
			t.Fatal(err)
		}
		for i, q := range reqs {
			model := ipctest.ModelReply(q)
			model.Source, model.Age = want, replies[i].Age
			if diff := cmp.Diff(model, replies[i]); diff != "" {
				t.Errorf("slot %d from %v:\n%s", i, want, diff)
			}
		}
	}
	if s := c.Stats(); s.Predicts[ipc.SourceModel] != 10 || s.Predicts[ipc.SourceCache] != 10 || s.State != mlclient.Up {
		t.Errorf("stats %+v, want ten of each and an up link", s)
	}
	if err := c.Predict(t.Context(), reqs, replies[:1], ipc.Options{}); !errors.Is(err, &ipc.StatusError{Status: ipc.StatusInvalidArgument}) {
		t.Errorf("slices of different lengths: %v, want invalid argument", err)
	}
	if err := c.Predict(t.Context(), nil, nil, ipc.Options{}); err != nil {
		t.Errorf("no questions: %v", err)
	}
}

// Who names no socket finds the bridge where others do.
func TestPredictAtTheDefaultSocket(t *testing.T) {
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	t.Setenv("MLBRIDGE_SOCKET", bridge.Path)
	c := upClient(t, mlclient.Config{})
	if r := predict(t, c, requests(1)[0], ipc.Options{Budget: long}); r.Source != ipc.SourceModel {
		t.Errorf("%+v, want the model's answer", r)
	}
}

// TestPredictSettles goes through what a bridge can say, alone and with a stale
// answer at hand, with and without a model required.
func TestPredictSettles(t *testing.T) {
	stale := staleBecause(ipc.ReasonDeadline)
	unsureStale := func(q ipc.Request) ipc.Reply {
		r := stale(q)
		r.Workload.Confidence = ipctest.Unsure(q).Workload.Confidence
		return r
	}
	cached := func(q ipc.Request) ipc.Reply {
		r := ipctest.ModelReply(q)
		r.Source = ipc.SourceCache
		return r
	}
	partly := func(q ipc.Request) ipc.Reply {
		r := ipctest.ModelReply(q)
		r.Reason, r.Ruled = ipc.ReasonDemoted, ipc.TargetMemory
		return r
	}
	type end struct {
		source ipc.Source
		reason ipc.Reason
		id     uint64
	}
	for _, c := range []struct {
		name                      string
		say                       ipctest.Answer
		alone, withStale, require end
	}{
		{"model", ipctest.ModelReply, end{1, 0, 1}, end{1, 0, 1}, end{1, 0, 1}},
		{"the bridge's cache", cached, end{2, 0, 1}, end{2, 0, 1}, end{2, 0, 1}},
		{"unsure", ipctest.Unsure, end{4, 5, 0}, end{4, 5, 0}, end{1, 0, 1}},
		{"rule", ruleBecause(ipc.ReasonBreakerOpen), end{4, 2, 77}, end{3, 2, 1}, end{0, 2, 0}},
		{"unsure rule", ruleBecause(ipc.ReasonLowConfidence), end{4, 5, 77}, end{3, 5, 1}, end{0, 5, 0}},
		{"demoted", ruleBecause(ipc.ReasonDemoted), end{4, 6, 77}, end{4, 6, 77}, end{0, 6, 0}},
		{"stale", stale, end{3, 3, 88}, end{3, 3, 88}, end{0, 3, 0}},
		{"unsure and stale", unsureStale, end{4, 3, 0}, end{3, 3, 1}, end{0, 3, 0}},
		{"partly the rule's", partly, end{1, 6, 1}, end{1, 6, 1}, end{0, 6, 0}},
		{"overloaded", statusReply(ipc.StatusOverloaded), end{4, 4, 0}, end{3, 4, 1}, end{0, 4, 0}},
		{"unavailable", statusReply(ipc.StatusUnavailable), end{4, 1, 0}, end{3, 1, 1}, end{0, 1, 0}},
		{"too late", statusReply(ipc.StatusDeadlineExceeded), end{4, 3, 0}, end{3, 3, 1}, end{0, 3, 0}},
		{"unimplemented", statusReply(ipc.StatusUnimplemented), end{4, 7, 0}, end{3, 7, 1}, end{0, 7, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			bridge := ipctest.Listen(t,
				ipctest.Script(handshake(), ipctest.Serve(c.say)),
				ipctest.Script(handshake(), ipctest.Serve(c.say)),
				ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply), ipctest.Serve(c.say)))
			q := ipctest.Request(ipc.Workload, 1)
			cfg := mlclient.Config{Path: bridge.Path, TTL: 1, StaleBound: long}
			check := func(how string, client *mlclient.Client, require bool, want end) {
				r := predict(t, client, q, ipc.Options{Budget: long, RequireModel: require})
				if got := (end{r.Source, r.Reason, r.PredictionID}); got != want {
					t.Errorf("%s: %+v, want %+v", how, got, want)
				}
				if (r.Source == ipc.SourceNone) != (r.Status == ipc.StatusUnavailable) {
					t.Errorf("%s: status %v with source %v", how, r.Status, r.Source)
				}
			}
			check("alone", upClient(t, cfg), false, c.alone)
			check("required", upClient(t, cfg), true, c.require)
			client := upClient(t, cfg)
			warm(t, client, q)
			check("with a stale answer", client, false, c.withStale)
		})
	}
}

func TestPredictThresholds(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(ipctest.Unsure)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, Thresholds: map[ipc.Kind]float32{ipc.Memory: 0.2, ipc.Threat: 0}})
	for kind, want := range map[ipc.Kind]ipc.Source{
		ipc.Memory: ipc.SourceModel, ipc.Threat: ipc.SourceModel, ipc.Workload: ipc.SourceRule, ipc.Failure: ipc.SourceRule,
	} {
		if r := predict(t, c, ipctest.Request(kind, 1), ipc.Options{Budget: long}); r.Source != want {
			t.Errorf("%s at confidence 0.2: %v, want %v", kind, r.Source, want)
		}
	}
}

// TestPredictOfAnInvalidQuestion: it is refused here, and the others are asked without it.
func TestPredictOfAnInvalidQuestion(t *testing.T) {
	noLeaks(t)
	var asked atomic.Int64
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(func(q ipc.Request) ipc.Reply {
		asked.Add(1)
		return ipctest.ModelReply(q)
	})))
	c := upClient(t, mlclient.Config{Path: bridge.Path})
	reqs := requests(3)
	reqs[1] = &ipc.FailureRequest{Component: "disk", HealthScore: 2}
	replies := make([]ipc.Reply, 3)
	if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: long}); err != nil {
		t.Fatal(err)
	}
	if r := replies[1]; r.Status != ipc.StatusInvalidArgument || r.Source != ipc.SourceNone || r.Error == "" {
		t.Errorf("the invalid one: %+v", r)
	}
	if replies[0].Source != ipc.SourceModel || replies[2].Source != ipc.SourceModel || asked.Load() != 2 {
		t.Errorf("the others: %+v, %+v, %d asked; want the model's answers", replies[0], replies[2], asked.Load())
	}
}

// TestPredictOfWhatTheBridgeCallsInvalid: a question that is valid here has an answer, whatever
// the bridge says of it, and also where it takes no frame that is large enough.
func TestPredictOfWhatTheBridgeCallsInvalid(t *testing.T) {
	noLeaks(t)
	refuses := func(ipc.Request) ipc.Reply {
		return ipc.Reply{Status: ipc.StatusInvalidArgument, Error: "no such kind"}
	}
	small := ipctest.DefaultHello()
	small.Limits.Frame = 32
	for line, handler := range map[string]ipctest.Handler{
		"refused": ipctest.Script(handshake(), ipctest.Serve(refuses)),
		"no room": ipctest.Script(ipctest.Handshake(small), ipctest.Serve(ipctest.ModelReply)),
	} {
		c := upClient(t, mlclient.Config{Path: ipctest.Listen(t, handler).Path})
		for _, kind := range ipc.Kinds {
			q := ipctest.Request(kind, 1)
			if r := predict(t, c, q, ipc.Options{Budget: long}); r.Status != ipc.StatusOK || r.Source != ipc.SourceRule || r.Reason != ipc.ReasonInvalidOutput {
				t.Errorf("%s: %+v; want the rule", line, r)
			}
			if r := predict(t, c, q, ipc.Options{Budget: long, RequireModel: true}); r.Status != ipc.StatusUnavailable || r.Source != ipc.SourceNone || r.Reason == ipc.ReasonNone {
				t.Errorf("%s, a model required: %+v; want none, and why", line, r)
			}
		}
	}
}

// TestClassOfWhatIsAsked: a call's own, else the client's, which is also that of refreshes.
func TestClassOfWhatIsAsked(t *testing.T) {
	noLeaks(t)
	classes := make(chan ipc.Class, 3)
	budgets := make(chan int64, 3)
	told := func(c *ipctest.Conn) error { classes <- c.Calls[0].Class; budgets <- c.Calls[0].Budget; return nil }
	var steps []ipctest.Step
	for range 3 {
		steps = append(steps, ipctest.ExpectPredict(), told, ipctest.SendReply(ipctest.ModelReply))
	}
	bridge := ipctest.Listen(t, ipctest.Script(append(append([]ipctest.Step{handshake()}, steps...), ipctest.Hang())...))
	c := upClient(t, mlclient.Config{Path: bridge.Path, Class: ipc.ClassHigh})
	predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: long})
	predict(t, c, ipctest.Request(ipc.Workload, 2), ipc.Options{Budget: long, Class: ipc.ClassLow})
	lookup(c, ipctest.Request(ipc.Workload, 3))
	for i, want := range []ipc.Class{ipc.ClassHigh, ipc.ClassLow, ipc.ClassHigh} {
		if got := <-classes; got != want {
			t.Errorf("call %d is of class %v, want %v", i, got, want)
		}
		if got := <-budgets; got < int64(long/2) {
			t.Errorf("call %d has %d ns, want what is left of %v", i, got, long)
		}
	}
}

func TestPredictWithoutABridge(t *testing.T) {
	noLeaks(t)
	c := newClient(t, mlclient.Config{Path: t.TempDir() + "/nobody"})
	q := ipctest.Request(ipc.Failure, 3)
	var want ipc.Reply
	rules.Answer(q, ipc.ReasonBridgeUnavailable, &want)
	if diff := cmp.Diff(want, predict(t, c, q, ipc.Options{})); diff != "" {
		t.Errorf("not the rule's answer:\n%s", diff)
	}
	if r := predict(t, c, q, ipc.Options{RequireModel: true}); r.Status != ipc.StatusUnavailable || r.Reason != ipc.ReasonBridgeUnavailable {
		t.Errorf("model required: %+v, want unavailable", r)
	}
	err := c.Outcomes(t.Context(), []ipc.Outcome{{Actual: ipc.Prediction{Kind: ipc.Workload}}})
	if e, ok := errors.AsType[*ipc.ConnError](err); !ok || e.Sent || !errors.Is(err, mlclient.ErrDown) {
		t.Errorf("Outcomes: %v, want a ConnError of ErrDown", err)
	}
	if s := c.Stats(); s.OutcomesLost != 1 {
		t.Errorf("%d outcomes lost, want 1", s.OutcomesLost)
	}
}

func TestPredictCancelled(t *testing.T) {
	noLeaks(t)
	arrived := make(chan struct{})
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.Reached(arrived), ipctest.Hang()))
	c := upClient(t, mlclient.Config{Path: bridge.Path})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	replies := make([]ipc.Reply, 1)
	for _, when := range []string{"during", "before"} {
		if err := c.Predict(ctx, requests(1), replies, ipc.Options{Budget: long}); err != nil {
			t.Error(err)
		}
		if replies[0].Source != ipc.SourceRule || replies[0].Reason != ipc.ReasonDeadline {
			t.Errorf("cancelled %s: %v because %v, want the rule because of the deadline", when, replies[0].Source, replies[0].Reason)
		}
	}
	if r := lookup(c, requests(1)[0]); r.Reason != ipc.ReasonNotCached {
		t.Errorf("then Lookup has the rule because of %v; that nobody waited says nothing about the bridge", r.Reason)
	}
}

func TestPredictDoesNotAllocate(t *testing.T) {
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: long})
	reqs, replies := requests(8), make([]ipc.Reply, 8)
	ask := func() {
		if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: long}); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	if n := testing.AllocsPerRun(100, ask); n != 0 {
		t.Errorf("Predict from the cache allocates %v times, want 0", n)
	}
}

func TestOutcomes(t *testing.T) {
	noLeaks(t)
	seen := make(chan struct{})
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.ExpectType(ipctest.TypeOutcome), ipctest.Reached(seen), ipctest.Hang()))
	c := upClient(t, mlclient.Config{Path: bridge.Path})
	q := ipctest.Request(ipc.Memory, 1)
	if err := c.Outcomes(t.Context(), []ipc.Outcome{{PredictionID: 1, Subject: q.Subject(), Actual: ipctest.ModelReply(q).Prediction}}); err != nil {
		t.Fatal(err)
	}
	<-seen
	nonsense := ipc.Outcome{PredictionID: 1, Actual: ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: 2}}}
	if err := c.Outcomes(t.Context(), []ipc.Outcome{nonsense, nonsense}); err == nil {
		t.Error("no error for a cpu of 2")
	}
	if s := c.Stats(); s.Outcomes != 1 || s.OutcomesLost != 2 {
		t.Errorf("%d outcomes passed on and %d lost, want 1 and 2", s.Outcomes, s.OutcomesLost)
	}
}

// TestEverythingAtOnce is for the race detector.
func TestEverythingAtOnce(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path, TTL: 50_000, Entries: 64, Queue: 16})
	var wg sync.WaitGroup
	for g := range uint64(8) {
		wg.Go(func() {
			replies := make([]ipc.Reply, 4)
			for i := range uint64(100) {
				qs := requests(4)
				c.Lookup(ipctest.Request(ipc.Kinds[i%4], g*i), &replies[0])
				if err := c.Predict(t.Context(), qs, replies, ipc.Options{Budget: long}); err != nil {
					t.Error(err)
				}
				for j := range replies {
					if err := replies[j].Validate(); err != nil || replies[j].Kind != qs[j].Kind() {
						t.Errorf("slot %d: %+v: %v", j, replies[j], err)
					}
				}
				c.Stats()
			}
		})
	}
	wg.Wait()
}
