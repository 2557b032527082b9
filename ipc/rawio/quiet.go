package rawio

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// quiet is a net.Conn that sleeps through what does not concern it.
//
// Go's netpoller asks of every descriptor to hear when it can be written, too. On a
// Unix socket that is each time the peer has read something: the process wakes, finds
// that nobody waits to write, and goes back to sleep. In a chain of processes that
// call each other this is one context switch in two. So the netpoller is given, in
// the socket's place, an epoll descriptor that watches the socket for input only.
type quiet struct {
	peer net.Conn // closed; keeps the addresses
	fd   int      // the socket, used only inside gate's callbacks

	filter   *os.File        // an epoll descriptor with fd in it
	gate     syscall.RawConn // of filter: no callback runs once it is closed
	in, out  transfer
	writeNow func(uintptr) // out, as far as the socket takes it at once
	raw      quietRaw

	mu     sync.Mutex // guards the rest
	slow   *os.File   // the socket as the netpoller knows it, once a write had to wait
	until  time.Time  // write deadline, for slow
	closed bool
}

// Quiet gives nc with Read and Write of this package beneath its own, and without
// wake-ups for what the peer reads. It takes nc over. One goroutine at a time may
// read, and one write. Where that cannot be had, for want of descriptors or on a
// connection without any, such as net.Pipe's, it gives Conn(nc).
func Quiet(nc net.Conn) net.Conn {
	c, err := newQuiet(nc)
	if err != nil {
		return Conn(nc)
	}
	// Only the copy is left, which the netpoller does not know.
	_ = nc.Close()
	return c
}

func newQuiet(nc net.Conn) (_ *quiet, err error) {
	c := &quiet{peer: nc}
	if c.fd, err = Detach(nc); err != nil {
		return nil, err
	}
	if err = c.openFilter(); err != nil {
		unix.Close(c.fd)
		return nil, err
	}
	once := c.in.with(Read)
	c.in.once = func(uintptr) bool { return once(uintptr(c.fd)) }
	c.writeNow = func(uintptr) {
		for c.out.err = unix.EINTR; errors.Is(c.out.err, unix.EINTR); {
			c.out.n, c.out.err = Write(c.fd, c.out.p)
		}
	}
	c.raw.bind(c)
	return c, nil
}

func (c *quiet) openFilter() error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	// Only a non-blocking descriptor is given to the netpoller.
	if err := unix.SetNonblock(epoll, true); err != nil {
		unix.Close(epoll)
		return err
	}
	c.filter = os.NewFile(uintptr(epoll), "epoll")
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(c.fd)}
	if err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, c.fd, &ev); err == nil {
		c.gate, err = c.filter.SyscallConn()
	}
	if err != nil {
		c.filter.Close()
	}
	return err
}

// Read reads as net.Conn says.
func (c *quiet) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.in.p = p
	err := c.gate.Read(c.in.once)
	c.in.p = nil
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, c.failed("read", err)
	case err != nil: // the filter was closed; it says so in words of its own
		return 0, c.failed("read", net.ErrClosed)
	case c.in.err != nil:
		return 0, c.failed("read", os.NewSyscallError("read", c.in.err))
	case c.in.n == 0:
		return 0, io.EOF
	}
	return c.in.n, nil
}

// Write writes as net.Conn says: all of p, or an error.
func (c *quiet) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		n, err := c.writeSome(p)
		if errors.Is(err, unix.EAGAIN) {
			n, err = c.writeSlowly(p)
		}
		written += n
		if err != nil {
			return written, c.failed("write", err)
		}
		p = p[n:]
	}
	return written, nil
}

// writeSome writes what the socket takes at once.
func (c *quiet) writeSome(p []byte) (int, error) {
	c.out.p = p
	err := c.gate.Control(c.writeNow)
	c.out.p = nil
	switch {
	case err != nil:
		return 0, net.ErrClosed
	case c.out.err != nil && !errors.Is(c.out.err, unix.EAGAIN):
		return 0, os.NewSyscallError("write", c.out.err)
	}
	return c.out.n, c.out.err
}

// writeSlowly waits for the peer, by way of the netpoller.
func (c *quiet) writeSlowly(p []byte) (int, error) {
	f, err := c.slowly()
	if err != nil {
		return 0, err
	}
	return f.Write(p)
}

func (c *quiet) slowly() (*os.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, net.ErrClosed
	}
	if c.slow == nil {
		fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, os.NewSyscallError("fcntl", err)
		}
		c.slow = os.NewFile(uintptr(fd), "socket")
		if err := c.slow.SetWriteDeadline(c.until); err != nil {
			return nil, err
		}
	}
	return c.slow, nil
}

func (c *quiet) failed(op string, err error) error {
	if errors.Is(err, os.ErrClosed) { // of slow
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Addr: c.RemoteAddr(), Err: err}
}

// Close closes the connection; a Read or Write under way ends with an error.
func (c *quiet) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.failed("close", net.ErrClosed)
	}
	c.closed = true
	if c.slow != nil {
		_ = c.slow.Close()
	}
	_ = c.filter.Close() // returns when no callback runs any more
	return os.NewSyscallError("close", unix.Close(c.fd))
}

// CloseRead ends the input at what has arrived.
func (c *quiet) CloseRead() error { return c.shut(unix.SHUT_RD) }

// CloseWrite tells the peer that nothing follows.
func (c *quiet) CloseWrite() error { return c.shut(unix.SHUT_WR) }

func (c *quiet) shut(how int) (err error) {
	if e := c.gate.Control(func(uintptr) { err = unix.Shutdown(c.fd, how) }); e != nil {
		return e
	}
	return os.NewSyscallError("shutdown", err)
}

// LocalAddr and RemoteAddr are those of the connection taken over.
func (c *quiet) LocalAddr() net.Addr  { return c.peer.LocalAddr() }
func (c *quiet) RemoteAddr() net.Addr { return c.peer.RemoteAddr() }

// SetDeadline, SetReadDeadline and SetWriteDeadline do as net.Conn says.
func (c *quiet) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *quiet) SetReadDeadline(t time.Time) error { return c.filter.SetReadDeadline(t) }

func (c *quiet) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until = t; c.slow != nil {
		return c.slow.SetWriteDeadline(t)
	}
	return nil
}

// SyscallConn gives the socket, with waiting as the connection waits: its Read waits
// for input. Its Write must not wait; Conn.Write does. One goroutine at a time may
// use either.
func (c *quiet) SyscallConn() (syscall.RawConn, error) { return &c.raw, nil }

// quietRaw is the syscall.RawConn of a quiet connection. Its function values are made
// once, since a closure a call would be an allocation a call. What was passed last
// stays: whoever reads next may have begun before the last Read has returned.
type quietRaw struct {
	conn            *quiet
	read, write     func(fd uintptr) bool // of the call under way
	onRead, onWrite func(uintptr) bool
}

func (r *quietRaw) bind(c *quiet) {
	r.conn = c
	r.onRead = func(uintptr) bool { return r.read(uintptr(c.fd)) }
	r.onWrite = func(uintptr) bool { return r.write(uintptr(c.fd)) }
}

func (r *quietRaw) Read(f func(fd uintptr) bool) error {
	r.read = f
	return r.conn.gate.Read(r.onRead)
}

func (r *quietRaw) Write(f func(fd uintptr) bool) error {
	r.write = f
	return r.conn.gate.Write(r.onWrite)
}

func (r *quietRaw) Control(f func(fd uintptr)) error {
	return r.conn.gate.Control(func(uintptr) { f(uintptr(r.conn.fd)) })
}
