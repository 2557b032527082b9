package ipc_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"go.uber.org/goleak"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

// served is a real server on a socket of its own, with a backend that the test
// steers. Peers of the tests speak with the msgpack library and the specification.
type served struct {
	*ipc.Server
	loop *eventloop.Loop
	path string

	clock func() int64 // nil: as ever

	// What follows belongs to the loop; see on.
	hold     bool // keep calls instead of answering them
	calls    []*ipc.Call
	observed []ipc.Outcome
	last     ipc.Call // a copy of what arrived last, without its request
	observes func()   // what it does besides to take outcomes
}

func (s *served) Round(calls []*ipc.Call) {
	for _, c := range calls {
		s.last = ipc.Call{Arrived: c.Arrived, Deadline: c.Deadline, RequireModel: c.RequireModel, Class: c.Class}
		if s.hold {
			s.calls = append(s.calls, c)
			continue
		}
		answer(c)
	}
}

func (s *served) Observe(outcomes []ipc.Outcome) {
	s.observed = append(s.observed, outcomes...)
	if s.observes != nil {
		s.observes()
	}
}

func answer(c *ipc.Call) {
	c.Reply = ipctest.ModelReply(c.Request)
	c.Finish()
}

// serve starts a server; at the end of the test its goroutine, its connections and
// its memory must be gone.
func serve(t testing.TB, cfg ipc.ServerConfig) *served {
	t.Helper()
	s := &served{path: filepath.Join(t.TempDir(), "s")}
	ln, err := ipc.Listen(s.path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s.start(t, cfg, ln)
	return s
}

func (s *served) start(t testing.TB, cfg ipc.ServerConfig, ln *ipc.Listener) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { leaks.None(t, before) })
	var err error
	if s.clock == nil {
		s.clock = func() int64 { return int64(ipc.Now()) }
	}
	if s.loop, err = eventloop.New(s.clock); err != nil {
		t.Fatal(err)
	}
	if s.Server, err = ipc.NewServer(s.loop, s, cfg); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(ln); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.loop.Run() }()
	t.Cleanup(func() {
		s.on(t, func() { s.hold = false; s.release() })
		s.Shutdown(0)
		s.on(t, func() {
			if s.Held() != 0 || s.Answering() != 0 {
				t.Errorf("after the last connection: %d bytes held, %d slots being answered", s.Held(), s.Answering())
			}
		})
		s.loop.Close()
		if err := <-ended; !errors.Is(err, eventloop.ErrClosed) {
			t.Errorf("Run() = %v", err)
		}
	})
}

// on runs f on the loop and waits for it.
func (s *served) on(t testing.TB, f func()) {
	t.Helper()
	done := make(chan struct{})
	if !s.loop.Post(func() { f(); close(done) }) {
		t.Fatal("the loop is closed")
	}
	<-done
}

// release answers the calls that are held, newest first.
func (s *served) release() {
	for i := len(s.calls) - 1; i >= 0; i-- {
		answer(s.calls[i])
	}
	s.calls = nil
}

// await looks at the loop's state until ok, for at most a while.
func (s *served) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(long); ; {
		met := false
		s.on(t, func() { met = ok() })
		if met {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// caller is a raw peer.
type caller struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *served) dial(t testing.TB) *caller {
	t.Helper()
	conn, err := net.Dial("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(long))
	return &caller{conn, t, bufio.NewReader(conn)}
}

// greeted is a raw peer behind its hello.
func (s *served) greeted(t testing.TB) *caller {
	t.Helper()
	c := s.dial(t)
	c.send(clientHello())
	if m := c.recv(); len(m) < 9 || m[0] != uint64(ipctest.TypeHello) {
		t.Fatalf("answer to hello: %v", m)
	}
	return c
}

// unhurried are the default limits but for the time of a frame, for tests that send one
// piece by piece and mean no peer that is slow.
func unhurried() ipc.Limits {
	limits := ipc.DefaultLimits()
	limits.FrameIn = long
	return limits
}

func clientHello() []byte { return ipctest.Message(ipctest.TypeHello, 1, 1, "test", 0) }

func ping(token uint64) []byte { return ipctest.Message(ipctest.TypePing, token) }

// slotsOf encodes requests as the slots of a predict.
func slotsOf(reqs ...ipc.Request) []any {
	slots := make([]any, len(reqs))
	for i, q := range reqs {
		slots[i] = []any{uint8(q.Kind()), msgpack.RawMessage(ipc.AppendRequest(nil, q))}
	}
	return slots
}

func predict(id uint64, slots ...any) []byte {
	if slots == nil {
		slots = []any{} // an empty list, not nil
	}
	return ipctest.Message(ipctest.TypePredict, id, 0, slots)
}

func workload(id uint64) []byte {
	return predict(id, slotsOf(ipctest.Request(ipc.Workload, id))...)
}

func (c *caller) send(frames ...[]byte) {
	c.t.Helper()
	if _, err := c.Write(bytes.Join(frames, nil)); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// recv reads one message; integers are uint64 or int64.
func (c *caller) recv() []any {
	c.t.Helper()
	m, err := c.next()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return m
}

func (c *caller) next() (m []any, err error) {
	var head [4]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return nil, err
	}
	payload := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(c.r, payload); err != nil {
		return nil, err
	}
	d := msgpack.NewDecoder(bytes.NewReader(payload))
	d.UseLooseInterfaceDecoding(true)
	if m, err = d.DecodeSlice(); err != nil {
		return nil, err
	}
	for i, v := range m { // compact forms of small numbers decode as signed
		if n, ok := v.(int64); ok && n >= 0 {
			m[i] = uint64(n)
		}
	}
	return m, nil
}

// wantError reads an error message and compares id, status and fault.
func (c *caller) wantError(id uint64, status ipc.Status, fault ipc.ProtocolFault) {
	c.t.Helper()
	m := c.recv()
	if len(m) != 5 || m[0] != uint64(ipctest.TypeError) || m[1] != id || m[2] != uint64(status) || m[3] != string(fault) {
		c.t.Errorf("got %v, want an error [5 %d %d %q]", m, id, status, fault)
	}
}

// wantReply reads a reply and compares id and the status of each slot.
func (c *caller) wantReply(id uint64, statuses ...ipc.Status) {
	c.t.Helper()
	m := c.recv()
	if len(m) != 3 || m[0] != uint64(ipctest.TypeReply) || m[1] != id {
		c.t.Fatalf("got %v, want the reply to %d", m, id)
	}
	slots := m[2].([]any)
	if len(slots) != len(statuses) {
		c.t.Fatalf("%d slots, want %d", len(slots), len(statuses))
	}
	for i, want := range statuses {
		if got := toUint(slots[i].([]any)[0]); got != uint64(want) {
			c.t.Errorf("slot %d: status %d, want %d (%v)", i, got, want, slots[i])
		}
	}
}

// wantPong is also the barrier: what was sent before has been handled.
func (c *caller) wantPong(token uint64) {
	c.t.Helper()
	if m := c.recv(); len(m) != 2 || m[0] != uint64(ipctest.TypePong) || m[1] != token {
		c.t.Fatalf("got %v, want pong %d", m, token)
	}
}

// wantEnd checks that the server hangs up and says nothing more.
func (c *caller) wantEnd() {
	c.t.Helper()
	if m, err := c.next(); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Errorf("got %v, %v, want the end of the connection", m, err)
	}
}

func toUint(v any) uint64 {
	switch n := v.(type) {
	case int64:
		return uint64(n)
	case uint64:
		return n
	}
	return ^uint64(0)
}
