package bridge

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/freshness"
)

// Everything that can be tuned is, engine in this process or not, and what is left out has
// its default.
func TestTuneTakesAll(t *testing.T) {
	b, err := New(Config{Host: func(*eventloop.Loop, ipc.Kind) upstream.Conn { return new(heldConn) }})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	run(t, b)
	now := func() (cfg Config, fresh freshness.Policy) {
		done := make(chan struct{})
		b.loop.Post(func() { cfg, fresh = b.cfg, b.cache.fresh; close(done) })
		<-done
		return cfg, fresh
	}
	set := Tuning{
		Budget: 7 * time.Millisecond, TTL: time.Second, MaxTTL: time.Minute, Tolerance: 0.25,
		StaleBound: time.Hour, NegativeTTL: 2 * time.Second, Attempt: 3 * time.Second,
	}
	if err := b.Tune(set); err != nil {
		t.Fatal(err)
	}
	cfg, fresh := now()
	got := Tuning{b.defaultBudget(), cfg.TTL, cfg.MaxTTL, cfg.Tolerance, cfg.StaleBound, cfg.NegativeTTL, cfg.Attempt}
	if got != set || fresh != freshness.New(time.Second, time.Minute, 0.25) {
		t.Errorf("%+v, want %+v", got, set)
	}
	if told := dial(t, path).Limits().Budget; told != set.Budget {
		t.Errorf("peers are told a budget of %v, want %v", told, set.Budget)
	}
	most := ipc.DefaultLimits().MaxBudget
	if err := b.Tune(Tuning{Budget: most}); err != nil || b.Tune(Tuning{Budget: most + 1}) == nil {
		t.Errorf("a budget of %v: %v; or a longer one is taken", most, err)
	}
	if err := b.Tune(Tuning{}); err != nil {
		t.Fatal(err)
	}
	if cfg, _ := now(); cfg.TTL != 100*time.Millisecond || cfg.StaleBound != time.Second || cfg.Attempt != time.Second || b.defaultBudget() != time.Millisecond {
		t.Errorf("with nothing said: %v, %v, %v, %v", cfg.TTL, cfg.StaleBound, cfg.Attempt, b.defaultBudget())
	}
}

// What is tuned counts for the next call; what is out of range changes nothing.
func TestTune(t *testing.T) {
	d := newFakeDaemon(t)
	b, err := New(Config{Upstream: target(t, d.URL), TTL: time.Hour, MaxTTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	ran := make(chan error, 1)
	go func() { ran <- b.Run() }()
	c := dial(t, path)
	ask := func() ipc.Source {
		t.Helper()
		replies := make([]ipc.Reply, 1)
		if err := c.Predict(t.Context(), []ipc.Request{workload(1, 0.5)}, replies, ipc.Options{Budget: patient}); err != nil {
			t.Fatal(err)
		}
		return replies[0].Source
	}
	if first, second := ask(), ask(); first != ipc.SourceModel || second != ipc.SourceCache {
		t.Fatalf("answers from %v and %v, want model and cache", first, second)
	}
	for _, wrong := range []Tuning{{TTL: -1}, {TTL: 25 * time.Hour}, {Budget: time.Hour}, {Budget: -1}} {
		if err := b.Tune(wrong); err == nil {
			t.Errorf("Tune(%+v): no error", wrong)
		}
	}
	if from := ask(); from != ipc.SourceCache {
		t.Errorf("after refused settings: from %v, want cache", from)
	}
	if err := b.Tune(Tuning{TTL: 1, MaxTTL: 1, StaleBound: 1}); err != nil {
		t.Fatal(err)
	}
	if from := ask(); from != ipc.SourceModel {
		t.Errorf("with a TTL of 1 ns: from %v, want model", from)
	}
	if err := b.Tune(Tuning{Budget: 7 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if ask(); b.defaultBudget() != 7*time.Millisecond || b.Status().Budget != int64(7*time.Millisecond) {
		t.Errorf("the default budget is %v, as shown %d, want 7 ms", b.defaultBudget(), b.Status().Budget)
	}
	b.Shutdown(time.Minute)
	if err := <-ran; err != nil {
		t.Errorf("Run() = %v", err)
	}
}
