package ipc

import "time"

// While somebody light is asking, what others want is done at the end of a round: when
// the light ones have been read and answered, or their questions are on their way. Who is
// not light rests, and has its turn there (type rests).
type later struct {
	conns  []*serverConn // whose frame is late
	accept bool
	gone   []*serverConn // in this round, to be used again
}

// laterTime bounds what is done at the end of one round. What is left is told of again.
const laterTime = 100 * time.Microsecond

// others reports whether somebody light is asking for whom the peer may have to wait.
func (s *Server) others(a *Account) bool {
	return s.peers > 1 && a.share.of < 1 && s.lights.beside(a, s.now())
}

// aside reports whether the peer is to let others go first.
func (s *Server) aside(a *Account) bool { return !a.light() && s.others(a) }

// putOff has the connection's turn come at the end of the round.
func (s *Server) putOff(c *serverConn) {
	if !c.later {
		c.later = true
		s.later.conns = append(s.later.conns, c)
	}
}

// doLater does what was put off, and reports whether anything was.
func (s *Server) doLater() bool {
	l := &s.later
	accept := l.accept || s.acceptPause.Armed() && s.now() >= s.acceptFrom && s.quiet(nil)
	if !accept && len(s.resters) == 0 && len(l.conns) == 0 {
		return false
	}
	began := s.clock()
	if accept {
		l.accept = false
		s.accept(s.lights.beside(nil, s.now()))
	}
	did := s.wakeResters() || accept || len(l.conns) > 0
	for i, c := range l.conns {
		l.conns[i], c.later = nil, false
		over := s.clock().Sub(began) > laterTime
		switch {
		case c.closed, s.leaving != nil:
		case over:
			s.loop.ArmIn(&c.frameLate, 0)
		default:
			c.fault(c.overdue)
			c.flush() // which closes it, and that takes time
		}
	}
	l.conns = l.conns[:0]
	return did
}

// reuse keeps what connections that ended in this round consisted of, where nothing
// refers to them any more.
func (s *Server) reuse() {
	for i, c := range s.later.gone {
		s.later.gone[i] = nil
		if c.inFlight == 0 && !c.dirty && !c.later && !c.frameLate.Armed() && !c.stuck.Armed() {
			*c = serverConn{server: s, frameLate: c.frameLate, stuck: c.stuck}
			s.freeConns.Put(c)
		}
	}
	s.later.gone = s.later.gone[:0]
}
