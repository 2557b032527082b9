package httploop

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// flush writes the answers gathered so far. It reports whether the socket took them
// all; if not the connection waits for that, or was closed.
func (c *conn) flush(now int64) bool {
	r := &c.lane.reply
	if len(r.out) == 0 {
		return len(c.out) == 0
	}
	n, err := rawio.Write(c.fd, r.out)
	rest := r.out[max(n, 0):]
	r.out = r.out[:0]
	switch {
	case len(rest) == 0:
		return true
	case broken(err):
		c.close()
		return false
	}
	c.out = append(c.out[:0], rest...)
	c.expect(now + int64(c.lane.limits.Write))
	c.watch(eventloop.Writable)
	return false
}

// resume goes on writing. When all is taken, so does reading.
func (c *conn) resume() {
	n, err := rawio.Write(c.fd, c.out)
	c.out = c.out[max(n, 0):]
	switch {
	case broken(err):
		c.close()
		return
	case len(c.out) > 0:
		return
	}
	c.out = nil
	if c.ending {
		c.close()
		return
	}
	if c.watch(eventloop.Readable); c.closed {
		return
	}
	if c.lane.released {
		c.leave(c.in)
		return
	}
	c.consume(c.in)
}

func (c *conn) watch(what eventloop.Interest) {
	if err := c.lane.loop.Change(c.fd, what); err != nil {
		c.close()
	}
}

// broken reports whether a write can never succeed.
func broken(err error) bool {
	return err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
}
