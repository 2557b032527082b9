package ipc

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// At the end of a drain a connection is shut for reading before its last bytes are
// looked at: a call is either read, and answered, or fails in the peer's write. There
// is no moment in which it can be written and lost.
func TestServerDrainLeavesNoWindow(t *testing.T) {
	s := newSocketServer(t)
	s.server.drain()
	s.server.flush() // the goaway
	if _, err := unix.Write(s.peer, pipelined(1)); err != nil {
		t.Fatal(err)
	}
	s.server.closeIdle()
	if s.conn.closed {
		t.Fatal("closed with a call unread")
	}
	if _, err := unix.Write(s.peer, pipelined(1)); !errors.Is(err, unix.EPIPE) {
		t.Errorf("a write behind the last read: %v, want a broken pipe", err)
	}
	s.server.closeIdle()
	if !s.conn.closed {
		t.Error("still open with nothing left to read")
	}
	n, err := unix.Read(s.peer, s.buf)
	if err != nil || !bytes.Contains(s.buf[:n], []byte("draining: connect again for new calls")) {
		t.Errorf("the peer got %q, %v, want a refusal", s.buf[:n], err)
	}
	if n, err := unix.Read(s.peer, s.buf); n != 0 || err != nil {
		t.Errorf("then %d bytes, %v, want a clean end", n, err)
	}
}

// A peer that is not read, because it does not take its replies, is not blamed for
// the frame of which only a part was read.
func TestServerPauseStopsTheFrameTimer(t *testing.T) {
	s := newSocketServer(t)
	s.server.cfg.MaxQueue = 1
	var pings []byte
	for range 4000 {
		b, start := beginFrame(pings)
		pings = endFrame(appendToken(b, msgPing, 1<<60), start)
	}
	for range 20 { // until the socket takes no more pongs
		s.conn.in.clear(s.server)
		s.conn.consume(append(bytes.Clone(pings), 0, 0, 1)) // and the start of a frame
		s.server.endRound()
		if s.conn.paused {
			break
		}
	}
	if !s.conn.paused || s.conn.in.n != 3 {
		t.Fatalf("paused %v with %d bytes of a frame, want a paused connection with 3", s.conn.paused, s.conn.in.n)
	}
	if s.conn.frameLate.Armed() {
		t.Error("the frame's time runs while nobody reads it")
	}
	for s.conn.paused { // the peer catches up
		if _, err := unix.Read(s.peer, s.buf); err != nil {
			t.Fatal(err)
		}
		s.conn.Ready(false, true)
	}
	if !s.conn.frameLate.Armed() {
		t.Error("the frame has no time to come by after the pause")
	}
}
