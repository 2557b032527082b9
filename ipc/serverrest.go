package ipc

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// rests are the connections of a peer that rests, those first that have waited longest.
// They are not watched, so what their peer sends wakes nobody; it is when the peer has
// earned a turn that they are read, in turn.
//
// A turn is taken in a quiet moment, when nobody light waits for an answer or has just got
// one: to serve a peer sets its process going, too, on the processors that a light one's
// answer needs on its way. Else it is put off, but not for long.
type rests struct {
	queue   restQueue
	untaken restQueue // those that are not read before the peer has taken answers
	listed  bool      // in server.resters
	turn    bool      // its turn has begun and something is left of it
	due     Instant   // when its turn was first put off for somebody who waits; 0: it was not
	wake    eventloop.Timer
}

// restQueue is a list of connections. Each is in one at most.
type restQueue struct {
	first, last *serverConn
	n           int
}

const (
	// restTurn is what a resting peer earns before it is read again, besides what it costs to
	// look at each of its connections that rest, and mostTurn the most of it.
	restTurn = 100 * time.Microsecond
	mostTurn = 400 * time.Microsecond
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
	heavyInFlight = 16
	// quietTime is how long after a light one has asked, or was answered, it is not quiet
	// yet: what its answer takes until its process has it.
	quietTime = 150 * time.Microsecond
	// mostPutOff is for how long a turn is put off where it is never quiet.
	mostPutOff = time.Millisecond
)

// crowds reports whether enough questions of a peer that is not light wait for answers.
func (a *Account) crowds() bool {
	return !a.light() && a.inFlight >= heavyInFlight
}

// mayRead reports whether the peer may be read now.
func (s *Server) mayRead(a *Account) bool {
	if s.peers < 2 || a.share.of >= 1 {
		return true
	}
	now := s.now()
	a.earn(now)
	return a.share.left > 0 && !a.crowds() || !s.lights.beside(a, now)
}

// mayWatch reports whether a peer has rested enough for the loop to tell of it again.
func (s *Server) mayWatch(a *Account) bool {
	return a.light() || !s.lights.beside(a, s.now())
}

// worth is what is to be earned before they are read again.
func (r *rests) worth() time.Duration {
	return min(restTurn+time.Duration(r.queue.n)*costRead, mostTurn)
}

// quiet reports whether nobody waits for an answer, other than the peer where one is
// given, and nobody light has just got one.
func (s *Server) quiet(a *Account) bool {
	own := 0
	if a != nil {
		own = a.inFlight
	}
	return s.calls <= own && s.now().Sub(s.lights.latest(a)) >= quietTime
}

// rest has the connection wait until its peer has earned a turn.
func (s *Server) rest(c *serverConn) {
	a := c.owner
	s.stats.rests.Add(1)
	a.share.spend(costRead)
	a.rests.queue.push(c)
	c.watch()
	if !a.rests.listed {
		a.rests.listed = true
		s.resters = append(s.resters, a)
	}
	s.wakeLater(a)
}

// wakeLater sees to it that there is a round when the peer has earned a turn and it is
// quiet, and when nobody light is asking any more.
func (s *Server) wakeLater(a *Account) {
	r := &a.rests
	if r.wake.Fire == nil {
		r.wake.Fire = func() {} // the round is all there is to it
	}
	now := s.now()
	a.earn(now)
	in := restMost
	if r.queue.first != nil && !a.crowds() {
		if in = a.share.earns(r.worth()); r.turn && a.share.left > 0 {
			in = 0 // it goes on
		}
		switch due := mostPutOff; {
		case s.calls > a.inFlight: // there is a round when they are answered
			if r.due > 0 {
				due -= now.Sub(r.due)
			}
			in = max(in, due)
		default:
			in = max(in, quietTime-now.Sub(s.lights.latest(a)))
		}
	}
	s.loop.ArmIn(&r.wake, max(min(in, s.lights.end().Sub(now)), 0))
}

// wakeResters gives a turn to the peers that have earned one, and reports whether any had.
func (s *Server) wakeResters() (woke bool) {
	kept := s.resters[:0]
	for _, a := range s.resters {
		r := &a.rests
		if s.hasTurn(a) {
			woke = true
			s.wake(a)
		}
		if r.queue.first == nil && r.untaken.first == nil {
			r.listed = false
			s.loop.Disarm(&r.wake)
			continue
		}
		s.wakeLater(a)
		kept = append(kept, a)
	}
	clear(s.resters[len(kept):])
	s.resters = kept
	return woke
}

// hasTurn reports whether it is the peer's turn. One that has begun goes on, in this round
// and the next ones, until what was earned is spent.
func (s *Server) hasTurn(a *Account) bool {
	now, r := s.now(), &a.rests
	switch {
	case s.leaving != nil:
		return false
	case !s.lights.beside(a, now):
		r.due = 0
		for c := r.untaken.first; c != nil; c = r.untaken.first {
			s.takesAgain(c)
		}
		return true
	}
	a.earn(now)
	switch {
	case a.share.left <= 0 || r.queue.first == nil:
		r.turn, r.due = false, 0
		return false
	case a.crowds() || !r.turn && a.share.left < r.worth():
		return false
	case s.quiet(a):
		r.due = 0
	case r.due == 0:
		r.due = now
		return false
	case now.Sub(r.due) < mostPutOff:
		return false
	}
	r.turn = true
	return true
}

// wake reads resting connections of the peer while it may be. They are read without
// asking the loop whether there is something: to find out so is cheaper than to be told.
// Those with nothing to read are watched again.
func (s *Server) wake(a *Account) {
	r := &a.rests
	for range restBatch {
		c := r.queue.first
		if c == nil || !s.mayRead(a) || s.turn(a) <= 0 {
			break
		}
		r.queue.remove(c)
		if c.paused || c.shut { // it is watched when that ends
			continue
		}
		if s.others(a) && c.untaken() {
			a.share.spend(costRead)
			r.untaken.push(c)
			c.watch()
			continue
		}
		switch got := c.read(); {
		case c.closed:
		case got > 0 && !s.mayWatch(a):
			r.queue.push(c)
		default:
			c.watch()
		}
	}
}

// takesAgain has a connection whose peer has taken answers, or hung up, wait for its turn
// like others that rest.
func (s *Server) takesAgain(c *serverConn) {
	r := &c.owner.rests
	r.untaken.remove(c)
	r.queue.push(c)
	c.watch()
}

func (q *restQueue) push(c *serverConn) {
	if c.before = q.last; c.before == nil {
		q.first = c
	} else {
		q.last.after = c
	}
	q.last = c
	q.n++
	c.resting = q
}

func (q *restQueue) remove(c *serverConn) {
	if c.before == nil {
		q.first = c.after
	} else {
		c.before.after = c.after
	}
	if c.after == nil {
		q.last = c.before
	} else {
		c.after.before = c.before
	}
	c.before, c.after, c.resting = nil, nil, nil
	q.n--
}
