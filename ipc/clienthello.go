package ipc

import (
	"context"
	"time"
)

// handshake sends the hello and reads the server's. What came behind it is
// returned for the reader.
func (c *Client) handshake(ctx context.Context) (unread []byte, err error) {
	deadline := time.Now().Add(c.cfg.Handshake)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	unread, err = c.greet()
	if !stop() {
		return nil, ctx.Err() // the deadline was moved: that is why greet failed, or the reader would
	}
	if err != nil {
		return nil, err
	}
	c.heard.Store(int64(Now()))
	return unread, c.conn.SetDeadline(time.Time{})
}

func (c *Client) greet() (unread []byte, err error) {
	own := hello{versionMin: Version, versionMax: Version, name: c.cfg.Name}
	b, start := beginFrame(nil)
	if _, err := c.conn.Write(endFrame(own.appendClient(b), start)); err != nil {
		// A server that refuses a peer says so and hangs up without reading: what
		// it said is more useful than the broken pipe.
		if why := c.refusal(); why != nil {
			return nil, why
		}
		return nil, err
	}
	payload, unread, err := c.firstFrame()
	if err != nil {
		return nil, err
	}
	return unread, c.parseHello(payload)
}

func (c *Client) refusal() error {
	payload, _, err := c.firstFrame()
	if err != nil {
		return nil
	}
	return c.parseHello(payload)
}

func (c *Client) firstFrame() (payload, unread []byte, err error) {
	buf := make([]byte, 0, 1024)
	for {
		payload, unread, need, err := nextFrame(buf, c.cfg.MaxFrame)
		if err != nil || payload != nil {
			return payload, unread, err
		}
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, max(2*len(buf), min(need, 4096))), buf...)
		}
		n, err := c.conn.Read(buf[len(buf):cap(buf)])
		if buf = buf[:len(buf)+n]; err != nil && n == 0 {
			return nil, nil, err
		}
	}
}

func (c *Client) parseHello(payload []byte) error {
	r := reader{b: payload}
	n, t := r.header()
	switch {
	case r.err != nil:
		return r.err
	case t == msgError:
		var e wireError
		if err := e.parse(&r, n); err != nil {
			return err
		}
		return e.asError()
	case t != msgHello:
		return faultf(FaultSequence, "message %d before hello", t)
	}
	return c.hello.parse(&r, n, true)
}

// asError turns what the peer said into the error that its fault or status is.
func (e *wireError) asError() error {
	if e.fault != "" {
		return &ProtocolError{Kind: e.fault, Text: "said by the peer: " + e.text}
	}
	status := e.status
	if !status.Valid() || status == StatusOK {
		status = StatusInternal
	}
	return &StatusError{Status: status, Text: e.text}
}
