package ipc

import "time"

// What tests from outside may look at. All of it belongs to the loop.

// Held is the sum of the bytes in the buffers of all connections.
func (s *Server) Held() int { return s.held }

// Answering is how many slots are being answered.
func (s *Server) Answering() int { return s.calls }

// OwnHeld counts Held anew, connection by connection.
func (s *Server) OwnHeld() (sum int) {
	for c := range s.conns {
		sum += c.held
	}
	return sum
}

// As has connections come from the processes that who gives, instead of from the test's
// own.
func (c ServerConfig) As(who func() Peer) ServerConfig {
	c.identify = func(int) (Peer, error) { return who(), nil }
	c.ended = func(Peer) bool { return false }
	return c
}

// Ends has the processes of peers end when gone says so.
func (c ServerConfig) Ends(gone func(pid int32) bool) ServerConfig {
	c.ended = func(p Peer) bool { return gone(p.PID) }
	return c
}

// Paused is how many connections are not read because their replies pile up.
func (s *Server) Paused() (n int) {
	for c := range s.conns {
		if c.paused {
			n++
		}
	}
	return n
}

// Resting is how many connections rest.
func (s *Server) Resting() (n int) {
	for c := range s.conns {
		if c.resting != nil {
			n++
		}
	}
	return n
}

// Spent is how many connections rest that are not read however quiet it is: their peer has
// not enough left for a turn, or is to take its answers first.
func (s *Server) Spent() (n int) {
	for c := range s.conns {
		if c.resting != nil && (c.owner.share.left < c.owner.rests.worth() && !c.owner.rests.turn || c.resting == &c.owner.rests.untaken) {
			n++
		}
	}
	return n
}

// Exhaust leaves a process nothing of its share.
func (s *Server) Exhaust(pid int32) {
	for _, a := range s.accounts {
		if a.Peer.PID == pid {
			a.share.left, a.share.filled = 0, s.now()
		}
	}
}

// Left is what a process has left of its share.
func (s *Server) Left(pid int32) (left time.Duration) {
	for _, a := range s.accounts {
		if a.Peer.PID == pid {
			left = a.share.left
		}
	}
	return left
}
