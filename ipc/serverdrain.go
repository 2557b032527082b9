package ipc

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// A drain loses nothing: whatever a peer could write before its connection was shut
// for reading is read and answered, and what comes later fails in the peer's write.
//
//	goaway → calls in flight are answered, new ones refused → when a connection has
//	nothing in flight: shut it for reading, read what is left → close

// shutdown is one call of Shutdown that waits.
type shutdown struct {
	late eventloop.Timer
	done chan int // receives how many connections were cut; one place, never blocks
}

// Shutdown stops accepting, tells every peer to go away, and returns when the
// calls in flight have been answered and their replies written, or grace is over;
// then it reports how many connections it had to cut. Any goroutine may call it,
// more than once: the shortest grace counts. The loop goes on running.
func (s *Server) Shutdown(grace time.Duration) (cut int) {
	w := &shutdown{done: make(chan int, 1)}
	w.late.Fire = s.graceOver
	posted := s.loop.Post(func() {
		s.shutdowns = append(s.shutdowns, w)
		s.loop.ArmIn(&w.late, grace)
		s.drain()
	})
	if !posted {
		return 0
	}
	select {
	case cut = <-w.done:
	case <-s.loop.Done():
	}
	return cut
}

func (s *Server) drain() {
	if s.draining {
		return
	}
	s.stopAccept()
	s.draining = true
	for c := range s.conns {
		if c.greeted && !c.broken { // else the goaway follows the hello, or nothing does
			c.sendGoAway()
		}
	}
}

// stopAccept closes the listener. Peers whose connect the kernel has taken already
// are let in first: they are owed a goaway. New ones are refused from here on,
// except on a socket that a service manager opened: it keeps them for a successor.
func (s *Server) stopAccept() {
	if s.listener == nil {
		return
	}
	s.loop.Disarm(&s.acceptPause)
	s.loop.Unwatch(s.listener.fd)
	if s.listener.path != "" {
		_ = unix.Shutdown(s.listener.fd, unix.SHUT_RD)
		for {
			if _, _, err := s.acceptOne(); err != nil {
				break
			}
		}
	}
	_ = s.listener.Close()
	s.listener = nil
}

// closeIdle ends the connections that have got all their answers.
func (s *Server) closeIdle() {
	more := false
	for c := range s.conns {
		if c.inFlight == 0 && len(c.out) == 0 {
			more = c.lastRead() || more
		}
	}
	if more { // what came last is answered, and looked at again in a round of its own
		s.flush()
		s.loop.Post(func() {})
	}
	if len(s.conns) == 0 {
		s.finishDrain()
	}
}

// graceOver ends a drain whose time is over. Who has got all his answers is not cut, also
// where they were given in this very round: on a busy machine what was to come long before
// the end may come due together with it.
func (s *Server) graceOver() {
	s.flush()
	for c := range s.conns {
		if c.inFlight == 0 && len(c.out) == 0 {
			c.lastRead()
		}
	}
	s.finishDrain()
}

// finishDrain cuts whoever is left and lets every Shutdown return.
func (s *Server) finishDrain() {
	cut := len(s.conns)
	for c := range s.conns {
		c.close()
	}
	for _, w := range s.shutdowns {
		s.loop.Disarm(&w.late)
		w.done <- cut
	}
	s.shutdowns = nil
}

// lastRead shuts the connection for reading, so that the peer's next write fails,
// takes what the peer wrote before that, and closes when nothing is left. It
// reports whether there was something.
func (c *serverConn) lastRead() (more bool) {
	if !c.shut {
		c.shut = true
		_ = unix.Shutdown(c.fd, unix.SHUT_RD)
	}
	n, err := rawio.Read(c.fd, c.server.readBuf)
	switch {
	case n > 0 && !c.broken:
		c.server.stats.bytesIn.Add(uint64(n))
		c.consume(c.server.readBuf[:n])
		c.watch()
		return true
	case errors.Is(err, unix.EINTR):
		return true
	}
	c.close()
	return false
}

func (c *serverConn) sendGoAway() {
	c.send(func(b []byte) []byte { return appendGoAway(b, "draining") })
}
