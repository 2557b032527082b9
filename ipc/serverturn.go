package ipc

import (
	"os"
	"time"
)

// own is this process, whose questions are about its own health.
var own = int32(os.Getpid())

// A turn is what all connections of a peer together are read in a round of the loop,
// while others are connected, so that nobody waits long for theirs.
const (
	turnBytes  = 8 << 10 // some 50 µs of work
	briefBytes = 2 << 10 // while somebody light is asking
	turnTime   = 50 * time.Microsecond
	leastRead  = 8 // what cannot be read in smaller pieces costs what it costs
)

// readTurn is how far a peer's turn has got.
type readTurn struct {
	round    uint64        // of the loop, in which it was read last
	read     int           // bytes taken in that round
	spent    time.Duration // by reading them
	byteCost time.Duration // of late
}

// turn gives how many bytes of a connection may be read now, 0 to let others go first.
func (s *Server) turn(a *Account) int {
	if s.peers < 2 && a.rests.queue.first == nil {
		return readBufSize
	}
	t := &a.turn
	if t.round != s.round {
		t.round, t.read, t.spent = s.round, 0, 0
	}
	if t.spent >= turnTime {
		return 0
	}
	most := turnBytes
	if s.lights.beside(a, s.now()) {
		most = briefBytes
	}
	return min(most-t.read, max(int((turnTime-t.spent)/max(t.byteCost, costByte)), leastRead))
}

// now is when the round began.
func (s *Server) now() Instant { return Instant(s.loop.Time()) }

// clock reads the loop's clock anew.
func (s *Server) clock() Instant { return Instant(s.loop.Clock()) }

// since is what the clock says of something that began then, as far as it counts.
func (s *Server) since(began Instant) time.Duration { return min(s.clock().Sub(began), mostTimed) }

// chargeRead takes what a read costs that took so long and gave n bytes, in which so many
// frames ended. A kernel keeps every write as a buffer of its own, so that a byte costs a
// thousand times more from one who writes them one by one. Where no frame ended that was
// in vain.
func (a *Account) chargeRead(n int, took time.Duration, frames int) {
	bytes := time.Duration(n)
	least := costRead + bytes*costByte
	took = max(min(took, costRead+bytes*mostByte), least)
	cost := took
	if frames == 0 {
		cost += (inVain - 1) * (took - least)
	}
	a.share.spend(cost)
	t := &a.turn
	t.read += n
	t.spent += took
	if n > 0 {
		t.byteCost = (3*t.byteCost + (took-costRead)/bytes) / 4
	}
}

// asks notes that the peer asks so many questions. Others rest for it while it is light.
func (s *Server) asks(a *Account, slots int, now Instant) {
	if a.Peer.PID == own {
		return
	}
	alone := s.peers < 2
	if !alone {
		a.earn(now)
	}
	if a.light() {
		s.lights.asked(a, now)
	}
	if !alone {
		a.share.spend(time.Duration(slots) * costSlot)
	}
}
