package ipc

import (
	"context"
	"errors"

	"github.com/mlbridge/mlbridge/ipc/rawio"
	"golang.org/x/sys/unix"
)

const (
	// directWrites is how often a caller that found others' frames behind its own
	// goes on writing before the flusher takes over: it has a reply to wait for.
	directWrites = 4
	// keptOut is the most storage for frames that is kept between calls.
	keptOut = 64 << 10
)

// flush sees to it that what is queued gets written, and unlocks c.mu, which the
// caller holds. When nobody is writing, the caller does, without ever blocking:
// one write takes all frames there are. Else whoever is writing takes them along.
func (c *Client) flush() {
	if c.writing || len(c.out) == 0 || c.err != nil {
		c.mu.Unlock()
		return
	}
	c.writing = true
	for range directWrites {
		chunk := c.takeOut()
		c.inWrite = true
		c.mu.Unlock()
		n, err := c.tryWrite(chunk)
		c.mu.Lock()
		if err = c.wrote(n, err); err != nil {
			c.mu.Unlock()
			c.writeFailed(err) // writing stays set: nobody can write any more
			return
		}
		if n < len(chunk) {
			c.rest = chunk[n:]
			c.mu.Unlock()
			c.kick <- struct{}{} // has room: only who is writing kicks
			return
		}
		c.giveBack(chunk)
		if len(c.out) == 0 {
			c.writing = false
			c.mu.Unlock()
			return
		}
	}
	c.rest = c.takeOut()
	c.mu.Unlock()
	c.kick <- struct{}{}
}

// enqueue adds the frame that starts at start of b, which is c.out and more, to what
// is to be written. c.mu is held.
func (c *Client) enqueue(b []byte, start int) {
	c.out = endFrame(b, start)
	c.queued += uint64(len(b) - start)
}

// wrote notes what a write came to. When the connection ended meanwhile it ends the
// calls that were left to it, and gives the reason. c.mu is held.
func (c *Client) wrote(n int, err error) error {
	c.inWrite = false
	c.taken += uint64(n)
	if c.err != nil {
		c.endFlights()
		return c.err
	}
	return err
}

// writeFailed ends the connection, unless all it says is that the server reads no
// more: its last replies and its goaway may still lie here unread. The reader takes
// them and meets the end behind them.
func (c *Client) writeFailed(err error) {
	if !errors.Is(err, unix.EPIPE) {
		c.fail(err)
	}
}

// takeOut takes the queued frames. c.mu is held, and the caller is writing.
func (c *Client) takeOut() []byte {
	chunk := c.out
	c.out, c.spare, c.convoy.since = c.spare[:0], nil, 0
	return chunk
}

// giveBack returns the storage of what has been written.
func (c *Client) giveBack(chunk []byte) {
	if cap(chunk) <= keptOut {
		c.spare = chunk[:0]
	}
}

// tryWrite writes what the socket takes at once. A connection without a
// descriptor takes nothing: the flusher writes all of it.
func (c *Client) tryWrite(b []byte) (int, error) {
	if c.raw == nil {
		return 0, nil
	}
	return c.rawTurn.write(c, b)
}

// rawWrite is one non-blocking write through the descriptor. The function value is
// made once, since a closure a call would be an allocation a call.
type rawWrite struct {
	b   []byte
	n   int
	err error
	do  func(fd uintptr) bool
}

func (w *rawWrite) bind() {
	w.do = func(fd uintptr) bool {
		for {
			w.n, w.err = rawio.Write(int(fd), w.b)
			if w.err != unix.EINTR {
				return true // also with EAGAIN: this must not wait
			}
		}
	}
}

func (w *rawWrite) write(c *Client, b []byte) (int, error) {
	w.b = b
	err := c.raw.Write(w.do)
	w.b = nil
	switch {
	case err != nil:
		return 0, err // the connection is closed
	case w.err == unix.EAGAIN:
		return 0, nil
	}
	return w.n, w.err
}

// flushLoop writes what the callers could not.
func (c *Client) flushLoop() {
	for {
		select {
		case <-c.done:
			return
		case <-c.kick:
		}
		c.mu.Lock()
		chunk := c.rest
		c.rest = nil
		for c.err == nil {
			c.inWrite = true
			c.mu.Unlock()
			n, err := c.conn.Write(chunk)
			c.mu.Lock()
			if err = c.wrote(n, err); err != nil {
				c.mu.Unlock()
				c.writeFailed(err)
				return
			}
			c.giveBack(chunk)
			if len(c.out) == 0 {
				c.writing = false
				break
			}
			chunk = c.takeOut()
		}
		c.mu.Unlock()
	}
}

// Outcomes implements Predictor. It queues the outcomes and returns: nothing
// tells whether they arrived. Invalid ones are refused all together, before
// anything is sent.
func (c *Client) Outcomes(ctx context.Context, outcomes []Outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range outcomes {
		if err := checkOutcome(&outcomes[i]); err != nil {
			return err
		}
	}
	for len(outcomes) > 0 {
		n := min(len(outcomes), c.hello.limits.Batch)
		if err := c.queueOutcomes(outcomes[:n]); err != nil {
			return err
		}
		outcomes = outcomes[n:]
	}
	return nil
}

func checkOutcome(o *Outcome) error {
	if n := len(o.Subject.Component); o.Actual.Kind == Failure && (n < 1 || n > MaxComponentBytes) {
		return invalidf("component: %d bytes, want 1-%d", n, MaxComponentBytes)
	}
	return o.Actual.Validate()
}

func (c *Client) queueOutcomes(outcomes []Outcome) error {
	c.mu.Lock()
	switch {
	case c.err != nil:
		defer c.mu.Unlock()
		return &ConnError{Op: "write", Err: c.err}
	case len(c.out) > c.cfg.MaxQueue:
		c.mu.Unlock()
		return &StatusError{Status: StatusOverloaded, Text: "the server does not read what it is sent"}
	}
	b, start := beginFrame(c.out)
	c.enqueue(appendOutcomes(b, outcomes), start)
	c.flush()
	return nil
}
