package ipc

// message handles one frame's payload. An error ends the connection.
func (in *inbox) message(payload []byte) error {
	c := in.c
	r := reader{b: payload}
	n, t := r.header()
	if r.err != nil {
		return r.err
	}
	switch t {
	case msgReply:
		return in.reply(&r, n)
	case msgError:
		return in.wireError(&r, n)
	case msgPing:
		token := r.token(n)
		if r.err != nil {
			return r.err
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
func (in *inbox) reply(r *reader, n int) error {
	c := in.c
	id, slots := r.replyHead(n, c.hello.limits.Batch)
	if r.err != nil {
		return r.err
	}
	call, err := in.land(id)
	if err != nil {
		return err
	}
	if call != nil {
		if err := c.fill(r, n, slots, call); err != nil {
			call.err = &ConnError{Op: "read", Sent: true, Err: err}
			return err
		}
	}
	if !c.replied.Load() {
		c.replied.Store(true)
	}
	return c.leaveWhenIdle()
}

// land takes the call of id out of its flight, and returns it if it is still in time: the
// alarm may not have gone off yet. It is woken when all that came with its reply has been
// handled, whatever that is.
func (in *inbox) land(id uint64) (*clientCall, error) {
	call, queued, err := in.c.land(id)
	in.queued = in.queued || queued
	if call == nil {
		return nil, err
	}
	in.landed = append(in.landed, call)
	if call.deadline < in.now {
		call.err = errExpired
		return nil, err
	}
	return call, err
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
func (in *inbox) wireError(r *reader, n int) error {
	c := in.c
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
	call, err := in.land(e.id)
	if err != nil {
		return err
	}
	if call != nil {
		call.err = e.asError()
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
	text := r.goAway(n)
	if r.err != nil {
		return r.err
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
