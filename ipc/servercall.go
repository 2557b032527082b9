package ipc

// pendingCall is one predict message on its way: its calls are answered in any
// order and leave as one reply when the last is done.
type pendingCall struct {
	conn  *serverConn
	id    uint64
	open  int // calls not yet finished
	calls []*Call
}

// predict reads a predict message and passes its slots to the backend. A slot that
// asks something impossible is answered at once and the others go on.
func (c *serverConn) predict(r *reader, n int) error {
	s := c.server
	h := r.predictHead(n, &s.cfg.Limits)
	if r.err != nil {
		return r.err
	}
	arrived := Instant(s.loop.Time())
	if status, text := c.refusal(&h, arrived); status != StatusOK {
		for range h.slots {
			r.skip(1)
		}
		r.predictTail(n)
		if r.err != nil {
			return r.err
		}
		c.tapped(r.b)
		if c.gone {
			s.stats.orphaned.Add(uint64(h.slots))
			return nil
		}
		s.stats.callsRefused.Add(1)
		start := len(c.out)
		c.send((&wireError{id: h.id, status: status, text: text}).append)
		c.tapOut(start)
		return nil
	}
	s.asks(c.owner, h.slots, arrived)
	p := s.freePending.Get()
	p.conn, p.id, p.open = c, h.id, h.slots
	c.inFlight++
	c.owner.inFlight += h.slots
	s.calls += h.slots
	deadline := arrived.Add(s.cfg.Limits.timeLeft(h.budget))
	for range h.slots {
		call := s.freeCalls.Get()
		p.calls = append(p.calls, call)
		call.owner, call.Arrived, call.Deadline, call.Account = p, arrived, deadline, c.owner
		var err error
		call.Request, err = r.slot(&call.store)
		if r.err != nil {
			s.abandon(p)
			return r.err
		}
		call.Reply = Reply{}
		if err != nil {
			call.Request = nil
			call.Reply = Refusal(err)
		}
	}
	opts := r.predictTail(n)
	if r.err != nil {
		s.abandon(p)
		return r.err
	}
	c.tapped(r.b)
	s.submit(p, opts)
	return nil
}

// refusal says why the call cannot be taken at all.
func (c *serverConn) refusal(h *predictHead, now Instant) (Status, string) {
	s := c.server
	switch {
	case c.gone:
		return StatusUnavailable, "nobody takes the answer"
	case s.draining:
		return StatusUnavailable, "draining: connect again for new calls"
	case c.inFlight >= s.cfg.Limits.InFlight:
		return StatusOverloaded, "more calls in flight than the hello allows"
	case s.calls+h.slots > s.cfg.MaxCalls:
		return StatusOverloaded, "the bridge is answering as many calls as it can"
	}
	if why := c.owner.take(h.slots, now); why != "" {
		s.stats.overQuota.Add(1)
		return StatusOverloaded, why
	}
	return StatusOK, ""
}

// submit queues the slots for the backend and finishes those that failed already.
func (s *Server) submit(p *pendingCall, opts Options) {
	s.stats.messages.Add(1)
	s.stats.slots.Add(uint64(len(p.calls)))
	failed := 0
	for _, call := range p.calls {
		call.RequireModel, call.Class, call.Trace = opts.RequireModel, p.conn.owner.class(opts.Class), opts.Trace
		if call.Request == nil {
			failed++
			continue
		}
		s.arrived = append(s.arrived, call)
	}
	if p.open -= failed; failed > 0 {
		s.stats.slotsInvalid.Add(uint64(failed))
		if p.open == 0 {
			p.reply()
		}
	}
}

// abandon gives back a message whose bytes turned out to be broken half-way.
func (s *Server) abandon(p *pendingCall) {
	p.conn.inFlight--
	s.answered(p.conn.owner, p.open)
	s.calls -= p.open
	s.recycle(p)
}

// CallDone counts down; the last call sends the reply.
func (p *pendingCall) CallDone(*Call) {
	p.open--
	if p.open == 0 {
		p.reply()
	}
}

func (p *pendingCall) reply() {
	c, s := p.conn, p.conn.server
	s.calls -= len(p.calls)
	c.inFlight--
	if s.peers > 1 && c.owner.light() && c.owner.Peer.PID != own {
		s.lights.asked(c.owner, s.now())
	}
	s.answered(c.owner, len(p.calls))
	if c.closed || c.broken || c.gone { // nothing follows the error that ends a connection
		s.stats.orphaned.Add(uint64(len(p.calls)))
	} else {
		b, start := beginFrame(c.outBuffer())
		b = appendReplyHead(b, p.id, len(p.calls))
		for _, call := range p.calls {
			b = appendReplySlot(b, &call.Reply)
		}
		c.out = endFrame(b, start)
		c.tapOut(start)
		c.queueFlush()
	}
	s.recycle(p)
}

func (s *Server) recycle(p *pendingCall) {
	for i, call := range p.calls {
		call.owner, call.Request, call.Account = nil, nil, nil
		s.freeCalls.Put(call)
		p.calls[i] = nil
	}
	p.calls = p.calls[:0]
	p.conn = nil
	s.freePending.Put(p)
}
