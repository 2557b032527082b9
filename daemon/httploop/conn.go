package httploop

import (
	"bytes"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// conn is a connection on a loop. It holds bytes only while it waits: for the rest of
// a body (in), or for its peer to take answers (out), and then it is not read.
type conn struct {
	lane    *lane
	fd      int
	guarded bool

	in        []byte // of requests that are not answered yet
	need      int    // bytes of in that the first of them takes, when more have to come
	out       []byte // of answers that the socket did not take
	ending    bool   // behind out nothing follows
	served    bool   // a call was answered
	pipelines bool   // has once sent a call before it had the last answer
	closed    bool   // or handed over

	due   int64 // when what is waited for must have come, in the loop's clock
	timer eventloop.Timer
	armed int64 // what timer is set to: never later than due
}

// Ready goes on with what the connection waits for.
func (c *conn) Ready(readable, writable bool) {
	switch {
	case len(c.out) > 0:
		if writable {
			c.resume()
		}
	case readable:
		c.read()
	}
}

// read takes what one read gives. A peer that sends more is read again in the next
// round, after the others have had their turn.
func (c *conn) read() {
	n, err := rawio.Read(c.fd, c.lane.buf)
	switch {
	case n > 0:
		data := c.lane.buf[:n]
		if c.need > 0 {
			c.in = append(c.in, data...)
			if data = c.in; len(data) < c.need {
				return
			}
		}
		c.consume(data)
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
	case len(c.in) > 0:
		c.leave(c.in) // the library says what half a call is worth
	default:
		c.close()
	}
}

// consume answers the calls in data and keeps what it cannot answer yet.
func (c *conn) consume(data []byte) {
	l := c.lane
	now := l.now()
	l.reply.begin(now)
	c.need = 0
	for len(data) > 0 {
		size, known := l.call.parse(data)
		if known && size > len(data) {
			c.need = size
			break
		}
		if known {
			c.pipelines = c.pipelines || len(data) > size
			l.call.Alone, l.call.Guarded = !c.pipelines, c.guarded
			known = l.backend.Answer(&l.call, &l.reply)
		}
		if !known {
			if c.flush(now) {
				c.leave(data)
			}
			break
		}
		c.served = true
		data = data[size:]
		if c.ending = l.reply.closing; c.ending || len(l.reply.out) > flushAt && !c.flush(now) {
			break
		}
	}
	if !c.closed && c.flush(now) && c.ending {
		c.close()
	}
	if !c.closed {
		c.keep(data, now)
	}
}

// flushAt is how many bytes of answers are gathered at most, but for the last.
const flushAt = 64 << 10

// keep stores what is left of a read and says until when the rest must come.
func (c *conn) keep(data []byte, now int64) {
	l := c.lane
	switch {
	case len(data) == 0 && c.in == nil: // mostly
	case len(data) == 0:
		l.spare, c.in = c.in, nil
	case c.in == nil:
		c.in, l.spare = append(l.spare[:0], data...), nil
	default:
		c.in = append(c.in[:0], data...)
	}
	switch {
	case len(c.out) > 0: // flush has set the time
	case c.need > 0:
		if c.served { // the first call's time runs from when the connection was made
			c.expect(now + int64(l.limits.Read))
		}
	default:
		c.expect(now + int64(l.limits.Idle))
	}
}

// leave hands the connection over, with data as what was read and is not answered.
func (c *conn) leave(data []byte) {
	h := Handover{FD: c.fd, Ahead: bytes.Clone(data), Guarded: c.guarded, Pipelines: c.pipelines}
	if c.need > 0 || !c.served {
		h.Due = time.Now().Add(time.Duration(c.due - c.lane.now()))
	}
	c.forget()
	c.lane.backend.HandOver(h)
	c.lane.loop.Yield() // to the goroutine that serves it now
}

func (c *conn) close() {
	c.forget()
	unix.Close(c.fd)
	c.lane.backend.Closed()
}

// forget takes the connection off the loop.
func (c *conn) forget() {
	c.closed = true
	c.lane.loop.Disarm(&c.timer)
	c.lane.loop.Unwatch(c.fd)
	delete(c.lane.conns, c)
}

// expect says when something must have happened. The timer is moved only to an earlier
// time: a busy connection's idle time then costs nothing, and the timer looks again.
func (c *conn) expect(due int64) {
	c.due = due
	if !c.timer.Armed() || due < c.armed {
		c.armed = due
		c.lane.loop.Arm(&c.timer, due)
	}
}

// late is called when the time may be over.
func (c *conn) late() {
	switch {
	case c.lane.now() < c.due:
		c.expect(c.due)
	case len(c.out) > 0:
		c.close()
	case c.need > 0 || !c.served:
		c.leave(c.in) // to be told so
	default:
		c.close()
	}
}
