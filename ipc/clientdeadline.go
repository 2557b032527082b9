package ipc

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// alarm calls back once at an instant. A later arm replaces an earlier one.
type alarm interface {
	arm(Instant)
	stop()  // no callback begins after it; may be called from one
	close() // waits until the alarm's goroutine has ended
}

// timerfdAlarm is a timerfd(2) read through Go's poller. Go's own timers round an
// idle wait below 1 ms up to 1 ms; this overshoots by tens of microseconds.
type timerfdAlarm struct {
	file *os.File
	task sync.WaitGroup

	mu     sync.Mutex // guards fd against being closed, and reused, while it is set
	fd     int
	closed bool
}

func newTimerfd(fire func()) (*timerfdAlarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd: %w", err)
	}
	// The descriptor does not block, so NewFile hands it to the poller.
	a := &timerfdAlarm{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
	a.task.Go(func() {
		var ticks [8]byte // a timerfd gives the number of expirations
		for {
			if _, err := a.file.Read(ticks[:]); err != nil {
				return // closed
			}
			fire()
		}
	})
	return a, nil
}

func (a *timerfdAlarm) arm(at Instant) {
	// 0 would disarm: what is due already fires a nanosecond from now.
	wait := unix.NsecToTimespec(max(int64(at.Sub(Now())), 1))
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		// The arguments are in range and the descriptor is ours: it cannot fail.
		_ = unix.TimerfdSettime(a.fd, 0, &unix.ItimerSpec{Value: wait}, nil)
	}
}

func (a *timerfdAlarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		_ = a.file.Close() // wakes the reader
	}
}

func (a *timerfdAlarm) close() {
	a.stop()
	a.task.Wait()
}

// goAlarm is the alarm of a connection that has no descriptor.
type goAlarm struct{ timer *time.Timer }

func newGoTimer(fire func()) *goAlarm {
	a := &goAlarm{timer: time.AfterFunc(time.Hour, fire)}
	a.timer.Stop()
	return a
}

func (a *goAlarm) arm(at Instant) { a.timer.Reset(at.Sub(Now())) }
func (a *goAlarm) stop()          { a.timer.Stop() }
func (a *goAlarm) close()         { a.timer.Stop() }

// armFor sees to it that the alarm goes off by at. c.mu is held.
func (c *Client) armFor(at Instant) {
	if c.armed == 0 || at < c.armed {
		c.armed = at
		c.timer.arm(at)
	}
}

// expire runs when the alarm goes off: it ends the calls whose time is up and sets
// the alarm to the earliest of the others.
//
// The alarm is set lazily: a call whose deadline lies behind the one armed for
// costs nothing, and since budgets are mostly equal, that is nearly every call.
func (c *Client) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, next := Now(), Instant(0)
	later := func(d Instant) {
		if next == 0 || d < next {
			next = d
		}
	}
	for i := range c.flights {
		f := &c.flights[i]
		switch {
		case f.call == nil:
		case f.call.deadline <= now:
			call := f.call
			f.call = nil // its place stays taken until the reply comes
			call.finish(errExpired)
			c.interrupt(call)
		default:
			later(f.call.deadline)
		}
	}
	kept := c.waiting[:0]
	for _, call := range c.waiting {
		if call.deadline <= now {
			call.finish(errExpired)
			continue
		}
		later(call.deadline)
		kept = append(kept, call)
	}
	clear(c.waiting[len(kept):])
	c.waiting = kept
	if next == 0 && c.turns.state == turnNobody {
		if next = c.watchBy(); next <= now {
			next = 0
			c.giveTurn()
		}
	}
	if c.armed = next; next != 0 {
		c.timer.arm(next)
	}
}
