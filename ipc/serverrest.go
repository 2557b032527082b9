package ipc

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// rests are the connections of a peer that rests, those first that have waited longest.
// They are not watched, so what their peer sends wakes nobody; it is when the peer has
// earned a turn that they are read, in turn.
type rests struct {
	first, last *serverConn
	n           int
	put         int // how often the turn was put off for somebody who waits
	wake        eventloop.Timer
}

const (
	// restTurn is what a resting peer earns before it is read again: a wake-up of the
	// loop must be worth it.
	restTurn = 60 * time.Microsecond
	// restBatch bounds how many resting connections are looked at in a round.
	restBatch = 64
	// restConns is how many connections of a peer may rest before new ones are refused.
	// Accepting slows down long before that.
	restConns = 1024
	// heavyInFlight is how many questions without an answer a peer may have that is not
	// light, while somebody light is asking: more would be in the way of others on their
	// way through the backend. When there are so many it is looked again after crowdRest.
	heavyInFlight = 32
	crowdRest     = time.Millisecond
	// A turn is put off for so long, so many times, while others wait for answers: so it
	// mostly falls into gaps in which nobody does.
	putOff     = 250 * time.Microsecond
	mostPutOff = 4
)

// crowds reports whether enough questions of a peer that is not light wait for answers.
func (a *Account) crowds() bool {
	return !a.share.light() && a.inFlight >= heavyInFlight
}

// mayRead reports whether the peer may be read now.
func (s *Server) mayRead(a *Account) bool {
	if s.peers < 2 || a.share.of >= 1 {
		return true
	}
	now := s.now()
	a.share.fill(now)
	return a.share.left > 0 && !a.crowds() || !s.lights.beside(a, now)
}

// mayWatch reports whether a peer has rested enough for the loop to tell of it again.
func (s *Server) mayWatch(a *Account) bool {
	return a.share.light() || !s.lights.beside(a, s.now())
}

// rest has the connection wait until its peer has earned a turn.
func (s *Server) rest(c *serverConn) {
	a := c.owner
	s.stats.rests.Add(1)
	a.share.spend(costRead)
	c.resting = true
	a.rests.push(c)
	c.watch()
	s.wakeLater(a)
}

// wakeLater has the peer's turn come when it has earned it, or nobody light is asking
// any more.
func (s *Server) wakeLater(a *Account) {
	w := &a.rests.wake
	if w.Armed() {
		return
	}
	if w.Fire == nil {
		w.Fire = func() { s.wake(a) }
	}
	now := s.now()
	a.share.fill(now)
	in := a.share.earns(restTurn)
	if a.crowds() {
		in = max(in, crowdRest)
	}
	s.loop.ArmIn(w, max(min(in, s.lights.end().Sub(now)), 1))
}

// wake reads resting connections of the peer while it may be. They are read without
// asking the loop whether there is something: to find out so is cheaper than to be told.
// Those with nothing to read are watched again.
func (s *Server) wake(a *Account) {
	r := &a.rests
	switch {
	case s.leaving != nil:
		return
	case s.calls > a.inFlight && r.put < mostPutOff && s.lights.beside(a, s.now()):
		r.put++
		s.loop.ArmIn(&r.wake, putOff)
		return
	}
	r.put = 0
	for range restBatch {
		c := r.first
		if c == nil || !s.mayRead(a) || s.turn(a) <= 0 {
			break
		}
		r.remove(c)
		if c.paused || c.shut { // it is watched when that ends
			continue
		}
		switch got := c.read(); {
		case c.closed:
		case got > 0 && !s.mayWatch(a):
			c.resting = true
			r.push(c)
		default:
			c.watch()
		}
	}
	if r.first != nil {
		s.wakeLater(a)
	}
}

func (r *rests) push(c *serverConn) {
	if c.before = r.last; c.before == nil {
		r.first = c
	} else {
		r.last.after = c
	}
	r.last = c
	r.n++
}

func (r *rests) remove(c *serverConn) {
	if c.before == nil {
		r.first = c.after
	} else {
		c.before.after = c.after
	}
	if c.after == nil {
		r.last = c.before
	} else {
		c.after.before = c.before
	}
	c.before, c.after, c.resting = nil, nil, false
	r.n--
}
