package ipc_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

func (c *caller) wantGoAway() {
	c.t.Helper()
	if m := c.recv(); m[0] != uint64(ipctest.TypeGoAway) {
		c.t.Fatalf("got %v, want a goaway", m)
	}
}

// Calls in flight get their answers, later ones are refused, and then it ends.
func TestServerDrain(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	s.on(t, func() { s.hold = true })
	busy, idle, ungreeted := s.greeted(t), s.greeted(t), s.dial(t)
	busy.send(workload(1), ping(2))
	busy.wantPong(2)
	s.await(t, "all to be accepted", func() bool { return s.Stats().Connections == 3 })
	cut := make(chan int, 1)
	go func() { cut <- s.Shutdown(long) }()

	idle.wantGoAway()
	idle.wantEnd()
	ungreeted.wantEnd()
	busy.wantGoAway()
	busy.send(workload(3), ping(4))
	want := []any{uint64(ipctest.TypeError), uint64(3), uint64(ipc.StatusUnavailable), "", "draining: connect again for new calls"}
	if m := busy.recv(); !reflect.DeepEqual(m, want) {
		t.Errorf("got %v, want %v", m, want)
	}
	busy.wantPong(4)
	s.on(t, s.release)
	busy.wantReply(1, ipc.StatusOK)
	busy.wantEnd()
	if got := <-cut; got != 0 {
		t.Errorf("Shutdown() = %d connections cut, want 0", got)
	}
	if _, err := net.Dial("unix", s.path); err == nil {
		t.Error("the socket still takes connections")
	}
}

// A second Shutdown with less patience ends both.
func TestServerShutdownTwice(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	s.on(t, func() { s.hold = true })
	c := s.greeted(t)
	c.send(workload(1), ping(2))
	c.wantPong(2)
	first := make(chan int, 1)
	go func() { first <- s.Shutdown(time.Duration(1<<63 - 1)) }()
	c.wantGoAway()
	if got := s.Shutdown(time.Millisecond); got != 1 {
		t.Errorf("second Shutdown() = %d, want 1 connection cut", got)
	}
	select {
	case got := <-first:
		if got != 1 {
			t.Errorf("first Shutdown() = %d, want 1 connection cut", got)
		}
	case <-time.After(long):
		t.Fatal("the first Shutdown never returned")
	}
	if got := s.Shutdown(0); got != 0 {
		t.Errorf("Shutdown() of a server that is down = %d", got)
	}
	s.on(t, s.release) // the backend may answer late
	c.wantEnd()
}

// Whoever had connected before the shutdown, if only in the kernel's backlog, is
// answered: here the server has not even run when it is told to shut down.
func TestServerDrainTakesTheBacklog(t *testing.T) {
	s := &served{path: t.TempDir() + "/s"}
	ln, err := ipc.Listen(s.path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if s.loop, err = eventloop.New(func() int64 { return int64(ipc.Now()) }); err != nil {
		t.Fatal(err)
	}
	if s.Server, err = ipc.NewServer(s.loop, s, ipc.ServerConfig{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(ln); err != nil {
		t.Fatal(err)
	}
	callers := make([]*caller, 100) // more than one round accepts
	for i := range callers {
		callers[i] = s.dial(t)
		callers[i].send(clientHello(), workload(1))
	}
	cut := make(chan int)
	go func() { cut <- s.Shutdown(long) }()
	go func() { _ = s.loop.Run() }()
	for _, c := range callers {
		if m := c.recv(); m[0] != uint64(ipctest.TypeHello) {
			t.Fatalf("got %v, want a hello", m)
		}
		for ended := false; !ended; {
			switch m := c.recv(); m[0] {
			case uint64(ipctest.TypeGoAway): // may come before or behind the answer
				continue
			case uint64(ipctest.TypeReply):
				ended = true
			case uint64(ipctest.TypeError):
				if m[1] != uint64(1) || m[2] != uint64(ipc.StatusUnavailable) {
					t.Fatalf("got %v", m)
				}
				ended = true
			}
		}
	}
	if got := <-cut; got != 0 {
		t.Errorf("Shutdown() = %d cut, want 0", got)
	}
	s.loop.Close()
	<-s.loop.Done()
}

// Under load, a shutdown loses nothing: every call that a peer could write is
// answered or refused by its id. Peers never stop by themselves.
func TestServerDrainUnderLoadLosesNothing(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	const peers, window = 32, 16
	var sent, answered, refused atomic.Int64
	var tasks sync.WaitGroup
	for range peers {
		c := s.greeted(t)
		slots := make(chan struct{}, window)
		gone := make(chan struct{})
		tasks.Go(func() { // writes until the server shuts the connection
			var id uint64
			for {
				select {
				case slots <- struct{}{}:
				case <-gone:
					return
				}
				id++
				frame := workload(id)
				n, err := c.Write(frame)
				if n == len(frame) {
					sent.Add(1)
				}
				if err != nil {
					if !errors.Is(err, syscall.EPIPE) {
						t.Errorf("write: %v, want a broken pipe", err)
					}
					return
				}
			}
		})
		tasks.Go(func() { // reads to the end
			defer close(gone)
			for {
				m, err := c.next()
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Errorf("read: %v, want a clean end", err)
					}
					return
				}
				switch m[0] {
				case uint64(ipctest.TypeReply):
					answered.Add(1)
					<-slots
				case uint64(ipctest.TypeError):
					if m[2] != uint64(ipc.StatusUnavailable) {
						t.Errorf("refused with %v", m)
					}
					refused.Add(1)
					<-slots
				}
			}
		})
	}
	s.await(t, "some load", func() bool { return answered.Load() > 5000 })
	if cut := s.Shutdown(long); cut != 0 {
		t.Errorf("Shutdown() = %d connections cut, want 0", cut)
	}
	tasks.Wait()
	if sent.Load() != answered.Load()+refused.Load() {
		t.Errorf("%d sent, %d answered and %d refused: %d lost", sent.Load(), answered.Load(), refused.Load(),
			sent.Load()-answered.Load()-refused.Load())
	}
	t.Logf("%d sent, %d answered, %d refused", sent.Load(), answered.Load(), refused.Load())
}

// A peer that does not take its replies does not hold a drain for longer than the
// grace, and is counted.
func TestServerDrainCutsWhoDoesNotRead(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	c := s.greeted(t)
	go func() { _, _ = c.Write(bytes.Repeat(ping(1), 1<<20)) }() // until it is cut
	s.await(t, "replies to pile up", func() bool { return s.Paused() == 1 })
	if cut := s.Shutdown(10 * time.Millisecond); cut != 1 {
		t.Errorf("Shutdown() = %d, want 1 connection cut", cut)
	}
}
