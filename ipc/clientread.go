package ipc

import (
	"errors"
	"io"
	"os"
	"time"
)

const (
	clientReadBuf = 16 << 10
	// keptIn is the most that the read buffer keeps after a large frame.
	keptIn = 256 << 10
)

// readLoop takes frames from the server until the connection is over.
func (c *Client) readLoop(unread []byte) {
	buf := make([]byte, len(unread), max(clientReadBuf, 2*len(unread)))
	copy(buf, unread)
	c.fail(c.readFrames(buf))
}

func (c *Client) readFrames(buf []byte) error {
	timed := false // whether a read deadline is set for a started frame
	for {
		rest, need, err := c.consume(buf)
		if err != nil {
			return err
		}
		// A frame's time runs from its first byte; a byte a second does not extend it.
		if started := len(rest) > 0; started != timed || started && len(rest) < len(buf) {
			if err := c.timeFrame(started); err != nil {
				return err
			}
			timed = started
		}
		buf = makeRoom(buf, rest, need)
		n, err := c.conn.Read(buf[len(buf):cap(buf)])
		if n > 0 {
			c.heard.Store(int64(Now()))
		}
		if buf = buf[:len(buf)+n]; err != nil && n == 0 {
			return c.readError(err)
		}
	}
}

func (c *Client) timeFrame(started bool) error {
	var at time.Time
	if started {
		at = time.Now().Add(c.cfg.FrameIn)
	}
	return c.conn.SetReadDeadline(at)
}

func (c *Client) readError(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return faultf(FaultFrameSlow, "a started frame was not complete after %v", c.cfg.FrameIn)
	case errors.Is(err, io.EOF) && c.leaving:
		return ErrDraining
	}
	return err
}

// makeRoom moves rest, the start of a frame, to the front of a buffer with room
// for more. It grows with the bytes that came, not with what a header announces.
func makeRoom(buf, rest []byte, need int) []byte {
	switch {
	case len(rest) == 0 && cap(buf) > keptIn:
		return make([]byte, 0, clientReadBuf)
	case len(rest) < cap(buf)/2 || need <= cap(buf) && len(rest) < cap(buf):
		return buf[:copy(buf[:cap(buf)], rest)]
	}
	return append(make([]byte, 0, 2*cap(buf)), rest...)
}

// consume handles the whole frames in b and returns the start of the next, with
// the bytes it needs in all, as far as that is known.
func (c *Client) consume(b []byte) (rest []byte, need int, err error) {
	for {
		payload, rest, need, err := nextFrame(b, c.cfg.MaxFrame)
		if err != nil || payload == nil {
			return rest, need, err
		}
		if err := c.message(payload); err != nil {
			return nil, 0, err
		}
		b = rest
	}
}

// message handles one frame's payload. An error ends the connection.
func (c *Client) message(payload []byte) error {
	r := reader{b: payload}
	n, t := r.header()
	if r.err != nil {
		return r.err
	}
	switch t {
	case msgReply:
		return c.reply(&r, n)
	case msgError:
		return c.wireError(&r, n)
	case msgPing:
		token := r.u64("token")
		r.skipRest(n, 2)
		if err := r.end(); err != nil {
			return err
		}
		c.sendPong(token)
		return nil
	case msgPong: // nothing was asked
		r.skipRest(n, 1)
		return r.end()
	case msgGoAway:
		return c.goAway(&r, n)
	case msgHello:
		return faultf(FaultSequence, "a second hello")
	}
	return faultf(FaultUnknown, "message type %d", t)
}

// reply reads the slots into the caller's storage. It does so only while the call
// is its own: a call that was given up gets nothing, its frame is passed over.
func (c *Client) reply(r *reader, n int) error {
	id, slots := r.replyHead(n, c.hello.limits.Batch)
	if r.err != nil {
		return r.err
	}
	call, err := c.land(id)
	if err != nil {
		return err
	}
	if call == nil {
		return c.leaveWhenIdle()
	}
	if err := c.fill(r, n, slots, call); err != nil {
		call.finish(&ConnError{Op: "read", Sent: true, Err: err})
		return err
	}
	call.finish(nil)
	return c.leaveWhenIdle()
}

func (c *Client) fill(r *reader, n, slots int, call *clientCall) error {
	if slots != len(call.replies) {
		return faultf(FaultRange, "%d replies to %d requests", slots, len(call.replies))
	}
	for i := range call.replies {
		p := &call.replies[i]
		r.replySlot(p, &c.models)
		switch asked := call.reqs[i].Kind(); {
		case r.err != nil:
			return r.err
		case !p.Status.Valid():
			p.Status = StatusInternal
		case p.Status != StatusOK:
		case p.Kind != asked:
			return faultf(FaultRange, "a %s prediction for a %s request", p.Kind, asked)
		case p.Source == SourceNone:
			return faultf(FaultRange, "an answer without a source")
		}
	}
	r.skipRest(n, 3)
	return r.end()
}

// wireError is the whole answer to a call, the fault that ends the connection, or
// a notice (PROTOCOL.md, "error").
func (c *Client) wireError(r *reader, n int) error {
	var e wireError
	if err := e.parse(r, n); err != nil {
		return err
	}
	switch {
	case e.id == 0 && e.fault == "":
		c.cfg.OnNotice(e.asError())
		return nil
	case e.id == 0:
		return e.asError()
	}
	call, err := c.land(e.id)
	if err != nil {
		return err
	}
	if call != nil {
		call.finish(e.asError())
	}
	return c.leaveWhenIdle()
}

func (c *Client) sendPong(token uint64) {
	c.mu.Lock()
	if c.err != nil || len(c.out) > c.cfg.MaxQueue {
		c.mu.Unlock()
		return
	}
	b, start := beginFrame(c.out)
	c.enqueue(appendToken(b, msgPong, token), start)
	c.flush()
}

// goAway refuses new calls from now on. Those that waited for a place in flight
// were never sent and are refused too.
func (c *Client) goAway(r *reader, n int) error {
	text := string(r.bytes("text", MaxErrorBytes))
	r.skipRest(n, 2)
	if err := r.end(); err != nil {
		return err
	}
	c.mu.Lock()
	c.draining = true
	for _, call := range c.waiting {
		call.finish(ErrDraining)
	}
	c.waiting = nil
	c.mu.Unlock()
	c.leaving = true
	c.cfg.OnGoAway(text)
	return c.leaveWhenIdle()
}

// leaveWhenIdle ends a draining connection with its last call.
func (c *Client) leaveWhenIdle() error {
	if !c.leaving {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.free) == len(c.flights) {
		return ErrDraining
	}
	return nil
}
