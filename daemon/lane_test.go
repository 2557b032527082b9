package daemon

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// places waits until so many connections are on loops and with the library.
func (r *running) places(t *testing.T, onLoops, library int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		r.mu.Lock()
		here, there := r.onLane, len(r.conns)
		r.mu.Unlock()
		if here == onLoops && there == library {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections on loops, %d with the library, want %d and %d", here, there, onLoops, library)
		}
		runtime.Gosched()
	}
}

// TestLane follows connections: plain calls keep them on a loop, anything else moves
// them for good; the limit and the metric count both kinds.
func TestLane(t *testing.T) {
	r := start(t, nil, Options{Loops: 2, MaxConns: 3})
	first := r.dial(t) // the loops begin with the listeners
	r.places(t, 1, 0)
	first.Close()
	r.places(t, 0, 0)
	before := openFiles(t)
	var conns []net.Conn
	for i := range 3 {
		c := r.dialOn(t, []string{"unix", "tcp"}[i%2])
		conns = append(conns, c)
		for range 3 {
			if _, err := c.Write(call()); err != nil {
				t.Fatal(err)
			}
			if status, body := readAnswer(t, c); status != 200 {
				t.Fatalf("%d %s", status, body)
			}
		}
		r.places(t, i+1, 0)
	}
	r.refused(t)
	for i, c := range conns[:2] {
		fmt.Fprint(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if status, body := readAnswer(t, c); status != 200 || !strings.Contains(string(body), "\nmld_connections_open 3\n") {
			t.Errorf("%d %s", status, body)
		}
		r.places(t, 2-i, i+1)
	}
	r.refused(t)
	if _, err := conns[0].Write(call()); err != nil {
		t.Fatal(err)
	}
	if status, _ := readAnswer(t, conns[0]); status != 200 {
		t.Error(status)
	}
	r.places(t, 1, 2) // none comes back
	for _, c := range conns {
		c.Close()
	}
	r.places(t, 0, 0)
	// The refused ones are kept for a moment, so that they can read why.
	for end := time.Now().Add(patience); openFiles(t) > before; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors are open, %d were", openFiles(t), before)
		}
	}
}

// refused makes one connection too many.
func (r *running) refused(t *testing.T) {
	t.Helper()
	c := r.dial(t)
	defer c.Close()
	if status, body := readAnswer(t, c); status != 503 {
		t.Errorf("one too many: %d %s", status, body)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// TestLaneDrain: a call that is with its model when draining begins is answered and its
// connection closed; one that is half there goes to the library, which waits for it.
func TestLaneDrain(t *testing.T) {
	g := newGate()
	r := start(t, &fake{version: "1", answer: g.answer}, Options{Loops: 2})
	asked, half := r.dial(t), r.dial(t) // to the loops in turn
	asked.Write(call())
	<-g.entered
	all := []byte(strings.Replace(string(call()), "agent-42", "agent-41", 1))
	half.Write(all[:len(all)-1])
	awaitRead(t, half)
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(t.Context()) }()
	r.places(t, 1, 1)
	half.Write(all[len(all)-1:])
	if status, body := readAnswer(t, half); status != 200 {
		t.Errorf("the call that was half there: %d %s", status, body)
	}
	close(g.open)
	answer, err := io.ReadAll(asked)
	if !strings.Contains(string(answer), "\r\nConnection: close\r\n") || err != nil {
		t.Errorf("the call in flight: %q, %v", answer, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestLaneClose: Close waits for the call under way and answers nobody.
func TestLaneClose(t *testing.T) {
	g := newGate()
	r := start(t, &fake{version: "1", answer: g.answer}, Options{Loops: 2})
	idle, asked := r.dial(t), r.dial(t)
	asked.Write(call())
	<-g.entered
	closed := make(chan struct{})
	go func() { r.Close(); close(closed) }()
	if n, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d, %v, want EOF", n, err)
	}
	close(g.open)
	<-closed
	r.places(t, 0, 0)
	if n := r.Metrics(ipc.Workload).Calls; n != 1 {
		t.Errorf("%d calls counted, want 1", n)
	}
}

// TestDefaultLoops: at least one, at most four, and one processor left where there is
// more than one.
func TestDefaultLoops(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for procs, want := range map[int]int{1: 1, 2: 1, 3: 2, 5: 4, 16: 4} {
		runtime.GOMAXPROCS(procs)
		if got := DefaultLoops(); got != want {
			t.Errorf("%d processors: %d loops, want %d", procs, got, want)
		}
	}
}

func TestPollingNeedsASecondProcessor(t *testing.T) {
	for processors, want := range map[int]time.Duration{1: 0, 2: time.Millisecond, 64: time.Millisecond} {
		if got := pollTime(time.Millisecond, processors); got != want {
			t.Errorf("with %d processors loops poll for %v, want %v", processors, got, want)
		}
	}
}
