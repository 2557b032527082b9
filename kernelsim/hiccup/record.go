package hiccup

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Record sleeps on every processor that this process may use until ctx ends. Points are
// every apart on each of them; one is missed where its sleeper wakes more than allowed
// after it. ready is called when all sleep. The error is that threads cannot be bound.
func Record(ctx context.Context, every, allowed time.Duration, ready func()) (*Log, error) {
	if every < time.Microsecond || allowed <= 0 {
		return nil, fmt.Errorf("hiccup: every %v and allowed %v, want at least 1µs and more than 0", every, allowed)
	}
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return nil, fmt.Errorf("hiccup: sched_getaffinity: %w", err)
	}
	l := &Log{Every: every, Allowed: allowed}
	for cpu := 0; len(l.Sleepers) < may.Count(); cpu++ {
		if may.IsSet(cpu) {
			l.Sleepers = append(l.Sleepers, Sleeper{CPU: cpu, Stalls: make([]Stall, 0, 1024)})
		}
	}
	n := len(l.Sleepers)
	// Each has one of Go's processors to itself, and one is left for the rest.
	if want := n + 1; runtime.GOMAXPROCS(0) < want {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(want))
	}
	var up, done sync.WaitGroup
	up.Add(n)
	start := make(chan int64)
	failed, first, until := make([]error, n), make([]bool, n), make([]int64, n)
	for i := range l.Sleepers {
		done.Go(func() {
			runtime.LockOSThread() // and the thread ends with the goroutine
			first[i], failed[i] = settle(l.Sleepers[i].CPU)
			up.Done()
			// They take turns, so that they do not all disturb at once.
			if from := <-start; failed[i] == nil {
				until[i] = l.Sleepers[i].sleep(ctx, from+int64(every)*int64(i)/int64(n), every, allowed)
			}
		})
	}
	up.Wait()
	l.From = monotonic()
	for range n {
		start <- l.From
	}
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	ready()
	done.Wait()
	l.First = !slices.Contains(first, false)
	l.To = slices.Min(until)
	return l, nil
}

// settle binds the calling thread to a processor and puts it first there, as far as that
// is allowed. Not into the real-time class: Go's runtime makes a thread that comes back
// from a system call spin, with sched_yield(2), while its monitor thread looks at it; that
// is of the normal class and would never get the processor to leave off.
func settle(cpu int) (first bool, err error) {
	var where unix.CPUSet
	where.Set(cpu)
	if err := unix.SchedSetaffinity(0, &where); err != nil {
		return false, fmt.Errorf("hiccup: processor %d: sched_setaffinity: %w", cpu, err)
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // else timers may be 50 µs late on purpose
	// Who asks for a shorter slice than the one that runs takes the processor as soon as it
	// wakes, since Linux 6.12 (sched_attr.sched_runtime); 0.1 ms is the shortest.
	const highest, slice = -20, uint64(100 * time.Microsecond)
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: highest, Runtime: slice}
	if unix.SchedSetAttr(0, &attr, 0) == nil {
		return true, nil
	}
	attr.Nice = 0
	_ = unix.SchedSetAttr(0, &attr, 0) // or it is one among others
	return false, nil
}

// sleep meets one point after the other until ctx ends, the first one every after from,
// and gives when it met the last one.
func (s *Sleeper) sleep(ctx context.Context, from int64, every, allowed time.Duration) (last int64) {
	last = from
	for due := from + int64(every); ; due += int64(every) {
		t := unix.NsecToTimespec(due)
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &t, nil) == unix.EINTR {
		}
		woke := monotonic()
		s.met(due, last, woke, allowed)
		last = woke
		if ctx.Err() != nil {
			return last
		}
	}
}

func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail for this clock
	return t.Nano()
}
