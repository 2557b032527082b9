package ipc

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// connPair gives two connected Unix stream sockets.
func connPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	conns := make([]net.Conn, 2)
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "pair")
		if conns[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	return conns[0], conns[1]
}

// echo plays a bridge that allocates nothing per call, so that what a test counts
// is the client's: the answer to every slot is the same.
func echo(conn net.Conn) {
	defer conn.Close()
	own := hello{versionMin: Version, versionMax: Version, name: "echo", limits: DefaultLimits()}
	limits := DefaultLimits()
	answer := Reply{PredictionID: 1, Source: SourceModel, Model: "echo@1", Prediction: Prediction{Kind: Workload}}
	var store requestStore
	in, out := make([]byte, 256<<10), make([]byte, 0, 256<<10)
	have := 0
	for {
		payload, rest, _, err := nextFrame(in[:have], limits.Frame)
		if err != nil {
			return
		}
		if payload == nil {
			n, err := conn.Read(in[have:])
			if err != nil {
				return
			}
			have += n
			continue
		}
		r := reader{b: payload}
		n, typ := r.header()
		out = out[:0]
		b, start := beginFrame(out)
		switch typ {
		case msgHello:
			b = own.appendServer(b)
		case msgPredict:
			h := r.predictHead(n, &limits)
			b = appendReplyHead(b, h.id, h.slots)
			for range h.slots {
				if _, err := r.slot(&store); err != nil {
					return
				}
				b = appendReplySlot(b, &answer)
			}
		}
		out = endFrame(b, start)
		if _, err := conn.Write(out); err != nil {
			return
		}
		have = copy(in, rest)
	}
}

func echoClient(t testing.TB) *Client {
	t.Helper()
	near, far := connPair(t)
	go echo(far)
	client, err := NewClient(t.Context(), near, ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestClientPredictDoesNotAllocate(t *testing.T) {
	client := echoClient(t)
	for _, slots := range []int{1, 64} {
		reqs, replies := make([]Request, slots), make([]Reply, slots)
		for i := range reqs {
			reqs[i] = &WorkloadRequest{AgentID: uint64(i), HistoricalCPU: []float32{0.1, 0.2}, CurrentCPU: 0.2}
		}
		for _, ctx := range []context.Context{t.Context(), context.Background()} { // only the second call's caller reads
			call := func() {
				if err := client.Predict(ctx, reqs, replies, Options{Budget: time.Minute}); err != nil {
					t.Fatal(err)
				}
			}
			for range 100 {
				call() // buffers and records reach their size
			}
			if n := testing.AllocsPerRun(200, call); n != 0 {
				t.Errorf("Predict of %d slots in %v allocates %v times, want 0", slots, ctx, n)
			}
		}
	}
}

func TestClientOutcomesDoNotAllocate(t *testing.T) {
	near, far := connPair(t)
	go func() {
		defer far.Close()
		own := hello{versionMin: Version, versionMax: Version, limits: DefaultLimits()}
		b, start := beginFrame(nil)
		_, _ = far.Write(endFrame(own.appendServer(b), start))
		_, _ = io.Copy(io.Discard, far)
	}()
	client, err := NewClient(t.Context(), near, ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	outcomes := []Outcome{{PredictionID: 1, Subject: Subject{Agent: 1}, Actual: Prediction{Kind: Workload}}}
	send := func() {
		if err := client.Outcomes(t.Context(), outcomes); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		send()
	}
	if n := testing.AllocsPerRun(200, send); n != 0 {
		t.Errorf("Outcomes allocates %v times, want 0", n)
	}
}

// TestClientTimerfd looks at the real clock only from below: an alarm must never
// go off early, and it must go off.
func TestClientTimerfd(t *testing.T) {
	fired := make(chan Instant, 1)
	a, err := newTimerfd(func() { fired <- Now() })
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	for _, wait := range []time.Duration{-time.Second, 0, 300 * time.Microsecond, 5 * time.Millisecond} {
		at := Now().Add(wait)
		a.arm(at)
		if got := <-fired; got < at {
			t.Errorf("armed for %v: went off %v early", wait, at.Sub(got))
		}
	}
	a.arm(Now().Add(time.Hour))
	a.arm(Now().Add(time.Millisecond)) // replaces the later one
	<-fired
	a.close()
	a.arm(Now()) // after close: nothing
	if len(fired) != 0 {
		t.Error("an alarm went off after close")
	}
}

func BenchmarkClientPredict(b *testing.B) {
	client := echoClient(b)
	reqs := []Request{&WorkloadRequest{HistoricalCPU: make([]float32, 10), HistoricalMemory: make([]uint64, 10)}}
	replies := make([]Reply, 1)
	b.ReportAllocs()
	for b.Loop() {
		if err := client.Predict(b.Context(), reqs, replies, Options{Budget: time.Second}); err != nil {
			b.Fatal(err)
		}
	}
}
