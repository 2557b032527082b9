package bridge

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/ipc"
)

func count(t *testing.T, c prometheus.Counter) int {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return int(families[0].GetMetric()[0].GetCounter().GetValue())
}

// 2,000 calls of patient callers to a daemon that does not serve them: what reaches
// it, counted at its side, stays a small part of the calls.
func TestRetriesStayInTheirBudget(t *testing.T) {
	const workers, each = 20, 100
	for name, daemon := range map[string]func(*testing.T, *atomic.Int64) upstream.Target{
		"429": answering(http.StatusTooManyRequests), "500": answering(500), "503": answering(503),
		"415 to everything":     answering(http.StatusUnsupportedMediaType),
		"hangs up":              hangingUp,
		"two, and both hang up": nil,
	} {
		test := func(t *testing.T, cfg Config, most int) {
			t.Parallel()
			var calls, answered atomic.Int64
			daemon := daemon // those that run this at the same time share the other

			if daemon == nil { // what reaches either counts
				daemon, cfg.Failover = hangingUp, []upstream.Target{hangingUp(t, &calls)}
			}
			cfg.Upstream = daemon(t, &calls)
			b := start(t, cfg)
			var load sync.WaitGroup
			for worker := range uint64(workers) {
				load.Go(func() {
					for n := range uint64(each) {
						r := ask(t, b, ipc.Options{Budget: 30 * time.Millisecond, RequireModel: n%2 == 0}, workload(worker<<32|n, 0.5))[0]
						if r.Source != ipc.SourceModel {
							answered.Add(1)
						}
					}
				})
			}
			load.Wait()
			retries := count(t, b.stats.retries[0])
			t.Logf("%d calls, %d exchanges with the daemon, %d retries", workers*each, calls.Load(), retries)
			if answered.Load() != workers*each {
				t.Errorf("%d of %d calls were answered from a lower rung", answered.Load(), workers*each)
			}
			if int(calls.Load()) > most {
				t.Errorf("the daemon got %d HTTP calls for %d, want at most %d", calls.Load(), workers*each, most)
			}
			if most := maxRetryStock + int(retryShare*float64(calls.Load())); retries > most {
				t.Errorf("%d retries at %d exchanges, want at most %d", retries, calls.Load(), most)
			}
		}
		t.Run(name, func(t *testing.T) { test(t, Config{}, workers*each/10) })
		// With hardly a pause the budget alone holds retries down.
		t.Run(name+", hurried", func(t *testing.T) {
			test(t, Config{RetryInterval: time.Microsecond, MaxRetryInterval: time.Microsecond}, workers*each*11/10)
		})
	}
}

// answering is a daemon that answers every call with the code.
func answering(code int) func(*testing.T, *atomic.Int64) upstream.Target {
	return func(t *testing.T, calls *atomic.Int64) upstream.Target {
		d := newFakeDaemon(t)
		d.on(func(w http.ResponseWriter, _ *http.Request) bool { calls.Add(1); w.WriteHeader(code); return true })
		return target(t, d.URL)
	}
}

// hangingUp is a daemon that closes every connection at once.
func hangingUp(t *testing.T, calls *atomic.Int64) upstream.Target {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-ended })
	return target(t, "http://"+ln.Addr().String())
}

// The budget of retries is a tenth of the exchanges, and saved up to ten.
func TestRetriesAreEarned(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	l := r.lanes[0]
	spent := func() (n int) {
		for l.takeRetry() {
			n++
		}
		return n
	}
	if n := spent(); n != maxRetryStock {
		t.Errorf("%d retries to begin with, want %d", n, maxRetryStock)
	}
	for exchanges, want := range map[uint64]int{35: 3, 1000: maxRetryStock} {
		l.retries.tokens = 0
		for range exchanges {
			r.submit(workload(1, 0.5))
			r.conns[0].end(model(ipc.Workload, "m@1"))
		}
		if n := spent(); n != want {
			t.Errorf("%d retries after %d exchanges, want %d", n, exchanges, want)
		}
	}
}

// A connection that hangs up behind every answer is not asked everything twice: that, too, is
// out of the budget.
func TestHangUpsStayInTheBudget(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	r.submit(workload(1, 0.5))
	r.conns[0].end(model(ipc.Workload, "m@1"))
	r.lanes[0].retries.tokens = 0
	r.submit(workload(2, 0.5))
	if r.conns[0].end(broken("read", true)); !r.lanes[0].down() || r.conns[0].x != nil {
		t.Error("asked again without a budget")
	}
	// The next connection has answered nothing yet: that it hangs up is a failure.
	r.lanes[0].routes[0].breaker.until, r.lanes[0].retries.tokens = 0, 1
	r.submit(workload(3, 0.5))
	if r.conns[0].end(broken("read", true)); !r.lanes[0].down() || r.conns[0].x != nil {
		t.Error("asked again on a new connection")
	}
}

// A connection that was closed while it was idle costs one more exchange and no rest.
func TestIdleHangUpIsNoFailure(t *testing.T) {
	for _, op := range []string{"read", "write"} {
		idleHangUp(t, op)
	}
}

func idleHangUp(t *testing.T, op string) {
	t.Helper()
	r := newRig(t, Config{TTL: 1, RetryInterval: patient / 4, MaxRetryInterval: patient / 4})
	r.submit(workload(1, 0.5))
	r.conns[0].end(model(ipc.Workload, "m@1"))
	c := r.submit(workload(2, 0.5))[0]
	r.conns[0].end(broken(op, true))
	if r.lanes[0].down() || r.conns[0].x == nil {
		t.Fatalf("after the hang-up: down %v, exchange %v; want another try at once", r.lanes[0].down(), r.conns[0].x)
	}
	r.conns[0].end(broken(op, true)) // twice in a row is a failure
	if !r.lanes[0].down() || r.conns[0].x != nil {
		t.Error("the second hang-up in a row is no failure")
	}
	r.lanes[0].routes[0].breaker.until = 0
	r.Round(nil)
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if c.Reply.Source != ipc.SourceModel || r.lanes[0].down() {
		t.Errorf("reply = %+v, down %v; want the model's", c.Reply, r.lanes[0].down())
	}
}

func TestPauseGrowsToItsBound(t *testing.T) {
	cfg := Config{RetryInterval: 10 * time.Millisecond, MaxRetryInterval: time.Second, BreakerFailures: 1}
	k := newBreaker(&cfg)
	fail := func() time.Duration {
		k.until = 0
		if k.open(1) || !k.permit() || !k.failed(http.ErrServerClosed, 1) {
			t.Fatalf("a half-open breaker does not open again: %v", k.state)
		}
		return k.until.Sub(1)
	}
	for n := range 1000 {
		want := min(10*time.Millisecond<<min(n, 10), time.Second)
		if got, lo, hi := fail(), want*7/10-1, want*13/10+1; got < lo || got > hi {
			t.Fatalf("pause %d = %v, want %v ± 30 %%", n, got, want)
		}
	}
	if k.succeeded(); !k.closed() {
		t.Fatalf("after a success it is %v", k.state)
	}
	if got := fail(); got > 13*time.Millisecond+1 {
		t.Errorf("first pause after a success = %v, want about 10ms", got)
	}
}
