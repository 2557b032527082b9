package ipc

import "time"

// flight is a place in the table of calls in flight. A call that was given up
// leaves its place empty but not free: the server still works on it, and its id
// counts towards the bound until the reply has come.
type flight struct {
	id   uint64 // of the latest call: the place in the low bits, a count above
	busy bool   // the server has not answered id
	from uint64 // where its frame begins among all bytes of the connection
	call *clientCall
}

// flightStep is added to a flight's id for every call.
const flightStep = maxClientInFlight

// start puts call, which has so much time left, into a free place and its frame into
// the queue. c.mu is held.
func (c *Client) start(call *clientCall, left time.Duration) error {
	f := &c.flights[c.free[len(c.free)-1]]
	id := f.id + flightStep
	b, start := beginFrame(c.out)
	opts := Options{Budget: c.told(left), RequireModel: call.requireModel, Class: call.class, Trace: call.trace}
	b = appendPredict(b, id, opts, call.reqs)
	if n := len(b) - start - frameHeader; n > c.hello.limits.Frame {
		return invalidf("the requests need a frame of %d bytes, the server takes at most %d", n, c.hello.limits.Frame)
	}
	f.from = c.queued
	c.enqueue(b, start)
	c.free = c.free[:len(c.free)-1]
	f.id, f.busy, f.call = id, true, call
	call.flight = f
	return nil
}

// told is the budget that the server is given when left is what the caller has:
// the answer must travel back. It is never 0, which would ask for the default.
func (c *Client) told(left time.Duration) time.Duration {
	return max(left-min(c.cfg.Margin, left/4), 1)
}

// giveUp takes call from its place, or from the queue, if nobody else has.
func (c *Client) giveUp(call *clientCall) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := call.flight; f != nil {
		if f.call != call {
			return false
		}
		f.call = nil
		return true
	}
	for i, w := range c.waiting {
		if w == call {
			c.waiting = append(c.waiting[:i], c.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// land frees the place of id, whose reply has come, and lets the longest waiting
// call have it; queued says that this left a frame to be written. It returns the
// call, nil when that was given up. A place that awaits no such id means that the
// server lies.
func (c *Client) land(id uint64) (call *clientCall, queued bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place := id % flightStep
	if place >= uint64(len(c.flights)) || c.flights[place].id != id || !c.flights[place].busy {
		return nil, false, faultf(FaultSequence, "an answer to call %d, which is not in flight", id)
	}
	f := &c.flights[place]
	call = f.call
	f.call, f.busy = nil, false
	c.free = append(c.free, uint32(place))
	for len(c.waiting) > 0 && len(c.free) > 0 && c.err == nil && !c.draining {
		next := c.waiting[0]
		c.waiting = append(c.waiting[:0], c.waiting[1:]...)
		if err := c.start(next, next.deadline.Sub(Now())); err != nil {
			next.finish(err)
			continue
		}
		queued = true
	}
	return call, queued, nil
}
