package daemon

import (
	"context"
	"net"
	"time"

	"github.com/mlbridge/mlbridge/daemon/httploop"
)

// Shutdown stops accepting, lets every call that has arrived finish, and closes each
// connection as soon as it has nothing left to answer. When ctx ends first, what is
// left is closed and the error is ctx's.
//
// A client that sends one call at a time is told by "Connection: close" on its next
// answer. One that pipelines is not: it may have sent more by then, which closing
// after that answer would throw away. Its connection stops reading instead, so that what has arrived is
// still answered and what comes later fails unread, and may safely be sent elsewhere.
//
// Connections on the loops come to the library first, which knows how all this is done.
//
// Connections that the kernel has already made on a listener's behalf belong to what
// has arrived: their clients may have sent a call. They are accepted before the
// listener closes.
func (s *Server) Shutdown(ctx context.Context) error {
	lanes := s.stopListening(true)
	lanes.Release()
	defer lanes.Close()
	tick := time.NewTicker(closeTick)
	defer tick.Stop()
	for s.endIdle() > 0 {
		select {
		case <-ctx.Done():
			s.closeConns()
			lanes.Close()
			s.serving.Wait()
			return ctx.Err()
		case <-tick.C:
		}
	}
	s.serving.Wait()
	return nil
}

// Close closes everything at once: calls in flight get no answer.
func (s *Server) Close() {
	lanes := s.stopListening(false)
	s.closeConns()
	lanes.Close()
	s.serving.Wait()
}

// deadliner is a listener whose Accept can be woken without closing it.
type deadliner interface{ SetDeadline(time.Time) error }

// stopListening makes Serve return: at once, or when it has accepted what waits. It
// gives the loops.
func (s *Server) stopListening(backlog bool) *httploop.Lanes {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.CompareAndSwap(false, true) {
		close(s.stop)
	}
	for ln := range s.listeners {
		d, ok := ln.(deadliner)
		if !backlog || !ok || d.SetDeadline(time.Now()) != nil {
			ln.Close()
		}
	}
	return s.lanes
}

// acceptWaiting admits the connections that wait on ln, for backlogTime at most.
func (s *Server) acceptWaiting(ln net.Listener, guard bool) {
	d, ok := ln.(deadliner)
	if !ok || d.SetDeadline(time.Now().Add(backlogTime)) != nil {
		return
	}
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		s.admit(nc, guard)
	}
}

// endIdle stops the input of connections that are between requests and gives the
// number of all that are left, listeners included.
func (s *Server) endIdle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.idle.Load() {
			c.stopReading()
		}
	}
	return len(s.conns) + s.onLane + len(s.listeners)
}

// closeConns closes every connection and makes admit refuse what may yet come.
func (s *Server) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for ln := range s.listeners {
		ln.Close()
	}
	for c := range s.conns {
		c.Conn.Close()
	}
}
