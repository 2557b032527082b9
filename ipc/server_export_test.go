package ipc

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
		if c.resting {
			n++
		}
	}
	return n
}

// Spent is how many connections rest whose peer has not enough left for a turn: unlike
// those that only wait until their answers are on their way, they do so until time passes.
func (s *Server) Spent() (n int) {
	for c := range s.conns {
		if c.resting && c.owner.share.left < restTurn {
			n++
		}
	}
	return n
}
