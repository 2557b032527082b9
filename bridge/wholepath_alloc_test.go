//go:build !race

// The counts here are of a whole process, goroutines included; the race detector makes
// sync.Pool, which deadlines of connections may use, drop some of what it is given.

package bridge

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// wholePath asks one question again and again over the socket, in a process that also
// runs the bridge, and counts what all of it allocates a call.
//
// It counts as testing.AllocsPerRun does, rounding down, but on all cores: on one, Go
// takes milliseconds to notice that the loop's thread waits in the kernel.
func wholePath(t *testing.T, c *ipc.Client, want ipc.Source, questions func(i int) ipc.Request) uint64 {
	t.Helper()
	// A collection would empty pools and count as ours.
	t.Cleanup(func(percent int) func() { return func() { debug.SetGCPercent(percent) } }(debug.SetGCPercent(-1)))
	reqs, replies := make([]ipc.Request, 1), make([]ipc.Reply, 1)
	n := 0
	call := func() {
		reqs[0] = questions(n)
		n++
		if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: patient}); err != nil {
			t.Fatal(err)
		}
		if replies[0].Source != want {
			t.Fatalf("call %d was answered by %v because %v, want %v", n, replies[0].Source, replies[0].Reason, want)
		}
	}
	for range 20 {
		call()
	}
	const runs = 300
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		call()
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / runs
}

// From the client through the socket, the bridge's cache and back, with deadlines, peer
// check and metrics on.
func TestHitOverTheSocketAllocatesNothing(t *testing.T) {
	for _, q := range oneOfEach() {
		b, err := New(Config{Upstream: deadTarget(t), TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		fill(b, q)
		path := listen(t, b)
		run(t, b)
		if got := wholePath(t, dial(t, path), ipc.SourceCache, func(int) ipc.Request { return q }); got != 0 {
			t.Errorf("%v: %v allocations a hit, want 0", q.Kind(), got)
		}
	}
}

// From the client through the socket, the bridge, HTTP over a Unix socket and over TCP,
// and back: the daemon here only replays bytes, so that everything counted is the
// client's and the bridge's.
func TestColdOverTheSocketAllocatesNothing(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		daemon := replayDaemon(t, network)
		_, c := startOnSocket(t, Config{Upstream: daemon, TTL: 1})
		q := workload(1, 0.5)
		if got := wholePath(t, c, ipc.SourceModel, func(i int) ipc.Request {
			q.CurrentCPU = float32(i%100) / 100 // never the question before
			return q
		}); got != 0 {
			t.Errorf("%s: %v allocations a cold call, want 0", network, got)
		}
	}
}

// replayDaemon answers every HTTP request with one workload prediction, on one
// connection after the other, without allocating.
func replayDaemon(t *testing.T, network string) upstream.Target {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = t.TempDir() + "/d"
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var conn net.Conn // closed by the bridge's end, which comes first
	go func() {
		defer close(done)
		for {
			if conn, err = ln.Accept(); err != nil {
				return
			}
			replayOn(conn)
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	if network == "unix" {
		return target(t, "unix:"+address)
	}
	return target(t, "http://"+ln.Addr().String())
}

// replayOn answers until the peer hangs up.
func replayOn(c net.Conn) {
	defer c.Close()
	a := api.Answer{Model: "replay@1"}
	a.Resize(1)
	a.Slots[0] = api.Slot{Prediction: predictionFor(workload(1, 0.5))}
	body := api.Msgpack.AppendAnswer(nil, &a, true)
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", api.Msgpack.ContentType(), len(body), body)
	in := make([]byte, 64<<10)
	for have := 0; ; {
		n, err := c.Read(in[have:])
		if err != nil {
			return
		}
		have += n
		if !complete(in[:have]) {
			continue
		}
		have = 0
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// complete reports whether b is a whole request; there is never more than one.
func complete(b []byte) bool {
	head, body, found := bytes.Cut(b, []byte("\r\n\r\n"))
	if !found {
		return false
	}
	_, length, _ := bytes.Cut(head, []byte("Content-Length: "))
	n := 0
	for _, digit := range length {
		if digit < '0' || digit > '9' {
			break
		}
		n = 10*n + int(digit-'0')
	}
	return len(body) >= n
}
