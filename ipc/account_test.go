package ipc

import (
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// still is a server whose loop does not run.
func still(t *testing.T) *Server {
	t.Helper()
	loop, err := eventloop.New(func() int64 { return int64(Now()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loop.Close)
	s, err := NewServer(loop, &instantBackend{}, ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTurnsAreShortWhereOthersAreConnected(t *testing.T) {
	s := still(t)
	a := s.account(Peer{PID: 1, UID: 1})
	if got := s.turn(a); got != readBufSize {
		t.Errorf("alone: a turn of %d bytes, want %d", got, readBufSize)
	}
	b := s.account(Peer{PID: 1, UID: 2}) // the same pid in another namespace, say
	if a == b || s.account(Peer{PID: 1, UID: 1}) != a {
		t.Fatal("accounts are not told apart by pid and uid")
	}
	a.turn.read += s.turn(a) - 1
	if got := s.turn(a); got != 1 {
		t.Errorf("the rest of a turn is %d bytes, want 1", got)
	}
	a.turn.read++
	if got, other := s.turn(a), s.turn(b); got != 0 || other != turnBytes {
		t.Errorf("after a whole turn %d bytes, another peer's %d; want 0, %d", got, other, turnBytes)
	}
	s.round++
	if got := s.turn(a); got != turnBytes {
		t.Errorf("in the next round %d bytes, want %d", got, turnBytes)
	}
}

func TestTokensComeBackAtTheirRate(t *testing.T) {
	a := &Account{Quota: Quota{Rate: 1000, Burst: 10}, tokens: 10, filled: 1}
	now := Instant(1)
	for _, c := range []struct {
		later time.Duration
		n     int
		ok    bool
	}{
		{0, 10, true},
		{0, 1, false},
		{999 * time.Microsecond, 1, false},
		{time.Microsecond, 1, true},
		{time.Hour, 11, false},
		{0, 10, true},
		{5 * time.Millisecond, 6, false},
		{0, 5, true},
	} {
		now = now.Add(c.later)
		if why := a.take(c.n, now); (why == "") != c.ok {
			t.Errorf("%v later, take(%d) = %q, want %v", c.later, c.n, why, c.ok)
		}
	}
}
