package bridge

import (
	"math"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// What the socket counts is what metrics and status tell.
func TestMetricsOfTheSocket(t *testing.T) {
	d := newFakeDaemon(t)
	b, err := New(Config{Upstream: target(t, d.URL)})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	run(t, b)
	c := dial(t, path)
	replies := make([]ipc.Reply, 3)
	reqs := []ipc.Request{workload(1, 0.5), workload(2, 0.5), workload(3, 0.5)}
	if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: patient}); err != nil {
		t.Fatal(err)
	}
	stranger, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := stranger.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	for n, answer := 1, make([]byte, 4096); n > 0; { // until it is hung up on
		n, _ = stranger.Read(answer)
	}
	stats := b.ServerStats()
	for ; stats.Connections != 1; stats = b.ServerStats() { // the end is counted behind it
		time.Sleep(time.Millisecond)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := b.Register(registry); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := valuesOf(families)
	for name, want := range map[string]uint64{
		"mlbridge_connections": 1, "mlbridge_connections_accepted_total": 2, "mlbridge_connections_refused_total": 0,
		"mlbridge_protocol_faults_total": 1, "mlbridge_stuck_connections_total": 0, "mlbridge_messages_total": 1,
		"mlbridge_slots_total": 3, "mlbridge_slots_invalid_total": 0,
		"mlbridge_socket_received_bytes_total": stats.BytesIn, "mlbridge_socket_sent_bytes_total": stats.BytesOut,
		"mlbridge_over_quota_total": 0, "mlbridge_connection_rests_total": 0, "mlbridge_accept_rests_total": 0,
	} {
		if v, ok := got[name]; !ok || v != float64(want) {
			t.Errorf("%s = %v (there: %v), want %d", name, v, ok, want)
		}
	}
	if stats.BytesIn < 18 || stats.BytesOut == 0 {
		t.Errorf("%d bytes came and %d went", stats.BytesIn, stats.BytesOut)
	}
	if s := b.Status().Socket; s.Connections != 1 || s.Accepted != 2 || s.Refused != 0 || s.Faults != 1 || s.Stuck != 0 || s.Messages != 1 || s.Invalid != 0 {
		t.Errorf("the status says %+v", s)
	}
	if k := b.Status().Kinds[0]; k.Upstream.Calls != 1 || k.Upstream.Questions != 3 || k.Upstream.Breaker != "closed" || k.Answers["model"] != 3 {
		t.Errorf("the status says %+v", k)
	}
}

// TestWhatIsRefusedOrInVainIsCounted: a call refused whole, an outcome that was left out, and an
// answer for a peer that had hung up.
func TestWhatIsRefusedOrInVainIsCounted(t *testing.T) {
	d := newFakeDaemon(t)
	asked, release := make(chan struct{}), make(chan struct{})
	d.on(func(http.ResponseWriter, *http.Request) bool { close(asked); <-release; return false })
	b, err := New(Config{Upstream: target(t, d.URL), Server: ipc.ServerConfig{
		Limits: ipc.DefaultLimits(), Quota: func(ipc.Peer) ipc.Quota { return ipc.Quota{InFlight: 1} },
	}})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	run(t, b)
	first, second := dial(t, path), dial(t, path)
	go func() {
		_ = first.Predict(t.Context(), []ipc.Request{workload(1, 0.5)}, make([]ipc.Reply, 1), ipc.Options{Budget: patient})
	}()
	<-asked
	replies := make([]ipc.Reply, 1)
	if err := second.Predict(t.Context(), []ipc.Request{workload(2, 0.5)}, replies, ipc.Options{Budget: patient}); err == nil || replies[0].Status != ipc.StatusOverloaded {
		t.Errorf("a second question: %+v, %v; want it refused", replies[0], err)
	}
	first.Close()
	reporter, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer reporter.Close()
	nothing := []any{1, ipc.Workload, 1, 0, []any{float32(math.NaN()), 0, nil, float32(0)}}
	if _, err := reporter.Write(append(ipctest.Message(0, 1, 1, "reporter", 0), ipctest.Message(6, []any{nothing})...)); err != nil {
		t.Fatal(err)
	}
	for b.ServerStats().Connections != 2 { // the first is gone
		time.Sleep(time.Millisecond)
	}
	close(release)
	registry := prometheus.NewPedanticRegistry()
	if err := b.Register(registry); err != nil {
		t.Fatal(err)
	}
	names := []string{"mlbridge_messages_refused_total", "mlbridge_outcome_messages_refused_total", "mlbridge_answers_orphaned_total"}
	for end := time.Now().Add(patient); ; time.Sleep(time.Millisecond) {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got, all := valuesOf(families), true
		for _, name := range names {
			all = all && got[name] == 1
		}
		if all {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("counted %v, want one each of %q", got, names)
		}
	}
}
