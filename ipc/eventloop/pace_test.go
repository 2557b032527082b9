package eventloop

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPaceKeepsTheProcessorWhileBrisk(t *testing.T) {
	if !interrupts {
		t.Skip("GODEBUG says that waits are not interrupted")
	}
	p := pace{dedicated: true}
	at := int64(time.Hour)

	if p.keep(at) {
		t.Error("a loop that has not waited yet keeps its processor")
	}
	park := func(d time.Duration) { p.parked(at-int64(d), at) }
	for i := range briskAfter {
		if p.keep(at) {
			t.Errorf("a loop keeps its processor after %d short waits, want %d", i, briskAfter)
		}
		park(briskTime - 1)
	}
	if at += int64(lookTime); !p.keep(at) {
		t.Error("a brisk loop parks although the scheduler had a look")
	}
	at++
	for range 2 {
		if p.keep(at) {
			t.Error("the scheduler does not get its look after lookTime")
		}
	}
	if park(briskTime - 1); !p.keep(at) {
		t.Error("a brisk loop parks twice in a row")
	}
	p.shared = true // see Yield
	for range 2 {
		if p.keep(at) {
			t.Error("a loop that works for other goroutines keeps its processor")
		}
		at += int64(lookTime) - 1
		park(briskTime - 1)
	}
	if at++; !p.keep(at) {
		t.Error("a loop that worked for others once never keeps its processor again")
	}
	if park(briskTime); p.keep(at) {
		t.Error("a loop with long pauses keeps its processor")
	}
}

// TestKeptProcessorIsGivenBack makes a loop brisk, leaves it waiting for nothing,
// in epoll or polling, and asks for the world to be stopped: the runtime must get the processor,
// and the loop must work on.
func TestKeptProcessorIsGivenBack(t *testing.T) {
	for _, c := range []struct {
		procs int
		poll  time.Duration
	}{{1, 0}, {1, time.Second}, {2, 0}, {2, time.Second}} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.procs))
		l := running(t)
		onLoop(t, l, func() { l.Dedicate(c.poll) })
		x, y := pair(t)
		defer unix.Close(y)
		answered := make(chan struct{}, 1)
		var buf [8]byte
		onLoop(t, l, func() {
			err := l.Watch(x, Readable, handlerFunc(func(bool, bool) {
				_, _ = unix.Read(x, buf[:])
				answered <- struct{}{}
			}))
			if err != nil {
				t.Error(err)
			}
		})
		for range 100 {
			if _, err := unix.Write(y, []byte{1}); err != nil {
				t.Fatal(err)
			}
			wait(t, answered, "the loop's turn")
		}
		stopped := make(chan struct{})
		go func() {
			runtime.GC()
			close(stopped)
		}()
		wait(t, stopped, "the world to stop")
		onLoop(t, l, func() {
			l.Unwatch(x)
			unix.Close(x)
		})
	}
}
