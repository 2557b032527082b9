package daemon

import (
	"context"
	"time"
)

// Shutdown stops accepting, lets every call that has arrived finish, and closes each
// connection as soon as it has nothing left to answer. When ctx ends first, what is
// left is closed and the error is ctx's.
//
// A client that sends one call at a time is told by "Connection: close" on its next
// answer. One that pipelines is not: it may have sent more by then, which closing
// after that answer would throw away. Its connection stops reading instead, so that what has arrived is
// still answered and what comes later fails unread, and may safely be sent elsewhere.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopListening()
	tick := time.NewTicker(closeTick)
	defer tick.Stop()
	for s.endIdle() > 0 {
		select {
		case <-ctx.Done():
			s.closeConns()
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
	s.stopListening()
	s.closeConns()
	s.serving.Wait()
}

// stopListening also makes Serve return.
func (s *Server) stopListening() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.draining.Store(true)
	close(s.stop)
	for ln := range s.listeners {
		ln.Close()
	}
}

// endIdle stops the input of connections that are between requests and gives the
// number of all that are left.
func (s *Server) endIdle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.idle.Load() {
			c.stopReading()
		}
	}
	return len(s.conns)
}

func (s *Server) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Conn.Close()
	}
}
