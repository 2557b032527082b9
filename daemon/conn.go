package daemon

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc/rawio"
	"github.com/valyala/fasthttp"
)

// lingerTime bounds how long a connection with an unread body is kept so that its
// peer can read why it was refused.
const lingerTime = time.Second

// conn is a connection with what draining must know about it. Its plain fields
// belong to the goroutine that serves it.
type conn struct {
	net.Conn
	guard bool      // check the Host header
	ahead []byte    // what was read of it before it came here
	due   time.Time // of the request that ahead begins, zero for as usual

	idle atomic.Bool // between requests, or before the first

	fresh     bool // bytes were read since the last request began
	last      int  // bytes that the last read brought
	pipelines bool // has once sent a request before it had the last answer
	unread    bool // closing must not destroy the answer

	linger time.Duration // how long that is seen to
}

// newConn makes nc one that fasthttp can serve.
func newConn(nc net.Conn, guard bool) *conn {
	c := &conn{Conn: rawio.Conn(nc), guard: guard, fresh: true}
	c.idle.Store(true)
	return c
}

func (c *conn) Read(p []byte) (int, error) {
	c.fresh = true
	if len(c.ahead) > 0 {
		c.last = copy(p, c.ahead)
		c.ahead = c.ahead[c.last:]
		return c.last, nil
	}
	n, err := c.Conn.Read(p)
	c.last = n
	return n, err
}

// SetReadDeadline is what fasthttp calls before each request. The first one's time may
// be running already.
func (c *conn) SetReadDeadline(t time.Time) error {
	if !c.due.IsZero() {
		t, c.due = c.due, time.Time{}
	}
	return c.Conn.SetReadDeadline(t)
}

// mayHaveMore reports whether further requests of the peer may be waiting behind
// the one in ctx, in storage that fasthttp drops when it is told to close.
func (c *conn) mayHaveMore(ctx *fasthttp.RequestCtx) bool {
	h := &ctx.Request.Header
	size := len(h.Method()) + len(h.RequestURI()) + len("  HTTP/1.1\r\n") + len(h.RawHeaders()) + max(h.ContentLength(), 0)
	return c.pipelines || c.last > size
}

// state follows fasthttp's view of the connection.
func state(nc net.Conn, s fasthttp.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	switch s {
	case fasthttp.StateActive:
		c.idle.Store(false)
		// A request that needed no read had arrived together with an earlier one.
		if !c.fresh {
			c.pipelines = true
		}
		c.fresh = false
	case fasthttp.StateIdle:
		c.idle.Store(true)
	}
}

// halfCloser is what TCP and Unix connections can do.
type halfCloser interface {
	CloseRead() error
	CloseWrite() error
}

// stopReading ends the connection's input at what has arrived: that is still read
// and answered, then the connection closes as if the peer had closed it.
func (c *conn) stopReading() {
	if h, ok := c.Conn.(halfCloser); ok {
		_ = h.CloseRead() // an error means that it is closed already
		return
	}
	_ = c.Conn.Close()
}

// Close closes the connection. Where a body was left unread, closing at once would
// make the peer's next write fail, and many clients then never read the answer that
// explains the refusal: so the sending side is closed first and the rest of the body
// read and dropped for a while.
func (c *conn) Close() error {
	if h, ok := c.Conn.(halfCloser); ok && c.unread {
		c.unread = false
		if h.CloseWrite() == nil && c.Conn.SetReadDeadline(time.Now().Add(c.linger)) == nil {
			var sink discarder
			_, _ = io.CopyBuffer(&sink, onlyReader{c.Conn}, make([]byte, 32<<10))
		}
	}
	return c.Conn.Close()
}

// onlyReader and discarder hide the methods with which io.Copy would choose buffers
// of its own.
type onlyReader struct{ io.Reader }

type discarder struct{}

func (*discarder) Write(p []byte) (int, error) { return len(p), nil }
