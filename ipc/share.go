package ipc

import (
	"math"
	"time"
)

// A peer's share keeps one that asks much, or only makes work, from making those wait
// who ask little. It is a leaky bucket of the loop's time for a process, over all its
// connections: what they have the server do is charged at what it costs, and the bucket
// fills at the peer's share of the time. A peer with something left is read whenever it
// has sent something. One with nothing left rests while somebody light is asking: its
// connections are not even watched until it has earned a turn. While nobody light is
// asking it takes what it likes, and so do those who all ask much.
//
// Questions have a rate, since what they cost comes later, in work that is done for many
// together; reads, accepts and closes are timed, since there a peer can make the kernel
// work a thousand times as much as one would think. What the clock says is bounded: it
// also counts the time for which the loop was not on a processor.

// What things cost, as they do on the machine that the README's figures are from.
const (
	costSlot   = 2500 * time.Nanosecond // a question, in the bridge and in the daemon behind it
	costRead   = 3 * time.Microsecond   // to be told of, a read, a write
	costByte   = 2 * time.Nanosecond    // of a frame, at least
	mostByte   = 4 * time.Microsecond   // and at most: each byte written by a write of its own
	costAccept = 15 * time.Microsecond  // a connection, from accept to close, at least
	mostAccept = 60 * time.Microsecond  // and at most
	costFault  = 100 * time.Microsecond // a broken protocol: more than it costs, so that they become rare
	mostTimed  = time.Millisecond

	// inVain is how many times it counts what is not for a question: to connect, and to
	// send a frame in many small pieces. So a peer that does nothing but make work has a
	// quarter of the time of one that asks.
	inVain = 4
)

const (
	// defaultShare of the loop's time is some 20,000 questions a second one by one, and
	// 50,000 when many come at a time. It is a compromise: with half of that a flood cost
	// others 24 % of their p99, with twice as much 89 % (four rounds of the proof on two
	// cores), and the less it is the more of those are held up who rightly ask much.
	defaultShare = 1.0 / 8
	// shareBurst is what a peer that has rested may cost at once. One with less than
	// half of it left is not light: nobody rests for it.
	shareBurst = 2 * time.Millisecond
	// shareDebt bounds what a peer can owe, and so how long it rests.
	shareDebt = 2 * time.Millisecond
	// lightFor is how long somebody light counts as asking after a question.
	lightFor = 100 * time.Millisecond
)

// share is what is left to a peer.
type share struct {
	of     float64 // of the loop's time; 1 and more: it never rests
	left   time.Duration
	filled Instant
}

// newShare gives a peer all of its burst.
func newShare(of float64, now Instant) share {
	return share{of: of, left: shareBurst, filled: now}
}

func (h *share) fill(now Instant) {
	earned := float64(now.Sub(h.filled)) * h.of
	h.left, h.filled = time.Duration(min(float64(h.left)+earned, float64(shareBurst))), now
}

func (h *share) spend(cost time.Duration) { h.left = max(h.left-cost, -shareDebt) }

// light reports whether the peer asks so little that others rest for it.
func (h *share) light() bool { return h.left > shareBurst/2 }

// earns is in what time so much will be left, at most longestRest.
func (h *share) earns(left time.Duration) time.Duration {
	return time.Duration(math.Ceil(min(float64(max(left-h.left, 0))/h.of, float64(longestRest))))
}

// lights are the two light peers that asked last: enough to know whether anybody but
// one of them did.
type lights [2]struct {
	who   *Account
	until Instant
}

// asked notes that a does, or has been answered.
func (l *lights) asked(a *Account, now Instant) {
	if l[0].who != a {
		l[1] = l[0]
		l[0].who = a
	}
	l[0].until = now.Add(lightFor)
}

// beside reports whether somebody light other than a is asking.
func (l *lights) beside(a *Account, now Instant) bool {
	for i := range l {
		if l[i].who != nil && l[i].who != a && now < l[i].until {
			return true
		}
	}
	return false
}

// latest is when somebody light other than a asked last, or was answered.
func (l *lights) latest(a *Account) (at Instant) {
	for i := range l {
		if l[i].who != nil && l[i].who != a {
			at = max(at, l[i].until-Instant(lightFor))
		}
	}
	return at
}

// end is when nobody light is asking any more, as far as is known.
func (l *lights) end() Instant { return max(l[0].until, l[1].until) }

// forget makes sure that a is not remembered.
func (l *lights) forget(a *Account) {
	for i := range l {
		if l[i].who == a {
			l[i].who = nil
		}
	}
}
