package ipc

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// acceptor is the Server as the handler of its listener.
type acceptor Server

const (
	// acceptBatch bounds how many connections one round accepts, and acceptFew how many
	// while somebody light is asking.
	acceptBatch = 16
	acceptFew   = 3
	// acceptRest is how long accepting rests when descriptors have run out.
	acceptRest = 50 * time.Millisecond
	// stormRest is how long it rests at least when a peer connects that is to rest itself.
	stormRest = time.Millisecond
	// stormShare is what accepting then has of the loop's time: nobody means well who
	// connects that often.
	stormShare = 1.0 / 16
	// stormResting is how many resting connections of a peer double that.
	stormResting = 256
)

func (a *acceptor) Ready(bool, bool) {
	s := (*Server)(a)
	if s.lights.beside(nil, s.now()) {
		s.later.accept = true
		return
	}
	s.accept(false)
}

// accept takes connections in, few where it is to be brief.
func (s *Server) accept(brief bool) {
	if s.listener == nil {
		return
	}
	most, began := acceptBatch, s.clock()
	if brief {
		most = acceptFew
	}
	storm, resting := false, 0
	for range most {
		c, peer, err := s.acceptOne()
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			// EMFILE, ENFILE, ENOMEM: the listener would stay ready and the loop
			// would spin. Those who wait stay in the backlog meanwhile.
			s.stats.acceptErrors.Add(1)
			s.pauseAccept(acceptRest)
			return
		}
		// What an ended process left in the backlog is no storm: there is only so much of it,
		// and others wait behind it.
		if (c == nil || c.resting != nil) && !s.cfg.ended(peer) {
			storm = true
			if c != nil {
				resting = max(resting, c.owner.rests.queue.n)
			}
		}
		if brief && s.clock().Sub(began) > turnTime {
			break
		}
	}
	switch {
	case storm && brief:
		s.stats.storms.Add(1)
		s.pauseAccept(stormPause(s.clock().Sub(began), resting))
	case s.acceptPause.Armed():
		s.loop.Disarm(&s.acceptPause)
		s.resumeAccept()
	}
}

// stormPause is how long accepting rests after it took so long in a storm of connections,
// so that it has stormShare of the loop's time. Who is at fault is only known when
// a connection has been accepted, so whoever connects now waits as well. The more
// connections of a peer rest already, the longer it is: else it would have ever more.
func stormPause(took time.Duration, resting int) time.Duration {
	pause := max(time.Duration(float64(took)/stormShare), stormRest)
	return min(pause+pause*time.Duration(resting)/stormResting, acceptRest)
}

// pauseAccept has accepting go on at the end of a round that takes place after so long and
// in a quiet moment, or a little later in any case.
func (s *Server) pauseAccept(d time.Duration) {
	s.loop.Unwatch(s.listener.fd)
	s.acceptFrom = s.now().Add(d)
	s.loop.ArmIn(&s.acceptPause, max(d, restMost))
}

// acceptOne takes one connection out of the backlog. It gives nil for one that was
// refused, and has been told why; whose it was in either case.
func (s *Server) acceptOne() (*serverConn, Peer, error) {
	for {
		fd, err := accept4(s.listener.fd)
		switch {
		case err == nil:
			c, peer, _ := s.admit(fd)
			return c, peer, nil
		case errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
			// That one gave up; the next may not have.
		default:
			return nil, Peer{}, err
		}
	}
}

// accept4 is accept4(2) without the peer's address, which says nothing here. Package
// unix makes garbage of it.
func accept4(ln int) (int, error) {
	fd, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(ln), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func (s *Server) resumeAccept() {
	if s.listener == nil {
		return
	}
	if err := s.loop.Watch(s.listener.fd, eventloop.Readable, (*acceptor)(s)); err != nil {
		s.loop.ArmIn(&s.acceptPause, acceptRest)
	}
}

// admit makes a connection of fd, or tells the peer why not and closes it.
func (s *Server) admit(fd int) (*serverConn, Peer, error) {
	began := s.clock()
	peer, err := s.cfg.identify(fd)
	if err != nil {
		unix.Close(fd)
		return nil, peer, err
	}
	switch {
	case len(s.conns) >= s.cfg.MaxConns:
		err = &StatusError{Status: StatusOverloaded, Text: fmt.Sprintf("%d connections are open, no more are taken", s.cfg.MaxConns)}
	case s.cfg.Admit != nil:
		err = s.cfg.Admit(peer)
	}
	var c *serverConn
	if err == nil {
		c, err = s.open(fd, peer)
	}
	if err != nil {
		s.refuse(fd, peer, err)
		return nil, peer, err
	}
	c.owner.share.spend(inVain * max(min(s.since(began), mostAccept)-costAccept, 0))
	c.number = s.stats.accepted.Add(1)
	s.stats.connections.Add(1)
	return c, peer, nil
}

// open makes a connection for which the peer's account has room.
func (s *Server) open(fd int, peer Peer) (*serverConn, error) {
	a := s.account(peer)
	a.share.spend(inVain * costAccept)
	err := a.admit()
	if err != nil {
		s.stats.overQuota.Add(1)
	}
	c := s.newConn(fd, a)
	if err == nil && s.mayRead(a) {
		err = s.loop.Watch(fd, eventloop.Readable, c)
		c.watched = err == nil
	}
	if err != nil {
		s.giveBack(a)
		s.freeConns.Put(c)
		return nil, err
	}
	s.conns[c] = struct{}{}
	if !c.watched {
		s.rest(c)
	}
	return c, nil
}

// refuse says why and hangs up. The socket's buffer is empty, so one short write
// cannot fail for lack of room.
func (s *Server) refuse(fd int, peer Peer, cause error) {
	s.stats.refused.Add(1)
	status, text := StatusInternal, cause.Error()
	if e, ok := errors.AsType[*StatusError](cause); ok {
		status, text = e.Status, e.Text
	}
	b, start := beginFrame(nil)
	b = endFrame((&wireError{status: status, text: text}).append(b), start)
	_, _ = rawio.Send(fd, b)
	unix.Close(fd)
	s.cfg.OnFault(peer, cause)
}
