package ipc

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestShareFillsAndOwes(t *testing.T) {
	start := Instant(time.Second)
	h := newShare(0.1, start)
	if !h.light() || h.earns(shareBurst) != 0 {
		t.Errorf("a new share has %v, want %v", h.left, shareBurst)
	}
	h.spend(shareBurst + 500*time.Microsecond)
	if h.light() || h.left != -500*time.Microsecond {
		t.Errorf("after the burst and half a millisecond: %v left, light %v", h.left, h.light())
	}
	const rest = 10 * (restTurn + 500*time.Microsecond)
	if got, want := h.earns(restTurn), rest; got != want {
		t.Errorf("a tenth earns %v in %v, want %v", restTurn, got, want)
	}
	h.fill(start.Add(rest))
	if h.left != restTurn {
		t.Errorf("then %v is left, want %v", h.left, restTurn)
	}
	h.spend(time.Hour)
	if h.left != -shareDebt {
		t.Errorf("it owes %v, want at most %v", -h.left, shareDebt)
	}
	h.fill(start.Add(time.Hour))
	if h.left != shareBurst {
		t.Errorf("after an hour %v is left, want %v", h.left, shareBurst)
	}
	none := newShare(1e-30, start)
	none.spend(time.Millisecond)
	if got := none.earns(shareBurst); got != longestRest {
		t.Errorf("a share of nothing rests %v, want %v", got, longestRest)
	}
}

func TestLights(t *testing.T) {
	var l lights
	var a, b, c Account
	now := Instant(time.Second)
	beside := func(who *Account, at Instant, want bool) {
		t.Helper()
		if got := l.beside(who, at); got != want {
			t.Errorf("beside = %v, want %v", got, want)
		}
	}
	beside(nil, now, false)
	l.asked(&a, now)
	l.asked(&a, now.Add(time.Millisecond))
	beside(&a, now, false) // nobody rests for itself
	beside(&b, now, true)
	l.asked(&b, now.Add(time.Millisecond))
	beside(&a, now, true)
	beside(&b, now, true)
	beside(&c, l.end()-1, true)
	beside(&c, l.end(), false)
	l.forget(&b)
	beside(&a, now, false)
}

func TestStormsTakeAShareOfTheLoop(t *testing.T) {
	for _, c := range []struct {
		took    time.Duration
		resting int
		want    time.Duration
	}{
		{0, 1, stormRest + stormRest/stormResting},
		{100 * time.Microsecond, 0, 1600 * time.Microsecond},
		{100 * time.Microsecond, stormResting, 3200 * time.Microsecond},
		{0, restConns, 5 * stormRest},
		{time.Hour, 0, acceptRest},
	} {
		if got := stormPause(c.took, c.resting); got != c.want {
			t.Errorf("stormPause(%v, %d) = %v, want %v", c.took, c.resting, got, c.want)
		}
	}
}

// What a peer dribbles is read in pieces that take no more than a turn, however long a
// byte of it takes; what flows is read as it comes.
func TestTurnsAreAsLongAsTheyTake(t *testing.T) {
	s := still(t)
	a := s.account(Peer{PID: 1})
	s.account(Peer{PID: 2})
	for range 20 {
		s.round++
		n := s.turn(a)
		a.chargeRead(n, costRead+time.Duration(n)*time.Microsecond, 0) // a microsecond a byte
	}
	s.round++
	if got, want := s.turn(a), int(turnTime/time.Microsecond); got != want {
		t.Errorf("at a microsecond a byte a turn is %d bytes, want %d", got, want)
	}
	a.turn.spent = turnTime - 1
	if got := s.turn(a); got != leastRead {
		t.Errorf("with a nanosecond left a turn is %d bytes, want %d", got, leastRead)
	}
	a.turn.spent = 0
	a.turn.byteCost = costByte
	if got := s.turn(a); got != turnBytes {
		t.Errorf("at %v a byte a turn is %d bytes, want %d", costByte, got, turnBytes)
	}
	a.turn.spent = turnTime
	if got := s.turn(a); got != 0 {
		t.Errorf("after its time a turn is %d bytes, want 0", got)
	}
}

// A frame whose peer rests may be there whole: it is given its time once more, and only
// once.
func TestFramesOfTheRestingAreGivenTimeOnceMore(t *testing.T) {
	s := still(t)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	c, _, err := s.admit(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	c.consume([]byte{0, 0})
	s.rest(c)
	for i, faults := range []uint64{0, 1} {
		s.loop.Disarm(&c.frameLate)
		c.onFrameLate()
		if got := s.Stats().Faults; got != faults || c.frameLate.Armed() != (faults == 0) {
			t.Errorf("when the time was over for time %d: %d faults, time again %v", i+1, got, c.frameLate.Armed())
		}
	}
}
