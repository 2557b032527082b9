package chaos

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// control sleeps until one point in time after the other: what it cannot do, nobody can.
type control struct {
	points, missed uint64
	worst          time.Duration
}

// run sleeps so many times a second until ctx ends. Points that have passed while it
// slept count as late ones, as calls would.
func (c *control) run(ctx context.Context, rate int64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer goFirst()() // as the thread that makes the calls does
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err == nil && unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) == nil {
		defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) }()
	}
	every := int64(time.Second) / rate
	next := monotonic() + every
	for ; ctx.Err() == nil; next += every {
		ts := unix.NsecToTimespec(next)
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
		}
		late := time.Duration(monotonic() - next)
		c.points++
		c.worst = max(c.worst, late)
		if late > frozenAllowed {
			c.missed++
		}
	}
}

func monotonic() int64 { return clock(unix.CLOCK_MONOTONIC) }

// clock reads one of this process' clocks, in ns.
func clock(id int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts) // cannot fail
	return ts.Nano()
}
