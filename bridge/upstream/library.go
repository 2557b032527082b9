package upstream

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// libraryConn is the same over net/http: a goroutine an exchange.
type libraryConn struct {
	loop   *eventloop.Loop
	client *http.Client
	base   string
	x      *Exchange
	cancel context.CancelFunc
	body   bytes.Buffer
	closed bool
}

func newLibraryConn(loop *eventloop.Loop, t Target) *libraryConn {
	var dialer net.Dialer
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, t.network, t.address)
		},
		MaxConnsPerHost:        1,
		MaxResponseHeaderBytes: MaxHead,
		DisableCompression:     true,
		IdleConnTimeout:        time.Minute,
	}
	scheme := "http://"
	if t.tls {
		scheme = "https://"
	}
	return &libraryConn{
		loop: loop,
		base: scheme + t.host,
		client: &http.Client{
			Transport: transport,
			// A redirect would take the questions to somebody who was not configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Do runs the exchange on a goroutine and posts its end to the loop.
func (c *libraryConn) Do(x *Exchange) {
	if c.x != nil {
		panic("upstream: Do while an exchange is under way")
	}
	c.x, c.closed = x, false
	ctx, cancel := context.WithTimeout(context.Background(), x.Timeout)
	c.cancel = cancel
	body := bytes.Clone(x.Body)
	method, path, contentType, trace := cmp.Or(x.Method, http.MethodPost), x.Path, x.ContentType, x.Traceparent
	go func() {
		status, answerType, err := c.exchange(ctx, method, path, contentType, trace, body)
		c.loop.Post(func() { c.finish(status, answerType, err) })
	}()
}

func (c *libraryConn) exchange(ctx context.Context, method, path, contentType, trace string, body []byte) (int, string, error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", &Error{Op: "dial", Err: err}
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if trace != "" {
		req.Header.Set("Traceparent", trace)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		// Once there is a connection some of the call may have left.
		return 0, "", &Error{Op: operation(err), Sent: connected.Load(), Err: err}
	}
	defer resp.Body.Close()
	c.body.Reset()
	n, err := c.body.ReadFrom(io.LimitReader(resp.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return 0, "", &Error{Op: operation(err), Sent: true, Err: err}
	case n > MaxAnswer:
		return 0, "", &Error{Op: "answer", Sent: true, Err: fmt.Errorf("more than %d bytes", MaxAnswer)}
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), nil
}

// operation tells from net/http's error how far the call got.
func operation(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	if errors.Is(err, context.Canceled) {
		return "close"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "dial"
	}
	return "read"
}

func (c *libraryConn) finish(status int, answerType string, err error) {
	c.cancel()
	if c.closed {
		c.client.CloseIdleConnections()
	}
	x := c.x
	c.x = nil
	x.Status, x.AnswerType, x.Err = status, answerType, err
	x.Answer = nil
	if err == nil {
		x.Answer = c.body.Bytes()
	}
	x.Done(x)
	if c.x == nil && c.body.Cap() > keptBytes {
		c.body = bytes.Buffer{}
	}
}

// Close makes an exchange under way fail and drops the connection.
func (c *libraryConn) Close() {
	c.closed = true
	if c.x != nil {
		c.cancel()
	}
	c.client.CloseIdleConnections()
}
