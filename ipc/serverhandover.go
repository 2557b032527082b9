package ipc

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// A hand-over is the other way for a server to end: its connections live on with a
// successor in another process, and no peer notices more than a pause.
//
//	stop accepting and reading → calls in flight are answered → what a peer has not
//	taken, and the start of a frame that has not arrived whole, go along
//
// What peers write meanwhile waits in their sockets' buffers.

// Handed is a connection on its way from one process' server to another's.
type Handed struct {
	FD      int // the receiver's to close
	Greeted bool
	Told    Limits // what the server's hello announced: Frame, Batch, InFlight
	Unread  []byte // the start of a frame
	Unsent  []byte // replies, the first of which may be cut off in the middle
}

// handover is one call of HandOver that waits.
type handover struct {
	late   eventloop.Timer
	handed []Handed
	cut    int
	done   chan struct{}
}

// HandOver stops accepting and reading, answers the calls in flight, and gives up the
// connections, which then are the caller's. Those whose calls are not answered within
// grace are closed, and counted in cut. Any goroutine may call it, once, and not
// beside Shutdown. The loop goes on running.
func (s *Server) HandOver(grace time.Duration) (handed []Handed, cut int) {
	h := &handover{done: make(chan struct{})}
	h.late.Fire = s.finishHandover
	if !s.loop.Post(func() {
		s.stopAccept()
		s.leaving = h
		for c := range s.conns {
			c.leave()
		}
		s.loop.ArmIn(&h.late, grace)
	}) {
		return nil, 0
	}
	select {
	case <-h.done:
		return h.handed, h.cut
	case <-s.loop.Done():
		return nil, 0
	}
}

// leave stops listening to the peer. From now on the loop knows nothing of the
// connection; replies are written at the end of a round, as far as the socket takes
// them.
func (c *serverConn) leave() {
	s := c.server
	s.loop.Disarm(&c.frameLate)
	s.loop.Disarm(&c.stuck)
	c.unwatch()
}

// handIdle gives up the connections that have got all their answers.
func (s *Server) handIdle() {
	for c := range s.conns {
		switch {
		case c.inFlight > 0:
		case c.broken: // its error is written, or was not taken
			c.close()
		default:
			s.leaving.handed = append(s.leaving.handed, c.hand())
		}
	}
	if len(s.conns) == 0 {
		s.finishHandover()
	}
}

// hand takes the connection out of the server without closing it.
func (c *serverConn) hand() Handed {
	h := Handed{FD: c.fd, Greeted: c.greeted, Told: c.server.cfg.Limits, Unread: c.in.appendTo(nil), Unsent: c.out[c.written:]}
	if c.told != nil {
		h.Told = *c.told
	}
	c.out = nil
	c.drop()
	return h
}

// finishHandover cuts whoever is left.
func (s *Server) finishHandover() {
	h := s.leaving
	s.leaving = nil
	h.cut = len(s.conns)
	for c := range s.conns {
		c.close()
	}
	s.loop.Disarm(&h.late)
	close(h.done)
}

// Adopt takes over a connection that another process' server has handed over. Call it
// before the loop runs or on the loop. The peer goes on as if nothing had happened;
// where this server's limits are below what the peer was told, it is asked to connect
// anew. The descriptor is the server's, also after an error.
func (s *Server) Adopt(h Handed) error {
	if err := checkAdopted(h.FD); err != nil {
		unix.Close(h.FD)
		return err
	}
	c, _, err := s.admit(h.FD)
	if err != nil {
		return err
	}
	s.stats.adopted.Add(1)
	c.greeted, c.told = h.Greeted, &h.Told
	if len(h.Unsent) > 0 {
		c.out = append(c.outBuffer(), h.Unsent...)
		c.queueFlush()
	}
	own := &s.cfg.Limits
	if c.greeted && (own.Frame < h.Told.Frame || own.Batch < h.Told.Batch || own.InFlight < h.Told.InFlight) {
		c.sendGoAway()
	}
	if len(h.Unread) > 0 {
		c.consume(h.Unread)
	}
	s.loop.Post(func() {}) // a round, to write what there is
	return nil
}

// checkAdopted refuses what a mistaken predecessor could pass.
func checkAdopted(fd int) error {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return fmt.Errorf("ipc: adopted descriptor: %w", err)
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return fmt.Errorf("ipc: adopted descriptor: %w", err)
	}
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return fmt.Errorf("ipc: adopted descriptor: %w", err)
	}
	if domain != unix.AF_UNIX || kind != unix.SOCK_STREAM || listens != 0 {
		return errors.New("ipc: adopted descriptor is no connected unix stream socket")
	}
	return unix.SetNonblock(fd, true)
}
