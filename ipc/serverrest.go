package ipc

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// rests are the connections of a peer that rests, those first that have waited longest.
// They are not watched, so what their peer sends wakes nobody; it is when the peer has
// earned a turn that they are read, in turn.
//
// That is looked at when a round ends that took place anyway, for those who are light.
// Only where there is none for long a timer brings one about: on a virtual machine to set
// one and to be woken by it takes longer than most turns.
type rests struct {
	first, last *serverConn
	n           int
	listed      bool    // in server.resters
	due         Instant // when its turn was first put off for somebody who waits; 0: it was not
	wake        eventloop.Timer
}

const (
	// restTurn is what a resting peer earns before it is read again.
	restTurn = 60 * time.Microsecond
	// restMost is after how long a round is brought about.
	restMost = 4 * time.Millisecond
	// restBatch bounds how many resting connections are looked at in a round.
	restBatch = 64
	// restConns is how many connections of a peer may rest before new ones are refused.
	// Accepting slows down long before that.
	restConns = 1024
	// heavyInFlight is how many questions without an answer a peer may have that is not
	// light, while somebody light is asking: more would be in the way of others on their
	// way through the backend.
	heavyInFlight = 32
	// A turn is put off for so long while others wait for answers: so it mostly falls into
	// gaps in which nobody does.
	mostPutOff = time.Millisecond
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
	if !a.rests.listed {
		a.rests.listed = true
		s.resters = append(s.resters, a)
	}
	s.wakeLater(a)
}

// wakeLater sees to it that there is a round when the peer has earned a turn, or soon
// after, and when nobody light is asking any more.
func (s *Server) wakeLater(a *Account) {
	w := &a.rests.wake
	if w.Armed() {
		return
	}
	if w.Fire == nil {
		w.Fire = func() {} // the round is all there is to it
	}
	now := s.now()
	a.share.fill(now)
	in := a.share.earns(restTurn)
	if in > 0 || a.crowds() || a.rests.due > 0 {
		in = max(in, restMost)
	}
	s.loop.ArmIn(w, max(min(in, s.lights.end().Sub(now)), 0))
}

// wakeResters gives a turn to the peers that have earned one, and reports whether any had.
func (s *Server) wakeResters() (woke bool) {
	kept := s.resters[:0]
	for _, a := range s.resters {
		if r := &a.rests; r.first != nil && s.hasTurn(a) {
			woke = true
			s.wake(a)
			s.loop.Disarm(&r.wake)
		}
		if a.rests.first == nil {
			a.rests.listed = false
			s.loop.Disarm(&a.rests.wake)
			continue
		}
		s.wakeLater(a)
		kept = append(kept, a)
	}
	clear(s.resters[len(kept):])
	s.resters = kept
	return woke
}

// hasTurn reports whether it is the peer's turn.
func (s *Server) hasTurn(a *Account) bool {
	now, r := s.now(), &a.rests
	switch {
	case s.leaving != nil:
		return false
	case !s.lights.beside(a, now):
	case !s.mayRead(a) || a.share.left < restTurn:
		return false
	case s.calls > a.inFlight && (r.due == 0 || now.Sub(r.due) < mostPutOff):
		if r.due == 0 {
			r.due = now
		}
		return false
	}
	r.due = 0
	return true
}

// wake reads resting connections of the peer while it may be. They are read without
// asking the loop whether there is something: to find out so is cheaper than to be told.
// Those with nothing to read are watched again.
func (s *Server) wake(a *Account) {
	r := &a.rests
	for range restBatch {
		c := r.first
		if c == nil || !s.mayRead(a) || s.turn(a) <= 0 {
			break
		}
		r.remove(c)
		if c.paused || c.shut { // it is watched when that ends
			continue
		}
		if s.others(a) && c.untaken() {
			a.share.spend(costRead)
			a.share.left = min(a.share.left, shareBurst/2) // to wait does not make it a light one
			c.resting = true
			r.push(c)
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
