package rawio

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// conn is a net.Conn that reads and writes with Read and Write of this package.
type conn struct {
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

// Conn gives nc with Read and Write of this package beneath its own; waiting is left
// to the netpoller as ever, deadlines included. One goroutine at a time may read, and
// one write. A connection without a descriptor, such as net.Pipe's, is given back as
// it is.
func Conn(nc net.Conn) net.Conn {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nc
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nc
	}
	c := &conn{Conn: nc, raw: raw}
	c.in.once = c.in.with(Read)
	c.out.once = c.out.with(Write)
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
func (c *conn) Read(p []byte) (int, error) {
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
func (c *conn) Write(p []byte) (written int, err error) {
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

// SyscallConn gives the descriptor, as the connection beneath does.
func (c *conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

// halfCloser is what TCP and Unix connections can do.
type halfCloser interface {
	CloseRead() error
	CloseWrite() error
}

// CloseRead and CloseWrite do what the connection beneath does.
func (c *conn) CloseRead() error  { return c.half(halfCloser.CloseRead) }
func (c *conn) CloseWrite() error { return c.half(halfCloser.CloseWrite) }

func (c *conn) half(shut func(halfCloser) error) error {
	if h, ok := c.Conn.(halfCloser); ok {
		return shut(h)
	}
	return errors.ErrUnsupported
}
