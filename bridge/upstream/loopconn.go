package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
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
	generation int // counts exchanges, so that a late resolver knows it is late
}

const readSize = 64 << 10

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
	b := append(c.out[:0], "POST "...)
	b = append(b, x.Path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.target.host...)
	b = append(b, "\r\nContent-Type: "...)
	b = append(b, x.ContentType...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(x.Body)), 10)
	b = append(b, "\r\n\r\n"...)
	c.out = append(b, x.Body...)
	c.written = 0
}

// connect opens the socket. Names other than literal addresses and localhost are
// resolved off the loop, which must never wait for a name server.
func (c *loopConn) connect() {
	if c.target.network == "unix" {
		c.open(&unix.SockaddrUnix{Name: c.target.address}, unix.AF_UNIX)
		return
	}
	host, port, _ := net.SplitHostPort(c.target.address)
	if host == "localhost" {
		host = "127.0.0.1"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		c.fail("dial", false, err)
		return
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		c.openIP(ip, int(number))
		return
	}
	generation, timeout := c.generation, c.x.Timeout
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		c.loop.Post(func() {
			switch {
			case c.x == nil || c.generation != generation:
			case err != nil:
				c.fail("dial", false, err)
			default:
				c.openIP(ips[0].Unmap(), int(number))
			}
		})
	}()
}

func (c *loopConn) openIP(ip netip.Addr, port int) {
	if ip.Is4() {
		c.open(&unix.SockaddrInet4{Port: port, Addr: ip.As4()}, unix.AF_INET)
		return
	}
	c.open(&unix.SockaddrInet6{Port: port, Addr: ip.As16()}, unix.AF_INET6)
}

func (c *loopConn) open(addr unix.Sockaddr, family int) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.fail("dial", false, err)
		return
	}
	if family != unix.AF_UNIX {
		// One write is one call: waiting to fill a segment would only add latency.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	err = unix.Connect(fd, addr)
	switch {
	case err == nil:
	case errors.Is(err, unix.EINPROGRESS):
		c.connecting = true
	default:
		unix.Close(fd)
		c.fail("dial", false, err)
		return
	}
	interest := eventloop.Readable
	if c.connecting {
		interest = eventloop.Writable
	}
	if err := c.loop.Watch(fd, interest, c); err != nil {
		unix.Close(fd)
		c.connecting = false
		c.fail("dial", false, err)
		return
	}
	c.fd = fd
	if !c.connecting {
		c.write()
	}
}

// Ready goes on with whatever the socket was waited for.
func (c *loopConn) Ready(readable, writable bool) {
	if c.connecting {
		c.connected()
		return
	}
	if writable && c.x != nil && c.written < len(c.out) {
		c.write()
	}
	if readable && c.fd >= 0 {
		c.read()
	}
}

func (c *loopConn) connected() {
	c.connecting = false
	if code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || code != 0 {
		c.fail("dial", false, unix.Errno(code))
		return
	}
	c.write()
}

func (c *loopConn) write() {
	n, err := unix.Write(c.fd, c.out[c.written:])
	c.written += max(n, 0)
	interest := eventloop.Readable
	switch {
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
	n, err := unix.Read(c.fd, c.in[len(c.in):cap(c.in)])
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
}

// fail hangs up and ends the exchange, if there is one.
func (c *loopConn) fail(op string, sent bool, err error) {
	c.hangUp()
	if c.x == nil {
		return
	}
	x := c.x
	c.x = nil
	c.loop.Disarm(&c.timeout)
	x.Status, x.Answer, x.Err = 0, nil, &Error{Op: op, Sent: sent && c.written > 0, Err: err}
	x.Done(x)
}

func (c *loopConn) hangUp() {
	if c.fd < 0 {
		return
	}
	c.loop.Unwatch(c.fd)
	unix.Close(c.fd)
	c.fd, c.connecting = -1, false
	if cap(c.in) > readSize {
		c.in = nil
	}
}

// Close hangs up; an exchange under way fails.
func (c *loopConn) Close() { c.fail("close", true, net.ErrClosed) }
