package eventloop

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wait gives the number of ready descriptors. It waits until there is one, unless a
// timer is due: in epoll itself while traffic is brisk, else parked.
func (l *Loop) wait() (int, error) {
	if at, armed := l.timers.next(); armed {
		if at <= l.time {
			return l.poll(notAtAll)
		}
		if err := l.alarm.set(at, l.now); err != nil {
			return 0, err
		}
	}
	if l.pace.keep(l.time) {
		if n, err := l.linger(); n > 0 || err != nil {
			return n, err
		}
	}
	return l.park()
}

// linger waits with the processor kept. Somebody must be awake to take it back: the
// runtime wakes its monitor thread at a system call that it is told of, so the first
// look is such a one.
func (l *Loop) linger() (int, error) {
	if !l.pace.watched {
		l.pace.watched = true
		n, err := unix.EpollWait(l.epoll, l.events[:], notAtAll)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
	return l.poll(forever)
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
