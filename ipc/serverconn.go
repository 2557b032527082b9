package ipc

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// serverConn is one peer's connection: frames in, replies out.
//
// It is ready for the handshake, then open, then either broken (its peer broke the
// protocol: what is queued is still written, nothing more is read) or closed.
type serverConn struct {
	server *Server
	fd     int
	owner  *Account
	number uint64 // in the order of acceptance, from 1

	in       partial // the start of a frame that has not arrived whole
	out      []byte  // replies not yet written
	written  int     // how much of out is
	inFlight int     // predict messages without a reply
	told     *Limits // what the peer's hello announced, where that is not the server's own
	overdue  error   // what is wrong with a frame that is late; nil for nothing

	greeted bool // hello came
	dirty   bool // in server.dirty
	watched bool // by the loop
	late    bool // its frame has been given time once more
	later   bool // in server.later
	paused  bool // not read: its replies pile up
	held    int  // this connection's part of server.held
	broken  bool
	gone    bool // its peer takes nothing more, or was hung up on: read to the end, then closed
	shut    bool // shut for reading, at the end of a drain
	closed  bool

	frameLate eventloop.Timer // a started frame must be complete by then
	stuck     eventloop.Timer // some of out must have been taken by then

	resting       *restQueue  // of its owner's rests: not read for now; nil: it does not rest
	before, after *serverConn // in it
}

// newConn makes a connection, of one that has ended where there is one.
func (s *Server) newConn(fd int, a *Account) *serverConn {
	c := s.freeConns.Get()
	if c.server == nil {
		c.server = s
		c.frameLate.Fire = c.onFrameLate
		c.stuck.Fire = c.onStuck
	}
	c.fd, c.owner = fd, a
	return c
}

// Ready reads and answers, and goes on writing where the peer was slow.
func (c *serverConn) Ready(readable, writable bool) {
	if writable && len(c.out) > 0 {
		c.flush()
	}
	if c.closed || c.paused || c.shut {
		return
	}
	s := c.server
	switch {
	case c.resting == &c.owner.rests.untaken:
		if readable || !c.untaken() { // it has hung up, or taken some
			s.takesAgain(c)
		}
	case !readable || c.resting != nil:
	case !s.mayRead(c.owner) || s.aside(c.owner):
		s.rest(c)
	default:
		c.read()
	}
}

// read takes what one read gives, and gives how much that was. A peer that sends more is
// asked again in the next round, after the others have had their turn.
func (c *serverConn) read() int {
	s := c.server
	turn := s.turn(c.owner)
	if turn <= 0 {
		return 0 // it stays readable, and the next round comes soon
	}
	buf := s.readBuf[:turn]
	var began Instant
	shared, frames := s.peers > 1, s.frames
	if shared {
		began = s.clock()
	}
	n, err := rawio.Read(c.fd, buf)
	n = max(n, 0)
	var took time.Duration
	if shared {
		took = s.since(began)
	}
	switch {
	case n > 0:
		s.stats.bytesIn.Add(uint64(n))
		if !c.broken { // else it is read only to see the peer hang up
			c.consume(buf[:n])
		}
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
	default: // 0 bytes: the peer hung up; its calls in flight are answered to nobody
		c.close()
	}
	switch {
	case shared && c.gone: // to nobody's use, but for outcomes: all of it counts, as in vain
		c.owner.chargeRead(n, s.since(began), 0)
	case shared:
		c.owner.chargeRead(n, took, int(s.frames-frames))
	}
	return n
}

// consume handles the frames that data completes and keeps the rest.
func (c *serverConn) consume(data []byte) {
	if c.in.n > 0 {
		payload, rest, err := c.in.complete(c.server, data)
		if err == nil && payload != nil {
			err = c.message(payload)
		}
		switch {
		case err != nil:
			c.fault(err)
			return
		case payload == nil:
			c.account()
			return
		}
		c.in.clear(c.server)
		data = rest
	}
	for !c.closed && !c.broken {
		payload, rest, need, err := nextFrame(data, c.server.cfg.Limits.Frame)
		if err == nil && payload != nil {
			err = c.message(payload)
		}
		switch {
		case err != nil:
			c.fault(err)
			return
		case payload == nil:
			c.keep(rest, need)
			return
		}
		data = rest
	}
}

// keep stores the start of a frame until the rest of it comes, and gives it a time to
// come by. That runs from the frame's first byte: a byte a second does not extend it.
func (c *serverConn) keep(start []byte, need int) {
	if len(start) == 0 {
		c.server.loop.Disarm(&c.frameLate)
	} else {
		c.in.need = need
		c.in.add(c.server, start)
		c.late = false
		if !c.gone {
			c.server.loop.ArmIn(&c.frameLate, c.server.cfg.Limits.FrameIn)
		}
	}
	c.account()
}

// account keeps the sum of what all connections hold under its bound. The one
// that would go over it is closed; those that hold little never are.
func (c *serverConn) account() {
	if c.closed {
		return
	}
	held := c.in.held() + cap(c.out)
	c.server.held += held - c.held
	c.held = held
	if c.server.held > c.server.cfg.MaxHeld && held > keptBuffer && !c.broken {
		c.fault(&StatusError{Status: StatusOverloaded, Text: "all connections together hold too many bytes"})
	}
}

// onFrameLate gives a frame time once more whose peer rests: it may have sent it whole.
func (c *serverConn) onFrameLate() {
	if c.resting != nil && !c.late {
		c.late = true
		c.server.loop.ArmIn(&c.frameLate, c.server.cfg.Limits.FrameIn)
		return
	}
	err := faultf(FaultFrameSlow, "a started frame was not complete after %v", c.server.cfg.Limits.FrameIn)
	if c.server.aside(c.owner) { // many may be late at a time
		c.overdue = err
		c.server.putOff(c)
		return
	}
	c.fault(err)
}

// message handles one frame's payload.
func (c *serverConn) message(payload []byte) error {
	c.server.frames++
	r := reader{b: payload, names: &c.server.names}
	n, t := r.header()
	if r.err != nil {
		return r.err
	}
	if !c.greeted && t != msgHello {
		return faultf(FaultSequence, "message %d before hello", t)
	}
	switch t {
	case msgHello:
		return c.hello(&r, n)
	case msgPredict:
		return c.predict(&r, n)
	case msgOutcome:
		return c.outcome(&r, n)
	case msgPing:
		token := r.token(n)
		if r.err != nil {
			return r.err
		}
		c.send(func(b []byte) []byte { return appendToken(b, msgPong, token) })
		return nil
	case msgPong, msgGoAway: // nothing was asked; nothing is to be done
		r.skipRest(n, 1)
		return r.end()
	}
	return faultf(FaultUnknown, "message type %d", t)
}

func (c *serverConn) hello(r *reader, n int) error {
	if c.greeted {
		return faultf(FaultSequence, "a second hello")
	}
	var h hello
	if err := h.parse(r, n, false); err != nil {
		return err
	}
	c.greeted = true
	own := hello{versionMin: Version, versionMax: Version, name: c.server.cfg.Name, limits: c.server.cfg.Limits}
	if c.owner.narrows(&own.limits) {
		c.told = &own.limits
	}
	c.send(own.appendServer)
	if c.server.draining {
		c.sendGoAway()
	}
	return nil
}

func (c *serverConn) outcome(r *reader, n int) error {
	s := c.server
	var refused error
	s.outcomes, refused = r.outcomes(s.outcomes, n, &s.cfg.Limits)
	if r.err != nil {
		return r.err
	}
	c.tapped(r.b)
	s.stats.outcomes.Add(uint64(len(s.outcomes)))
	if len(s.outcomes) > 0 {
		s.backend.Observe(s.outcomes)
	}
	if e, ok := refused.(*StatusError); ok {
		s.stats.outcomesRefused.Add(1)
		c.send((&wireError{status: e.Status, text: "outcome left out: " + e.Text}).append)
	}
	return nil
}

// timeLeft is the budget that counts for a call that named asked.
func (l *Limits) timeLeft(asked time.Duration) time.Duration {
	if asked <= 0 {
		return l.Budget
	}
	return min(asked, l.MaxBudget)
}
