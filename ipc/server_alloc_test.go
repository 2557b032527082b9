package ipc

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// instantBackend answers every call at once with the same prediction.
type instantBackend struct{ reply Reply }

func (b *instantBackend) Round(calls []*Call) {
	for _, c := range calls {
		c.Reply = b.reply
		c.Finish()
	}
}

func (b *instantBackend) Observe([]Outcome) {}

// socketServer is a server and one peer behind its hello over a socket pair. No
// goroutine runs its loop: turn does what a round would.
type socketServer struct {
	server *Server
	conn   *serverConn
	peer   int
	buf    []byte
}

func newSocketServer(t testing.TB) *socketServer {
	t.Helper()
	loop, err := eventloop.New(func() int64 { return int64(Now()) })
	if err != nil {
		t.Fatal(err)
	}
	backend := &instantBackend{Reply{PredictionID: 1, Source: SourceModel, Model: "m@1", Prediction: Prediction{Kind: Workload}}}
	server, err := NewServer(loop, backend, ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := server.admit(fds[0]); err != nil {
		t.Fatal(err)
	}
	s := &socketServer{server: server, peer: fds[1], buf: make([]byte, 256<<10)}
	for c := range server.conns {
		s.conn = c
	}
	if s.conn == nil {
		t.Fatal("the connection was not accepted")
	}
	t.Cleanup(func() {
		s.conn.close()
		unix.Close(s.peer)
		loop.Close()
	})
	h := hello{versionMin: Version, versionMax: Version}
	b, start := beginFrame(nil)
	if n := s.turn(t, endFrame(h.appendClient(b), start)); n == 0 {
		t.Fatal("no answer to hello")
	}
	return s
}

// turn writes request, lets the server read, answer and write, and reads the reply.
func (s *socketServer) turn(t testing.TB, request []byte) int {
	if _, err := unix.Write(s.peer, request); err != nil {
		t.Fatal(err)
	}
	s.conn.Ready(true, false)
	s.server.endRound()
	n, err := unix.Read(s.peer, s.buf)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pipelined is n predict frames of one workload each.
func pipelined(n int) (b []byte) {
	for i := range n {
		var start int
		b, start = beginFrame(b)
		b = endFrame(appendPredict(b, uint64(i+1), Options{}, []Request{largestRequest(Workload)}), start)
	}
	return b
}

// From the socket through the backend and back, a message allocates nothing: one at
// a time, 64 pipelined, in a batch, and cut into two reads.
func TestServerAllocatesNothing(t *testing.T) {
	s := newSocketServer(t)
	batch, start := beginFrame(nil)
	var reqs []Request
	for i := range 32 { // as many as surely fit the socket's buffer
		reqs = append(reqs, largestRequest(Kinds[[]int{0, 1, 3}[i%3]]))
	}
	batch = endFrame(appendPredict(batch, 1, Options{}, reqs), start)
	for name, stream := range map[string][]byte{"one": pipelined(1), "64 pipelined": pipelined(64), "batch": batch} {
		for range 4 { // until the storage of every call has grown to every kind
			s.turn(t, stream)
		}
		if got := testing.AllocsPerRun(100, func() { s.turn(t, stream) }); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
	one := pipelined(1)
	got := testing.AllocsPerRun(100, func() {
		if _, err := unix.Write(s.peer, one[:9]); err != nil {
			t.Fatal(err)
		}
		s.conn.Ready(true, false)
		s.turn(t, one[9:])
	})
	if got != 0 {
		t.Errorf("cut in two: %v allocations, want 0", got)
	}
}

// An idle connection holds no buffer.
func TestServerIdleConnectionHoldsNothing(t *testing.T) {
	s := newSocketServer(t)
	s.turn(t, pipelined(64))
	if s.conn.in.held() != 0 || s.conn.out != nil || s.server.held != 0 {
		t.Errorf("in %d, out %d, held %d bytes after the last reply, want none", s.conn.in.held(), cap(s.conn.out), s.server.held)
	}
	if n := len(s.server.spareOut); n != 1 {
		t.Errorf("%d spare buffers, want 1", n)
	}
}

// A frame of a megabyte that comes in small pieces is stored once: the announced
// length reserves nothing, no piece copies what came before, and the next one, whether
// this comes whole or not, is stored where this was.
func TestServerLargeFramesAreStoredOnce(t *testing.T) {
	s := newSocketServer(t)
	piece := make([]byte, 1000)
	part := func() {
		s.conn.consume([]byte{0, 0x0f, 0xff, 0xff})
		if got := s.conn.in.held(); got > keptBuffer {
			t.Fatalf("4 bytes reserved %d", got)
		}
		for n := 1; n <= 1000; n++ {
			s.conn.consume(piece)
			if got, most := s.conn.in.held(), 2*1000*n+blockSize; got > most || s.conn.held != got {
				t.Fatalf("%d bytes held, %d counted, for %d, want at most %d", got, s.conn.held, 1000*n, most)
			}
		}
	}
	part()
	s.conn.in.clear(s.server)
	s.conn.account()
	before := s.conn.held
	if got := testing.AllocsPerRun(5, func() {
		part()
		s.conn.in.clear(s.server)
		s.conn.account()
	}); got > 20 { // the list of blocks, as it grows
		t.Errorf("%v allocations for a frame like the one before", got)
	}
	if before > keptBuffer || s.conn.held != before {
		t.Errorf("%d bytes held after a frame, %d after seven", before, s.conn.held)
	}
}

// What lies in blocks is put together again, wherever it was cut.
func TestServerLargeFramesAreWhole(t *testing.T) {
	s := newSocketServer(t)
	frame, start := beginFrame(nil)
	var reqs []Request
	for i := range 200 {
		reqs = append(reqs, largestRequest(Kinds[[]int{0, 1, 3}[i%3]]))
	}
	frame = endFrame(appendPredict(frame, 1, Options{}, reqs), start)
	if len(frame) < 2*blockSize {
		t.Fatalf("%d bytes are no large frame", len(frame))
	}
	next := pipelined(1)
	for _, cut := range []int{1, 4, 5, keptBuffer, keptBuffer + 1, keptBuffer + blockSize, 1009, len(frame) - 1} {
		slots := s.server.Stats().Slots
		for rest := append(bytes.Clone(frame), next...); len(rest) > 0; {
			n := min(cut, len(rest))
			s.conn.consume(rest[:n])
			rest = rest[n:]
		}
		s.server.endRound()
		if _, err := unix.Read(s.peer, s.buf); err != nil || s.conn.broken {
			t.Fatalf("cut every %d bytes: %v, broken %v", cut, err, s.conn.broken)
		}
		if got := s.server.Stats().Slots - slots; got != 201 || s.conn.in.n != 0 {
			t.Errorf("cut every %d bytes: %d questions were taken, want 201, and %d bytes are left", cut, got, s.conn.in.n)
		}
	}
}

// A peer that connects over and over makes no garbage.
func TestServerConnectionsAreUsedAgain(t *testing.T) {
	s := newSocketServer(t)
	hi, start := beginFrame(nil)
	hi = endFrame((&hello{versionMin: Version, versionMax: Version}).appendClient(hi), start)
	round := func() {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := s.server.admit(fds[0])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = unix.Write(fds[1], hi)
		c.Ready(true, false)
		s.server.endRound()
		if _, err := unix.Read(fds[1], s.buf); err != nil || !c.greeted {
			t.Fatalf("no answer to hello: %v", err)
		}
		_ = unix.Close(fds[1])
		c.Ready(true, true)
		s.server.endRound()
	}
	round()
	if got := testing.AllocsPerRun(100, round); got > 3 { // the name in the hello, and the test's own
		t.Errorf("%v allocations a connection", got)
	}
	if got := s.server.Stats().Connections; got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
}

// BenchmarkServer is a message through a real socket pair: written, read, decoded,
// answered, encoded, written, read. "echo" is the system calls alone.
func BenchmarkServer(b *testing.B) {
	s := newSocketServer(b)
	for _, n := range []int{1, 64} {
		stream := pipelined(n)
		b.Run(map[int]string{1: "one", 64: "64-pipelined"}[n], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.turn(b, stream)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/message")
		})
	}
	b.Run("echo", func(b *testing.B) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		request, reply := pipelined(1), make([]byte, 60)
		for b.Loop() {
			_, _ = unix.Write(fds[0], request)
			_, _ = unix.Read(fds[1], s.buf)
			_, _ = unix.Write(fds[1], reply)
			_, _ = unix.Read(fds[0], s.buf)
		}
		unix.Close(fds[0])
		unix.Close(fds[1])
	})
}

// TestServerKnowsItsComponents: a name is copied once, whichever record it lands in.
func TestServerKnowsItsComponents(t *testing.T) {
	s := newSocketServer(t)
	frames := make([][]byte, 3)
	for i, name := range []string{"disk-io", "network", "memory"} {
		b, start := beginFrame(nil)
		b = appendPredict(b, uint64(i+1), Options{}, []Request{&FailureRequest{Component: name, HealthScore: 1, TimeSinceLastFailure: Never}})
		frames[i] = endFrame(b, start)
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, f := range frames {
			s.turn(t, f)
		}
	}); n != 0 {
		t.Errorf("three components in turn: %v allocations, want 0", n)
	}
	for i := range 2 * maxComponents {
		s.server.names.intern(fmt.Appendf(nil, "component-%d", i))
	}
	if n := len(s.server.names.known); n > maxComponents {
		t.Errorf("%d names are kept, want at most %d", n, maxComponents)
	}
}
