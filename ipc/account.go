package ipc

import (
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// Quota is what one peer may take. Zero fields do not limit.
type Quota struct {
	Conns    int     // connections at a time
	InFlight int     // questions without an answer, over all its connections
	Rate     float64 // questions a second
	Burst    int     // questions that may come at once above the rate; a second's worth
	Class    Class   // the highest its calls may claim
	// Share of the loop's time that it may take while others ask little; 0 is an
	// eighth, 1 and more no bound.
	Share float64
}

// Account is what one peer, a process, has taken of a server, over all its connections.
// It belongs to the loop. A process is known by its pid and uid, as the kernel recorded
// them. It is forgotten when its last connection has ended, its questions are answered
// and its rate's store and its share are full again: to connect anew is no way round.
type Account struct {
	Peer  Peer
	Quota Quota

	// Turn is room for the backend's fair queuing: whose turn it is after the peer's
	// latest question, by kind.
	Turn [len(Kinds)]uint64

	conns, inFlight int
	tokens          float64 // questions that it may ask now
	filled          Instant // when tokens was brought up to date

	share share
	turn  readTurn
	rests rests

	keep eventloop.Timer // without connections it is kept until then
}

// accountKey tells processes apart. A pid is used again only after its process has
// ended, and then none of its connections is left. What the new one finds is at worst a
// store that is not full yet.
type accountKey struct {
	pid int32
	uid uint32
}

// account finds the peer's account or opens one, and adds a connection to it.
func (s *Server) account(p Peer) *Account {
	key := accountKey{p.PID, p.UID}
	a := s.accounts[key]
	known := a != nil
	if !known {
		a = new(Account)
		s.accounts[key] = a
	}
	if a.conns++; a.conns > 1 {
		return a
	}
	if a.Peer = p; p.PID != own {
		s.peers++
	}
	s.loop.Disarm(&a.keep)
	if s.cfg.Quota != nil {
		a.Quota = s.cfg.Quota(p)
	}
	if a.Quota.Burst <= 0 {
		a.Quota.Burst = max(int(a.Quota.Rate), 1)
	}
	if a.Quota.Share <= 0 {
		a.Quota.Share = defaultShare
	}
	if !known {
		now := s.now()
		a.tokens, a.filled = float64(a.Quota.Burst), now
		a.share = newShare(a.Quota.Share, now)
	}
	a.share.of = a.Quota.Share
	return a
}

// admit reports whether the peer may have the connections that it has.
func (a *Account) admit() error {
	if q := a.Quota.Conns; q > 0 && a.conns > q {
		return &StatusError{Status: StatusOverloaded, Text: fmt.Sprintf("this process has %d connections, no more are taken", q)}
	}
	if a.rests.queue.n+a.rests.untaken.n >= restConns {
		return &StatusError{Status: StatusOverloaded, Text: "this process connects faster than its share lets it be served"}
	}
	return nil
}

// giveBack ends one connection of the account.
func (s *Server) giveBack(a *Account) {
	if a.conns--; a.conns > 0 {
		return
	}
	if a.Peer.PID != own {
		s.peers--
	}
	s.forget(a)
}

// answered notes that n questions of the account are.
func (s *Server) answered(a *Account, n int) {
	if a.inFlight -= n; a.inFlight == 0 {
		s.forget(a)
	}
}

// light reports whether the peer asks so little that others rest for it. To wait until it
// takes its answers does not make it a light one.
func (a *Account) light() bool { return a.share.light() && a.rests.untaken.first == nil }

// earn brings the share up to date.
func (a *Account) earn(now Instant) {
	a.share.fill(now)
	if a.rests.untaken.first != nil {
		a.share.left = min(a.share.left, shareBurst/2)
	}
}

// longestRest is after how long at most it is looked again whether an account can go.
const longestRest = time.Hour

// forget drops an account that says nothing any more, or looks again when its store is
// full. Processes that come and go fast are not remembered beyond the number that may be
// connected.
func (s *Server) forget(a *Account) {
	if a.conns > 0 || a.inFlight > 0 {
		return
	}
	now := s.now()
	a.share.fill(now)
	if full := max(a.fill(now), a.share.earns(shareBurst)); full > 0 && len(s.accounts) <= s.cfg.MaxConns {
		if a.keep.Fire == nil {
			a.keep.Fire = func() { s.forget(a) }
		}
		s.loop.ArmIn(&a.keep, full)
		return
	}
	s.loop.Disarm(&a.keep)
	s.lights.forget(a)
	delete(s.accounts, accountKey{a.Peer.PID, a.Peer.UID})
}

// fill brings the tokens up to date and gives in what time they will be all there, at
// most longestRest.
func (a *Account) fill(now Instant) time.Duration {
	q := &a.Quota
	if q.Rate <= 0 {
		return 0
	}
	most := float64(q.Burst)
	a.tokens = min(a.tokens+now.Sub(a.filled).Seconds()*q.Rate, most)
	a.filled = now
	return time.Duration(min((most-a.tokens)/q.Rate, longestRest.Seconds()) * float64(time.Second))
}

// narrows lowers the limits that the peer is told to what its quota lets through at all,
// and reports whether it has: a client that asked more at once would be refused for ever.
func (a *Account) narrows(l *Limits) bool {
	before := *l
	if n := a.Quota.InFlight; n > 0 {
		l.Batch, l.InFlight = min(l.Batch, n), min(l.InFlight, n)
	}
	if a.Quota.Rate > 0 {
		l.Batch = min(l.Batch, a.Quota.Burst)
	}
	return *l != before
}

// take asks for n questions and says why not, "" when the peer may ask them.
func (a *Account) take(n int, now Instant) string {
	q := &a.Quota
	switch {
	case q.InFlight > 0 && n > q.InFlight:
		return fmt.Sprintf("%d questions at once are more than the %d in flight that this process may ever have", n, q.InFlight)
	case q.Rate > 0 && n > q.Burst:
		return fmt.Sprintf("%d questions at once are more than the burst of %d that this process may ever ask", n, q.Burst)
	}
	if q.InFlight > 0 && a.inFlight+n > q.InFlight {
		return "more questions in flight than this process may have"
	}
	if q.Rate > 0 {
		if a.fill(now); a.tokens < float64(n) {
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
