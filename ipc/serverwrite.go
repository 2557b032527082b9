package ipc

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// The writing side of a serverConn: replies gather during a round and leave in one
// write at its end.

// send queues one message; it is written at the end of the round.
func (c *serverConn) send(appendTo func([]byte) []byte) {
	if c.closed || c.gone {
		return
	}
	b, start := beginFrame(c.outBuffer())
	c.out = endFrame(appendTo(b), start)
	c.queueFlush()
}

// outBuffer is where the next reply is appended.
func (c *serverConn) outBuffer() []byte {
	if c.out == nil {
		c.out = c.server.takeBuffer()
	}
	return c.out
}

func (c *serverConn) queueFlush() {
	if !c.dirty {
		c.dirty = true
		c.server.dirty = append(c.server.dirty, c)
	}
}

// flush writes what the socket takes. When it does not take all, the rest waits
// for the peer; when too much waits, the peer is not read until it has caught up.
func (c *serverConn) flush() {
	if c.closed || len(c.out) == 0 {
		return
	}
	n, err := rawio.Send(c.fd, c.out[c.written:])
	if n > 0 {
		c.written += n
		c.server.stats.bytesOut.Add(uint64(n))
	}
	switch {
	case err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR):
		c.lost()
	case c.written == len(c.out):
		c.flushed()
	default:
		if n > 0 || !c.stuck.Armed() {
			c.server.loop.ArmIn(&c.stuck, c.server.cfg.Stuck)
		}
		c.compact()
		c.watch()
		c.account()
	}
}

func (c *serverConn) flushed() {
	c.server.loop.Disarm(&c.stuck)
	c.server.giveBuffer(c.out)
	c.out, c.written = nil, 0
	if c.broken {
		c.hangUp()
		return
	}
	c.watch()
	c.account()
}

// compact drops the written part once it is the larger one.
func (c *serverConn) compact() {
	if c.written > len(c.out)/2 {
		c.out = c.out[:copy(c.out, c.out[c.written:])]
		c.written = 0
	}
}

// watch asks the loop for what the connection can use now.
func (c *serverConn) watch() {
	if c.server.leaving != nil { // the loop no longer knows it
		return
	}
	waiting := len(c.out) - c.written
	c.pause(waiting > c.server.maxQueue(c.owner))
	var want eventloop.Interest
	switch {
	case c.paused || c.shut:
	case c.resting == nil:
		want = eventloop.Readable
	case c.resting == &c.owner.rests.untaken:
		want = eventloop.Taken
	}
	if waiting > 0 {
		want |= eventloop.Writable
	}
	var err error
	switch {
	case want == 0: // not even of its end is anything to be heard
		c.unwatch()
	case c.watched:
		err = c.server.loop.Change(c.fd, want)
	default:
		err = c.server.loop.Watch(c.fd, want, c)
		c.watched = err == nil
	}
	if err != nil {
		c.close()
	}
}

// maxQueue is how much may wait for a connection of the peer that is read. Who is not
// light beside others who are has to take its answers before it asks more: else it would
// have questions answered for nobody.
func (s *Server) maxQueue(a *Account) int {
	if s.aside(a) {
		return 0
	}
	return s.cfg.MaxQueue
}

// maxUntaken is how much of the socket's buffer a peer's answers may fill that is not light
// before it is asked nothing more: some ten writes. (The kernel counts what it spends on
// them, not their bytes.) One that asks and never reads would else have questions answered
// for nobody, and fill its own buffer again, for half a millisecond, whenever it is read.
const maxUntaken = 16 << 10

// untaken reports whether too many answers wait for the peer in the socket's buffer.
func (c *serverConn) untaken() bool {
	n := &c.server.untaken
	*n = 0
	_, _, _ = unix.RawSyscall(unix.SYS_IOCTL, uintptr(c.fd), unix.SIOCOUTQ, uintptr(unsafe.Pointer(n)))
	return *n > maxUntaken
}

func (c *serverConn) unwatch() {
	c.watched = false
	c.server.loop.Unwatch(c.fd)
}

// pause stops or resumes reading. A frame that is not read has no time to come by:
// its peer may have sent it whole.
func (c *serverConn) pause(on bool) {
	if c.paused == on {
		return
	}
	c.paused = on
	switch {
	case on:
		c.server.loop.Disarm(&c.frameLate)
	case c.in.n > 0:
		c.server.loop.ArmIn(&c.frameLate, c.server.cfg.Limits.FrameIn)
	}
}
