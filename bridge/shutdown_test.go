package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Those who wait for a daemon that is slower than the drain are answered all the
// same, on the socket and in the process.
func TestSlowDaemonCostsADrainNoAnswer(t *testing.T) {
	for _, grace := range []time.Duration{400 * time.Millisecond, 4} { // 4 ns: everything comes due at once
		for _, library := range []bool{false, true} {
			t.Run(fmt.Sprintf("library=%v in %v", library, grace), func(t *testing.T) {
				t.Parallel()
				drainSlowDaemon(t, library, grace)
			})
		}
	}
}

func drainSlowDaemon(t *testing.T, library bool, grace time.Duration) {
	d := newFakeDaemon(t)
	hung, entered := make(chan struct{}), make(chan struct{}, 8)
	d.on(func(http.ResponseWriter, *http.Request) bool { entered <- struct{}{}; <-hung; return false })
	b, err := New(Config{Upstream: target(t, d.URL), Library: library, Attempt: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	ran := make(chan error, 1)
	go func() { ran <- b.Run() }()
	c := dial(t, path)
	type result struct {
		who   string
		reply ipc.Reply
		err   error
	}
	results := make(chan result, 3)
	ask := func(who string, p ipc.Predictor, agent uint64) {
		replies := make([]ipc.Reply, 1)
		err := p.Predict(t.Context(), []ipc.Request{workload(agent, 0.5)}, replies, ipc.Options{Budget: patient})
		results <- result{who, replies[0], err}
	}
	go ask("socket, with the daemon", c, 1)
	<-entered
	go ask("socket, queued", c, 2)
	go ask("process, queued", b, 3)
	for queued := 0; queued < 2; {
		b.loop.Post(func() { queued = len(b.lanes[0].queue); entered <- struct{}{} })
		<-entered
	}
	if cut := b.Shutdown(grace); cut != 0 {
		t.Errorf("%d connections cut, want none", cut)
	}
	for range 3 {
		if r := <-results; r.err != nil || r.reply.Source != ipc.SourceRule || r.reply.Reason != ipc.ReasonDaemonUnavailable {
			t.Errorf("%s: %v, %+v; want the rule", r.who, r.err, r.reply)
		}
	}
	if err := <-ran; err != nil {
		t.Errorf("Run() = %v after a shutdown, want nil", err)
	}
	close(hung)
}

// A drain has time: who waits for a daemon that answers in it is given its answer.
func TestADrainWaitsForTheModel(t *testing.T) {
	d := newFakeDaemon(t)
	release, entered := make(chan struct{}), make(chan struct{}, 1)
	d.on(func(http.ResponseWriter, *http.Request) bool { entered <- struct{}{}; <-release; return false })
	b, err := New(Config{Upstream: target(t, d.URL), Attempt: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	run(t, b)
	c := dial(t, path)
	answered := make(chan error, 1)
	replies := make([]ipc.Reply, 1)
	go func() {
		answered <- c.Predict(t.Context(), []ipc.Request{workload(1, 0.5)}, replies, ipc.Options{Budget: patient})
	}()
	<-entered
	drained := make(chan int)
	go func() { drained <- b.Shutdown(time.Hour) }()
	for { // until the drain has begun: a drained bridge lets nobody in
		other, err := ipc.Dial(t.Context(), path, ipc.ClientConfig{Name: "late"})
		if err != nil {
			break
		}
		other.Close()
	}
	close(release)
	if err := <-answered; err != nil || replies[0].Source != ipc.SourceModel {
		t.Errorf("%v, %+v; want the model's answer", err, replies[0])
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d connections cut", cut)
	}
}

// Settle gives up on a daemon for who waits, and for who comes.
func TestSettleAnswersWhoWaits(t *testing.T) {
	d := newFakeDaemon(t)
	hung, entered := make(chan struct{}), make(chan struct{}, 1)
	d.on(func(http.ResponseWriter, *http.Request) bool { entered <- struct{}{}; <-hung; return false })
	defer close(hung)
	b := start(t, Config{Upstream: target(t, d.URL), Attempt: time.Minute})
	answered := make(chan ipc.Reply, 1)
	go func() { answered <- ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))[0] }()
	<-entered
	if !b.Running() {
		t.Error("it answers, and says that it does not run")
	}
	b.Settle()
	for _, r := range []ipc.Reply{<-answered, ask(t, b, ipc.Options{Budget: patient}, workload(2, 0.5))[0]} {
		if r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDaemonUnavailable {
			t.Errorf("%+v, want the rule", r)
		}
	}
}

// A bridge that never ran leaves nobody before a closed door: its socket is gone.
func TestDiscardGivesTheSocketBack(t *testing.T) {
	b, err := New(Config{Upstream: deadTarget(t)})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	if !b.Discard() || b.Running() {
		t.Error("it ran")
	}
	if c, err := ipc.Dial(t.Context(), path, ipc.ClientConfig{Name: t.Name()}); err == nil {
		c.Close()
		t.Error("somebody answers")
	}
	if _, err := ipc.Listen(path, 0o600); err != nil {
		t.Errorf("the path cannot be used again: %v", err)
	}
}

// Inside the process a question is checked as on the socket, and a bridge that has ended
// says so.
func TestAskingInsideTheProcess(t *testing.T) {
	b, err := New(Config{Upstream: deadTarget(t)})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- b.Run() }()
	replies := make([]ipc.Reply, 1)
	if err := b.Predict(t.Context(), []ipc.Request{workload(1, 1.5)}, replies, ipc.Options{}); err != nil || replies[0].Status != ipc.StatusInvalidArgument || replies[0].Error == "" {
		t.Errorf("nothing valid: %v, %+v", err, replies[0])
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	outcomes := []ipc.Outcome{{Actual: ipc.Prediction{Kind: ipc.Memory}}}
	if err := b.Predict(ended, []ipc.Request{workload(1, 0.5)}, replies, ipc.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Predict of who has gone = %v", err)
	}
	if err := b.Outcomes(ended, outcomes); !errors.Is(err, context.Canceled) {
		t.Errorf("Outcomes of who has gone = %v", err)
	}
	b.Shutdown(time.Minute)
	if err := <-ran; err != nil || b.Running() {
		t.Errorf("Run() = %v, running %v", err, b.Running())
	}
	if err := b.Predict(t.Context(), []ipc.Request{workload(1, 0.5)}, replies, ipc.Options{}); !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("Predict of a bridge that ended = %v", err)
	}
	if err := b.Outcomes(t.Context(), outcomes); !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("Outcomes to a bridge that ended = %v", err)
	}
}

func TestShutdownWithoutGraceAnswersWhoWaits(t *testing.T) {
	d := newFakeDaemon(t)
	hung, entered := make(chan struct{}), make(chan struct{}, 1)
	d.on(func(http.ResponseWriter, *http.Request) bool { entered <- struct{}{}; <-hung; return false })
	defer close(hung)
	b, c := startOnSocket(t, Config{Upstream: target(t, d.URL), Attempt: time.Minute})
	answered := make(chan error, 1)
	replies := make([]ipc.Reply, 1)
	go func() {
		answered <- c.Predict(t.Context(), []ipc.Request{workload(1, 0.5)}, replies, ipc.Options{Budget: patient})
	}()
	<-entered
	b.Shutdown(0)
	if err := <-answered; err != nil || replies[0].Source != ipc.SourceRule {
		t.Errorf("%v, %+v; want the rule", err, replies[0])
	}
}

func TestShutdownAtOddTimes(t *testing.T) {
	b, err := New(Config{Upstream: deadTarget(t)})
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 1)
	go func() {
		asked <- b.Predict(t.Context(), []ipc.Request{workload(1, 0.5)}, make([]ipc.Reply, 1), ipc.Options{})
	}()
	for range 2 {
		if cut := b.Shutdown(time.Hour); cut != 0 {
			t.Errorf("Shutdown before Run cut %d connections", cut)
		}
	}
	if err := b.Run(); err != nil {
		t.Errorf("Run after Shutdown = %v, want nil", err)
	}
	if err := <-asked; !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("Predict of a bridge that never ran = %v, want ErrClosed", err)
	}

	if h, cut := b.HandOver(time.Hour); cut != 0 || len(h.Conns)+len(h.Answers)+len(h.Standings) > 0 {
		t.Errorf("HandOver of a bridge that never ran = %+v, %d cut", h, cut)
	}

	b, c := startOnSocket(t, Config{Upstream: deadTarget(t)})
	if b.Discard() {
		t.Error("Discard took a running bridge away")
	}
	both := make(chan int, 2)
	for range 2 {
		go func() { both <- b.Shutdown(time.Minute) }()
	}
	<-c.Done() // idle, so it is told to go and closed
	for range 2 {
		if cut := <-both; cut != 0 {
			t.Errorf("one of two Shutdowns cut %d connections", cut)
		}
	}
	if cut := b.Shutdown(time.Minute); cut != 0 {
		t.Errorf("a third Shutdown cut %d connections", cut)
	}
}
