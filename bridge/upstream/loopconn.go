package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// loopConn is the client that lives on the event loop.
type loopConn struct {
	loop   *eventloop.Loop
	target Target

	fd         int // -1 when there is no connection
	connecting bool
	x          *Exchange // under way, or nil
	out        []byte
	written    int
	in         []byte
	answer     response
	timeout    eventloop.Timer
	generation int // counts exchanges, so that what belongs to an earlier one is known

	port      int
	addresses []netip.Addr       // of the target, not yet tried in this exchange
	resolving context.CancelFunc // stops the resolver, nil when there is none
}

const (
	readSize  = 64 << 10
	keptBytes = 256 << 10 // per buffer, between exchanges
)

func newLoopConn(loop *eventloop.Loop, t Target) *loopConn {
	c := &loopConn{loop: loop, target: t, fd: -1}
	c.timeout.Fire = func() { c.fail("timeout", true, context.DeadlineExceeded) }
	return c
}

// Do writes the call, over a new connection where there is none.
func (c *loopConn) Do(x *Exchange) {
	if c.x != nil {
		panic("upstream: Do while an exchange is under way")
	}
	c.x = x
	c.generation++
	c.answer.reset()
	c.in = c.in[:0]
	c.encode(x)
	c.loop.ArmIn(&c.timeout, x.Timeout)
	if c.fd < 0 {
		c.connect()
		return
	}
	c.write()
}

// encode puts head and body into one buffer, so that they leave in one write.
func (c *loopConn) encode(x *Exchange) {
	if x.Method == http.MethodGet {
		b := append(append(c.out[:0], "GET "...), x.Path...)
		b = append(append(b, " HTTP/1.1\r\nHost: "...), c.target.host...)
		c.out, c.written = append(b, "\r\n\r\n"...), 0
		return
	}
	b := append(c.out[:0], "POST "...)
	b = append(b, x.Path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.target.host...)
	b = append(b, "\r\nContent-Type: "...)
	b = append(b, x.ContentType...)
	if x.Traceparent != "" {
		b = append(b, "\r\nTraceparent: "...)
		b = append(b, x.Traceparent...)
	}
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(x.Body)), 10)
	b = append(b, "\r\n\r\n"...)
	c.out = append(b, x.Body...)
	c.written = 0
}

// Ready goes on with whatever the socket was waited for. It reads first: a daemon
// that does not want the rest of a call answers before it has read it.
func (c *loopConn) Ready(readable, writable bool) {
	if c.connecting {
		c.connected()
		return
	}
	generation := c.generation
	if readable {
		c.read()
	}
	// Reading may have ended the exchange, and Done may have begun the next.
	if writable && c.generation == generation && c.fd >= 0 && c.x != nil && c.written < len(c.out) {
		c.write()
	}
}

func (c *loopConn) write() {
	n, err := rawio.Write(c.fd, c.out[c.written:])
	c.written += max(n, 0)
	interest := eventloop.Readable
	switch {
	case errors.Is(err, unix.EPIPE) && c.written > 0:
		// The daemon takes no more, but what it says about that may be on its way:
		// reading gives the answer or the end.
	case err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR):
		c.fail("write", c.written > 0, err)
		return
	case c.written < len(c.out):
		interest |= eventloop.Writable
	}
	if err := c.loop.Change(c.fd, interest); err != nil {
		c.fail("write", true, err)
	}
}

func (c *loopConn) read() {
	if cap(c.in)-len(c.in) < 4<<10 {
		grown := make([]byte, len(c.in), max(readSize, 2*cap(c.in)))
		copy(grown, c.in)
		c.in = grown
	}
	n, err := rawio.Read(c.fd, c.in[len(c.in):cap(c.in)])
	switch {
	case n > 0:
		c.in = c.in[:len(c.in)+n]
		c.received()
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
	case err != nil:
		c.fail("read", true, err)
	default: // hung up; between exchanges that is the daemon's right
		c.fail("read", true, io.ErrUnexpectedEOF)
	}
}

func (c *loopConn) received() {
	if c.x == nil { // bytes that nobody asked for: the next answer could not be trusted
		c.hangUp()
		return
	}
	used, err := c.answer.parse(c.in)
	switch {
	case errors.Is(err, errIncomplete):
		if len(c.in) > MaxHead+2*MaxAnswer {
			c.fail("answer", true, errors.New("more bytes than any answer may have"))
		}
	case err != nil:
		c.fail("answer", true, err)
	case used != len(c.in):
		c.fail("answer", true, errors.New("bytes behind the answer"))
	default:
		c.finish()
	}
}

func (c *loopConn) finish() {
	if c.answer.close || c.written < len(c.out) {
		c.hangUp()
	}
	x := c.x
	c.x = nil
	c.loop.Disarm(&c.timeout)
	x.Status, x.Answer, x.AnswerType, x.Err = c.answer.status, c.answer.body, c.answer.contentType, nil
	x.Done(x)
	c.trim()
}

// fail hangs up and ends the exchange, if there is one.
func (c *loopConn) fail(op string, sent bool, err error) {
	c.hangUp()
	c.stopDialing()
	if c.x == nil {
		return
	}
	x := c.x
	c.x = nil
	c.loop.Disarm(&c.timeout)
	x.Status, x.Answer, x.AnswerType = 0, nil, ""
	x.Err = &Error{Op: op, Sent: sent && c.written > 0, Err: err}
	x.Done(x)
	c.trim()
}

// trim gives back the storage of an unusually large call or answer, unless the next
// exchange uses it already.
func (c *loopConn) trim() {
	if c.x != nil {
		return
	}
	if cap(c.in) > keptBytes {
		c.in = nil
	}
	if cap(c.out) > keptBytes {
		c.out = nil
	}
	if cap(c.answer.body) > keptBytes {
		c.answer.body = nil
	}
}

func (c *loopConn) hangUp() {
	if c.fd < 0 {
		return
	}
	c.loop.Unwatch(c.fd)
	unix.Close(c.fd)
	c.fd, c.connecting = -1, false
}

// Close hangs up; an exchange under way fails.
func (c *loopConn) Close() { c.fail("close", true, net.ErrClosed) }
