package ipc_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

func outcome(n uint64) []byte {
	return ipctest.Message(ipctest.TypeOutcome, []any{[]any{n, uint8(ipc.Threat), 3, 0, []any{float32(1), 0, float32(1), 0}}})
}

// leave has a peer send frames and be gone before the server has read any of them. They are
// more than it reads at a time.
func (s *served) leave(t *testing.T, frame func(n uint64) []byte) (n int) {
	t.Helper()
	const size = 150 << 10
	hello := clientHello()
	frames := hello
	for ; len(frames) < size; n++ {
		frames = append(frames, frame(uint64(n)+1)...)
	}
	c, busy, free := s.dial(t), make(chan struct{}), make(chan struct{})
	s.loop.Post(func() { close(busy); <-free })
	<-busy
	c.send(frames)
	_ = c.Close()
	close(free)
	s.await(t, "the connection to be closed", func() bool {
		got := s.Stats()
		return got.Accepted == 1 && got.Connections == 0
	})
	if got := s.Stats().BytesIn; got != uint64(len(frames)) {
		t.Errorf("%d bytes were read of %d", got, len(frames))
	}
	return n
}

// An outcome counts also where its peer has left before it was read.
func TestOutcomesOfOneThatHasLeft(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	n := s.leave(t, outcome)
	s.on(t, func() {
		if len(s.observed) != n {
			t.Errorf("%d outcomes of %d were taken", len(s.observed), n)
		}
	})
}

// What one asks that has left is not passed on, once that is known.
func TestQuestionsOfOneThatHasLeft(t *testing.T) {
	s := serve(t, ipc.ServerConfig{Limits: wide})
	n := s.leave(t, workload)
	if got := s.Stats(); got.Slots == uint64(n) || got.Slots+got.Orphaned != uint64(n) {
		t.Errorf("%d of %d questions were asked, %d answered to nobody", got.Slots, n, got.Orphaned)
	}
}

// What it takes to handle what one has left is that one's expense. Of one that stays, only
// the reading is: what is asked has its price, and its answers somebody.
func TestReadingForNobodyIsCharged(t *testing.T) {
	left := func(leaves bool) (left time.Duration) {
		s := gather(t, ipc.ServerConfig{})
		s.from(t, lightPID) // alone, nothing is charged
		c, busy, free := s.from(t, heavyPID), make(chan struct{}), make(chan struct{})
		s.from(t, heavyPID) // its account is kept
		s.loop.Post(func() {
			s.observes = func() { s.later(2 * time.Microsecond) }
			close(busy)
			<-free
		})
		<-busy
		const n = 500
		frames := ping(1) // whose answer is not taken
		for i := range uint64(n) {
			frames = append(frames, outcome(i+1)...)
		}
		c.send(frames)
		if leaves {
			_ = c.Close()
		}
		close(free)
		s.await(t, "the outcomes to be taken", func() bool { return len(s.observed) == n })
		s.on(t, func() { left = s.Left(heavyPID) })
		return left
	}
	// The first turn ends with the answer that nobody takes: most of the outcomes come after it.
	if stayed, gone := left(false), left(true); gone > stayed-500*time.Microsecond {
		t.Errorf("%v are left to one that has left, %v to one that stayed", gone, stayed)
	}
}

// Who has shut its own half for reading is heard, but not for ever.
func TestOneThatOnlySpeaks(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Stuck: time.Minute})
	c := s.from(t, heavyPID)
	if err := c.Conn.(*net.UnixConn).CloseRead(); err != nil {
		t.Fatal(err)
	}
	c.send(ping(1)) // to which there is no answer
	for n := range 3 {
		c.send(outcome(uint64(n)))
		s.await(t, "the outcome to be taken", func() bool { return len(s.observed) == n+1 })
	}
	s.later(time.Minute)
	s.await(t, "the connection to be closed", func() bool { return s.Stats().Connections == 0 })
	if _, err := c.Write(ping(2)); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("a write gives %v, want EPIPE", err)
	}
	if got := s.Stats(); got.Stuck != 0 || got.Faults != 0 {
		t.Errorf("%d connections were stuck, %d faulty", got.Stuck, got.Faults)
	}
}

// A heavy peer that breaks the protocol beside somebody light is hung up on at once. What it
// sent besides is read in its turns, and only then is the connection closed.
func TestBrokenHeavyPeersAreReadToTheEnd(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide})
	light, heavy := s.from(t, lightPID), s.from(t, heavyPID)
	sent := 2 * len(clientHello())
	asked := uint64(0)
	askLight := func() {
		asked++
		frame := workload(asked)
		sent += len(frame)
		light.send(frame)
		light.wantReply(asked, ipc.StatusOK)
		s.later(time.Millisecond)
	}
	askLight()
	s.on(t, func() { s.Exhaust(heavyPID) })
	noise := make([]byte, 40<<10) // no message is empty
	sent += len(noise)
	heavy.send(noise)
	for s.Stats().Faults == 0 {
		askLight()
	}
	heavy.wantError(0, ipc.StatusInvalidArgument, ipc.FaultFrameEmpty)
	if m, err := heavy.next(); err != io.EOF { // and no ECONNRESET, as for what a close leaves unread
		t.Errorf("got %v, %v, want the end of the connection", m, err)
	}
	for s.Stats().Connections > 1 {
		askLight()
	}
	if got := s.Stats().BytesIn; got != uint64(sent) {
		t.Errorf("%d bytes were read of %d", got, sent)
	}
}
