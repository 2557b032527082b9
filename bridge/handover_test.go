package bridge

import (
	"net/http"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// What cannot be taken over is said, and keeps the bridge from nothing.
func TestTakeOverOfWhatIsNone(t *testing.T) {
	b, err := New(Config{Upstream: deadTarget(t)})
	if err != nil {
		t.Fatal(err)
	}
	listen(t, b)
	for _, h := range []Handover{{Conns: []ipc.Handed{{FD: -1}}}, {Answers: []byte{0xff}}, {Standings: []byte{0xff}}} {
		if n, err := b.TakeOver(h); err == nil || n != (Taken{}) {
			t.Errorf("TakeOver(%+v) = %+v, %v; want nothing, and an error", h, n, err)
		}
	}
	run(t, b)
	if r := ask(t, b, ipc.Options{Budget: patient}, workload(1, 0.5))[0]; r.Source != ipc.SourceRule {
		t.Errorf("%+v, want an answer", r)
	}
}

// A successor goes on where the bridge left off: on the same connections, with what
// was in the cache, and without asking the daemon about it.
func TestHandOver(t *testing.T) {
	d := newFakeDaemon(t)
	begin := func(h Handover) (*Bridge, string, chan error) {
		t.Helper()
		b, err := New(Config{Upstream: target(t, d.URL), TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		path := listen(t, b)
		n, err := b.TakeOver(h)
		if want := (Taken{Conns: len(h.Conns), Answers: len(h.Conns), Standings: len(h.Conns)}); err != nil || n != want {
			t.Errorf("TakeOver() = %+v, %v; want %+v", n, err, want)
		}
		ran := make(chan error, 1)
		go func() { ran <- b.Run() }()
		return b, path, ran
	}
	ask := func(c ipc.Predictor, agent uint64) ipc.Reply {
		t.Helper()
		replies := make([]ipc.Reply, 1)
		if err := c.Predict(t.Context(), []ipc.Request{workload(agent, 0.5)}, replies, ipc.Options{Budget: patient}); err != nil {
			t.Fatal(err)
		}
		return replies[0]
	}
	old, path, ran := begin(Handover{})
	c := dial(t, path)
	if r := ask(c, 1); r.Source != ipc.SourceModel {
		t.Fatalf("first answer: %+v", r)
	}
	h, cut := old.HandOver(time.Minute)
	if err := <-ran; cut != 0 || len(h.Conns) != 1 || err != nil {
		t.Fatalf("HandOver() = %d connections, %d cut; Run() = %v", len(h.Conns), cut, err)
	}

	asked := d.calls.Load()
	next, _, ran := begin(h)
	if r := ask(c, 1); r.Source != ipc.SourceCache {
		t.Errorf("known question: %+v, want it from the cache", r)
	}
	if n := d.calls.Load(); n != asked {
		t.Errorf("the daemon was asked %d times more", n-asked)
	}
	if r := ask(c, 2); r.Source != ipc.SourceModel {
		t.Errorf("new question: %+v", r)
	}
	next.Shutdown(time.Minute)
	if err := <-ran; err != nil {
		t.Errorf("Run() = %v", err)
	}
}

// A daemon that does not answer holds a hand-over up for its patience, and costs
// nobody the answer or the connection.
func TestHandOverFromASlowDaemon(t *testing.T) {
	d := newFakeDaemon(t)
	hung, entered := make(chan struct{}), make(chan struct{}, 8)
	d.on(func(http.ResponseWriter, *http.Request) bool { entered <- struct{}{}; <-hung; return false })
	defer close(hung)
	b, err := New(Config{Upstream: target(t, d.URL), Attempt: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	ran := make(chan error, 1)
	go func() { ran <- b.Run() }()
	c := dial(t, path)
	answered := make(chan ipc.Reply, 1)
	go func() {
		replies := make([]ipc.Reply, 1)
		if err := c.Predict(t.Context(), []ipc.Request{workload(1, 0.5)}, replies, ipc.Options{Budget: patient}); err != nil {
			t.Error(err)
		}
		answered <- replies[0]
	}()
	<-entered
	h, cut := b.HandOver(time.Minute)
	if err := <-ran; cut != 0 || len(h.Conns) != 1 || err != nil {
		t.Fatalf("HandOver() = %d connections, %d cut; Run() = %v", len(h.Conns), cut, err)
	}
	if r := <-answered; r.Source != ipc.SourceRule {
		t.Errorf("whoever waited got %+v, want the rule", r)
	}
	unadopted(t, h)
}

// unadopted closes what nobody takes over.
func unadopted(t *testing.T, h Handover) {
	t.Helper()
	b, err := New(Config{Upstream: target(t, "http://127.0.0.1:9")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.TakeOver(h); err != nil {
		t.Error(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- b.Run() }()
	b.loop.Post(func() {})
	b.Shutdown(0)
	<-ran
}
