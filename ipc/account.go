package ipc

import "fmt"

// Quota is what one peer may take. Zero fields do not limit.
type Quota struct {
	Conns    int     // connections at a time
	InFlight int     // questions without an answer, over all its connections
	Rate     float64 // questions a second
	Burst    int     // questions that may come at once above the rate; a second's worth
	Class    Class   // the highest its calls may claim
}

// Account is what one peer, a process, has taken of a server, over all its connections.
// It belongs to the loop. A process is known by its pid and uid, as the kernel recorded
// them; when its last connection ends it is forgotten.
type Account struct {
	Peer  Peer
	Quota Quota

	// Turn is room for the backend's fair queuing: whose turn it is after the peer's
	// latest question, by kind.
	Turn [len(Kinds)]uint64

	conns, inFlight int
	tokens          float64 // questions that it may ask now
	filled          Instant // when tokens was brought up to date
	round           uint64  // of the loop in which read is
	read            int     // bytes taken in that round
}

// accountKey tells processes apart. A pid is used again only after its process has
// ended, and then none of its connections is left.
type accountKey struct {
	pid int32
	uid uint32
}

// account finds the peer's account or opens one.
func (s *Server) account(p Peer) *Account {
	key := accountKey{p.PID, p.UID}
	a := s.accounts[key]
	if a == nil {
		a = &Account{Peer: p}
		if s.cfg.Quota != nil {
			a.Quota = s.cfg.Quota(p)
		}
		if a.Quota.Burst <= 0 {
			a.Quota.Burst = max(int(a.Quota.Rate), 1)
		}
		a.tokens, a.filled = float64(a.Quota.Burst), Instant(s.loop.Time())
		s.accounts[key] = a
	}
	return a
}

// admit reports whether the peer may have the connections that it has.
func (a *Account) admit() error {
	if q := a.Quota.Conns; q > 0 && a.conns > q {
		return &StatusError{Status: StatusOverloaded, Text: fmt.Sprintf("this process has %d connections, no more are taken", q)}
	}
	return nil
}

// giveBack ends one connection of the account.
func (s *Server) giveBack(a *Account) {
	if a.conns--; a.conns == 0 {
		delete(s.accounts, accountKey{a.Peer.PID, a.Peer.UID})
	}
}

// take asks for n questions and says why not, "" when the peer may ask them.
func (a *Account) take(n int, now Instant) string {
	q := &a.Quota
	if q.InFlight > 0 && a.inFlight+n > q.InFlight {
		return "more questions in flight than this process may have"
	}
	if q.Rate > 0 {
		a.tokens = min(a.tokens+now.Sub(a.filled).Seconds()*q.Rate, float64(q.Burst))
		if a.filled = now; a.tokens < float64(n) {
			return "more questions a second than this process may ask"
		}
		a.tokens -= float64(n)
	}
	return ""
}

// class is the one that a call of this peer counts as.
func (a *Account) class(asked Class) Class {
	if most := a.Quota.Class; most != ClassDefault && asked > most {
		return most
	}
	return asked
}

// turnBytes is what all connections of a peer together are read in a round of the loop,
// while others are connected: some 50 µs of work, so that nobody waits long for his turn.
const turnBytes = 8 << 10

// turn gives how many bytes of a connection may be read now, 0 to let others go first.
func (s *Server) turn(a *Account) int {
	if len(s.accounts) < 2 {
		return readBufSize
	}
	if a.round != s.round {
		a.round, a.read = s.round, 0
	}
	return turnBytes - a.read
}
