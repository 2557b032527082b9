package main

import (
	"context"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// sleeper is a thread that only sleeps, beside the load: when it is late, nobody on this
// machine could have been on time. It sleeps until a point in time every half millisecond,
// with clock_nanosleep. Points that passed while it slept count too, as calls would.
type sleeper struct {
	points int
	late   []stall // points that it met more than allowed too late
	stop   context.CancelFunc
	done   chan struct{}
}

// stall is from when the sleeper wanted to wake until it woke.
type stall struct{ from, to time.Duration }

const (
	sleepEvery = 500 * time.Microsecond
	// allowed is what ml-bridge keeps of a budget of 4 ms for the way back.
	allowed = 200 * time.Microsecond
)

func startSleeper(ctx context.Context) *sleeper {
	s := &sleeper{done: make(chan struct{})}
	ctx, s.stop = context.WithCancel(ctx)
	go func() {
		defer close(s.done)
		s.run(ctx)
	}()
	return s
}

func (s *sleeper) run(ctx context.Context) {
	runtime.LockOSThread() // and the thread ends with the goroutine
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	for next := now() + sleepEvery; ctx.Err() == nil; next += sleepEvery {
		t := unix.NsecToTimespec(int64(next))
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &t, nil) == unix.EINTR {
		}
		s.points++
		if woke := now(); woke-next > allowed {
			s.late = append(s.late, stall{next, woke})
		}
	}
}

// end stops it and gives the share of its points that it met too late.
func (s *sleeper) end() float64 {
	s.stop()
	<-s.done
	return float64(len(s.late)) / float64(max(s.points, 1))
}

// asLate reports whether the sleeper was once as late between from and to.
func (s *sleeper) asLate(from, to, late time.Duration) bool {
	return slices.ContainsFunc(s.late, func(x stall) bool {
		return x.to > from && x.from < to && x.to-x.from >= late
	})
}

func now() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail for this clock
	return time.Duration(t.Nano())
}
