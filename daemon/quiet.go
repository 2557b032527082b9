package daemon

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// quietConn reads and writes a connection with system calls that Go's scheduler
// does not hear of: they cannot block, waiting is left to the netpoller as ever. A
// call that the scheduler hears of wakes the runtime's monitor thread when the
// process was idle, which at a thousand requests a second costs more than the
// request (see package eventloop, which has the same reason and the numbers).
//
// One goroutine at a time may read, and one write, as fasthttp does.
type quietConn struct {
	net.Conn
	raw     syscall.RawConn
	in, out transfer
}

// transfer is one direction: the buffer of the call under way and its result.
type transfer struct {
	p    []byte
	n    int
	err  error
	once func(fd uintptr) bool
}

// quiet makes nc quiet, where it has a descriptor.
func quiet(nc net.Conn) net.Conn {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nc
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nc
	}
	c := &quietConn{Conn: nc, raw: raw}
	c.in.once = c.in.with(eventloop.Read)
	c.out.once = c.out.with(eventloop.Write)
	return c
}

// with gives the step that the netpoller repeats until it says that it is done.
func (t *transfer) with(do func(int, []byte) (int, error)) func(uintptr) bool {
	return func(fd uintptr) bool {
		for {
			t.n, t.err = do(int(fd), t.p)
			if !errors.Is(t.err, unix.EINTR) {
				return !errors.Is(t.err, unix.EAGAIN)
			}
		}
	}
}

// Read reads as net.Conn says.
func (c *quietConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.in.p = p
	err := c.raw.Read(c.in.once)
	c.in.p = nil
	switch {
	case err != nil: // closed, or the deadline passed
		return 0, err
	case c.in.err != nil:
		return 0, &net.OpError{Op: "read", Net: c.LocalAddr().Network(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("read", c.in.err)}
	case c.in.n == 0:
		return 0, io.EOF
	}
	return c.in.n, nil
}

// Write writes as net.Conn says: all of p, or an error.
func (c *quietConn) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		c.out.p = p
		err := c.raw.Write(c.out.once)
		c.out.p = nil
		if err == nil && c.out.err != nil {
			err = &net.OpError{Op: "write", Net: c.LocalAddr().Network(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("write", c.out.err)}
		}
		if err != nil {
			return written, err
		}
		written += c.out.n
		p = p[c.out.n:]
	}
	return written, nil
}

// CloseRead and CloseWrite do what the connection beneath does.
func (c *quietConn) CloseRead() error  { return c.half((halfCloser).CloseRead) }
func (c *quietConn) CloseWrite() error { return c.half((halfCloser).CloseWrite) }

func (c *quietConn) half(shut func(halfCloser) error) error {
	if h, ok := c.Conn.(halfCloser); ok {
		return shut(h)
	}
	return errors.ErrUnsupported
}
