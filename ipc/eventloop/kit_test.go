package eventloop

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var epoch = time.Now()

func clock() int64 { return int64(time.Since(epoch)) + 1 }

// patience ends a test whose event never comes.
const patience = 2 * time.Minute

func newLoop(t testing.TB) *Loop {
	t.Helper()
	l, err := New(clock)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// running starts a loop on a goroutine and ends it with the test.
func running(t testing.TB) *Loop {
	t.Helper()
	l := newLoop(t)
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		l.Close()
		if err := wait(t, ended, "Run to return"); !errors.Is(err, ErrClosed) {
			t.Errorf("Run() = %v, want ErrClosed", err)
		}
	})
	return l
}

func wait[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("waited %v in vain for %s", patience, what)
	}
	return v
}

// onLoop runs f on the loop and waits for it.
func onLoop(t testing.TB, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if !l.Post(func() { f(); close(done) }) {
		t.Fatal("Post() = false on an open loop")
	}
	wait(t, done, "a posted function")
}

// pair gives two connected non-blocking sockets.
func pair(t testing.TB) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

type handlerFunc func(readable, writable bool)

func (f handlerFunc) Ready(readable, writable bool) { f(readable, writable) }

// round runs one round of a loop that no goroutine runs, with what is ready now.
func round(t testing.TB, l *Loop) {
	t.Helper()
	n, err := l.poll(notAtAll)
	if err != nil {
		t.Fatal(err)
	}
	l.round(n)
}

// waitRound is a round that waits for something to be ready or due.
func waitRound(t testing.TB, l *Loop) {
	t.Helper()
	n, err := l.wait()
	if err != nil {
		t.Fatal(err)
	}
	l.round(n)
}
