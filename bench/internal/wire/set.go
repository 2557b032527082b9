package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bench/internal/payload"
)

// Set is connections to one bridge, numbered from 0. One goroutine at a time uses it.
type Set struct {
	epoll  int
	conns  []conn
	dirty  []int // connections with something to send
	buffer []byte
	events []unix.EpollEvent
}

type conn struct {
	fd  int
	out []byte // frames not sent yet
	cut []byte // the beginning of a frame whose rest has not come
}

// patience bounds every wait for the bridge that is not a measurement.
const patience = 5 * time.Second

// Dial makes n connections and exchanges hellos on each. The error wraps
// unix.EMFILE when the process may not have so many.
func Dial(path string, n int) (*Set, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	s := &Set{epoll: epoll, buffer: make([]byte, 256<<10), events: make([]unix.EpollEvent, 256)}
	if err := s.Grow(path, n); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Grow makes more connections, until there are n.
func (s *Set) Grow(path string, n int) error {
	for len(s.conns) < n {
		if err := s.dial(path); err != nil {
			return fmt.Errorf("wire: connection %d: %w", len(s.conns)+1, err)
		}
	}
	return nil
}

// Len is the number of connections.
func (s *Set) Len() int { return len(s.conns) }

// Close ends all connections.
func (s *Set) Close() {
	for i := range s.conns {
		_ = unix.Close(s.conns[i].fd)
	}
	_ = unix.Close(s.epoll)
}

func (s *Set) dial(path string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	err = connect(fd, path)
	if err == nil {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(s.conns))}
		err = unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &event)
	}
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	s.conns = append(s.conns, conn{fd: fd})
	return nil
}

func connect(fd int, path string) error {
	// Reads and writes that wait do so for the hello and, if ever, for a bridge that
	// does not read: both must end.
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &limit); err != nil {
			return err
		}
	}
	if err := again(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: path}) }); err != nil {
		return err
	}
	if err := send(fd, payload.Hello()); err != nil {
		return err
	}
	var hello [512]byte
	for have := 0; ; {
		var n int
		err := again(func() (err error) {
			n, err = unix.Read(fd, hello[have:])
			return err
		})
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("hello: %w", err)
		}
		if have += n; have >= 4 && have == 4+int(binary.BigEndian.Uint32(hello[:])) {
			return nil
		}
	}
}

// Queue gives the storage of what connection i has to send, for frames to be appended
// to, and Queued puts it back. Nothing is sent before Flush.
func (s *Set) Queue(i int) []byte { return s.conns[i].out }

// Queued is the other half of Queue.
func (s *Set) Queued(i int, b []byte) {
	if len(s.conns[i].out) == 0 {
		s.dirty = append(s.dirty, i)
	}
	s.conns[i].out = b
}

// Flush sends what is queued, with one write for each connection.
func (s *Set) Flush() error {
	for _, i := range s.dirty {
		c := &s.conns[i]
		if err := send(c.fd, c.out); err != nil {
			return fmt.Errorf("wire: write: %w", err)
		}
		c.out = c.out[:0]
	}
	s.dirty = s.dirty[:0]
	return nil
}

// Poll waits until something has come, at most for so many milliseconds (0: not at
// all), and hands out the replies that did.
func (s *Set) Poll(milliseconds int, each func(conn int, r Reply)) error {
	n, err := ready(s.epoll, s.events, milliseconds)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wire: epoll: %w", err)
	}
	for _, e := range s.events[:n] {
		if err := s.read(int(e.Fd), each); err != nil {
			return err
		}
	}
	return nil
}

// read takes what one connection has; a second read to see that there is no more is
// left to the next Poll.
func (s *Set) read(i int, each func(int, Reply)) error {
	c := &s.conns[i]
	have := copy(s.buffer, c.cut)
	n, err := receive(c.fd, s.buffer[have:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("wire: read: %w", err)
	case n == 0:
		return fmt.Errorf("wire: the bridge closed connection %d", i)
	}
	b := s.buffer[:have+n]
	for len(b) >= 4 {
		end := 4 + int(binary.BigEndian.Uint32(b))
		if end > len(b) {
			break
		}
		r, err := parse(b[4:end])
		if err != nil {
			return err
		}
		each(i, r)
		b = b[end:]
	}
	c.cut = append(c.cut[:0], b...)
	return nil
}
