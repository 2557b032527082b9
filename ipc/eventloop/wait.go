package eventloop

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/mlbridge/mlbridge/ipc/rawio"
	"golang.org/x/sys/unix"
)

// wait gives the number of ready descriptors. It waits until there is one, unless a
// timer is due: while traffic is brisk it polls, then sleeps in epoll itself; else it
// parks.
func (l *Loop) wait() (int, error) {
	at, armed := l.timers.next()
	if !armed {
		at = math.MaxInt64
	}
	if at <= l.time {
		return l.poll(notAtAll)
	}
	keep := l.pace.keep(l.time)
	if keep {
		if n, over, err := l.busy(at); over || err != nil {
			return n, err
		}
	} else {
		l.window.Start(l.time)
	}
	if armed {
		if err := l.alarm.set(at, l.now); err != nil {
			return 0, err
		}
	}
	if keep {
		if n, err := l.linger(); n > 0 || err != nil {
			return n, err
		}
	}
	return l.park()
}

// busy looks again and again as long as the window says, and lets others have the
// processor in between. It is over when something was found, or the time at has come.
// The first look is left out where it is known to find nothing.
func (l *Loop) busy(at int64) (n int, over bool, err error) {
	now := l.now()
	more := l.window.Start(now)
	if more && l.first.Worth() {
		n, err = l.lookKept()
		if l.first.Found(n > 0); n > 0 || err != nil {
			return n, true, err
		}
	}
	for ; more; more = l.window.Again(now) {
		rawio.Yield()
		if now = l.now(); now >= at {
			return 0, true, nil
		}
		if n, err = l.lookKept(); n > 0 || err != nil {
			return n, true, err
		}
	}
	return 0, false, nil
}

// linger sleeps in epoll with the processor kept.
func (l *Loop) linger() (int, error) {
	if !l.pace.watched {
		if n, err := l.lookKept(); n > 0 || err != nil {
			return n, err
		}
	}
	return l.poll(forever)
}

// lookKept looks without waiting while the processor is kept. Somebody must be awake to
// take it back: the runtime wakes its monitor thread at a system call that it is told of,
// so the first look is such a one.
func (l *Loop) lookKept() (int, error) {
	if l.pace.watched {
		return l.poll(notAtAll)
	}
	l.pace.watched = true
	n, err := unix.EpollWait(l.epoll, l.events[:], notAtAll)
	if errors.Is(err, unix.EINTR) {
		err = nil
	}
	return max(n, 0), err
}

// park gives the processor back until a descriptor is ready.
func (l *Loop) park() (int, error) {
	from := l.now()
	l.looks = 0
	if err := l.idle.Read(l.look); err != nil {
		return 0, err
	}
	if l.looks > 1 { // else there was something ready, and it did not park
		l.pace.parked(from, l.now())
	}
	return l.ready, l.failed
}

// How long poll may wait, as epoll_wait(2) takes it.
const (
	notAtAll = 0
	forever  = -1
)

// poll asks epoll what is ready. Waiting for ever it may find nothing, too.
func (l *Loop) poll(wait int) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll),
		uintptr(unsafe.Pointer(&l.events[0])), maxEvents, uintptr(wait), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR: // by the runtime, which wants the processor
		return 0, nil
	}
	return 0, fmt.Errorf("epoll_pwait: %w", errno)
}
