package daemon

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
)

// ErrClosed is what Serve returns after Shutdown or Close.
var ErrClosed = errors.New("daemon: server closed")

// Serve accepts connections from ln until the server shuts down, and closes ln. It
// may be called for several listeners at once.
//
// The loop is our own: fasthttp's gives up on the first accept that fails, which
// being out of descriptors for a moment is enough for, and its worker pool cannot be
// waited for.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.track(ln); err != nil {
		ln.Close()
		return err
	}
	defer s.untrack(ln)
	guard := isLoopback(ln.Addr())
	failing := false
	wait := backoff{}
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
		case s.draining.Load():
			s.acceptWaiting(ln, guard)
			return ErrClosed
		case temporary(err):
			if !failing {
				s.opts.OnAcceptError(err)
			}
			failing = true
			if !wait.sleep(s.stop) {
				return ErrClosed
			}
			continue
		default:
			return fmt.Errorf("daemon: accept: %w", err)
		}
		failing, wait = false, backoff{}
		s.admit(nc, guard)
	}
}

// admit serves a connection: on a loop until it has proved to be more than that can
// do, or else with the library.
func (s *Server) admit(nc net.Conn, guard bool) {
	s.mu.Lock()
	if !s.closed && len(s.conns)+s.onLane >= s.opts.MaxConns {
		s.mu.Unlock()
		s.rejected.Add(1)
		refuse(nc)
		return
	}
	if s.lanes != nil && !s.closed {
		s.onLane++
		s.mu.Unlock()
		if s.toLane(nc, guard) {
			return
		}
		s.mu.Lock()
		s.onLane--
	}
	s.take(newConn(nc, guard))
}

// take serves a connection with the library, in a goroutine that Shutdown waits for.
// s.mu is held, and is not afterwards.
func (s *Server) take(c *conn) {
	defer s.mu.Unlock()
	if s.closed {
		c.Conn.Close()
		return
	}
	c.linger = s.opts.linger
	s.conns[c] = struct{}{}
	s.serving.Add(1)
	go s.serve(c)
}

func (s *Server) serve(c *conn) {
	defer s.serving.Done()
	// Its errors are what peers do: close, time out, send garbage. They have been
	// answered and counted where there was somebody to answer.
	_ = s.http.ServeConn(c)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// refusal is sent to connections over the limit; its length is the body's.
var refusal = func() []byte {
	body := api.AppendError(nil, "too many connections")
	return fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"+
		"Connection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}()

// refuse answers without ever waiting: the answer fits into an empty socket buffer.
func refuse(c net.Conn) {
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	_, _ = c.Write(refusal)
	c.Close()
}

// temporary reports whether accepting may work again later: the machine or the
// process is short of something, or a peer gave up first.
func temporary(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// backoff waits 5 ms, then twice as long each time, up to a second.
type backoff struct{ next time.Duration }

// sleep reports whether it was not interrupted.
func (b *backoff) sleep(stop <-chan struct{}) bool {
	b.next = min(max(2*b.next, 5*time.Millisecond), time.Second)
	t := time.NewTimer(b.next)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-stop:
		return false
	}
}

func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}
