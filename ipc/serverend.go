package ipc

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// How a connection ends. What its peer sent before is still read: an outcome counts
// also of one that has left. Only then is the descriptor closed.
//
// There is a second reason. The kernel frees what was not read in one piece, for as long
// as a tenth of a millisecond where it came byte by byte, and on a kernel that does not
// preempt itself nobody else has the processor meanwhile. To read it takes longer, but in
// pieces, in the peer's own turns and at its expense.

// fault answers a broken protocol with an error about the connection, and closes
// it when that is written. Nobody else notices.
func (c *serverConn) fault(err error) {
	if c.broken || c.closed {
		return
	}
	e := wireError{status: StatusInvalidArgument, text: err.Error()}
	if p, ok := errors.AsType[*ProtocolError](err); ok {
		e.fault, e.text = p.Kind, p.Text
	} else if p, ok := errors.AsType[*StatusError](err); ok {
		e.status, e.fault, e.text = p.Status, FaultTooMuch, p.Text
	}
	c.owner.share.spend(costFault)
	c.server.stats.faults.Add(1)
	c.server.cfg.OnFault(c.owner.Peer, err)
	c.send(e.append)
	c.broken = true
	c.in.clear(c.server)
	c.in.start = nil
	c.server.loop.Disarm(&c.frameLate)
	c.server.loop.ArmIn(&c.stuck, c.server.cfg.Stuck)
}

// hangUp ends a connection whose peer has been told why. One that has to let others go
// first is hung up on at once, and read to the end in its turns.
func (c *serverConn) hangUp() {
	if c.server.leaving != nil || !c.server.aside(c.owner) {
		c.close()
		return
	}
	_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
	c.lost()
}

// lost has a connection read to the end that takes no replies any more. That is not
// waited for longer than for replies to be taken: a peer can have shut its half alone.
func (c *serverConn) lost() {
	s := c.server
	c.gone = true
	s.giveBuffer(c.out)
	c.out, c.written = nil, 0
	s.loop.ArmIn(&c.stuck, s.cfg.Stuck)
	c.watch()
	s.loop.Disarm(&c.frameLate) // what was to come is here
	c.account()
}

// onStuck closes a connection that took none of its replies for too long, or that could
// not be read to the end.
func (c *serverConn) onStuck() {
	if !c.gone {
		c.server.stats.stuck.Add(1)
		c.server.cfg.OnFault(c.owner.Peer, fmt.Errorf("ipc: %d bytes of replies not taken for %v", len(c.out)-c.written, c.server.cfg.Stuck))
	}
	c.close()
}

func (c *serverConn) close() {
	if c.closed {
		return
	}
	c.drop()
	began := c.server.clock()
	unix.Close(c.fd)
	c.owner.share.spend(c.server.since(began)) // much where much is unread
}

// drop makes the server forget the connection, whose descriptor stays open.
func (c *serverConn) drop() {
	c.closed = true
	s := c.server
	s.loop.Disarm(&c.frameLate)
	s.loop.Disarm(&c.stuck)
	c.unwatch()
	if c.resting != nil {
		c.resting.remove(c)
	}
	s.giveBuffer(c.out)
	c.in.clear(s)
	c.in.start, c.out = nil, nil
	s.held -= c.held
	c.held = 0
	delete(s.conns, c)
	s.later.gone = append(s.later.gone, c)
	s.giveBack(c.owner)
	s.stats.connections.Add(^uint64(0))
}
