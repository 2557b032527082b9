package eventloop

import (
	"unsafe"

	"github.com/mlbridge/mlbridge/ipc/rawio"
	"golang.org/x/sys/unix"
)

// alarm is the timerfd that wakes the loop for its earliest timer. It is set only
// to an earlier time than it is set to already: deadlines mostly come in order and
// are mostly met, so one setting serves all calls of a budget's length, and at worst
// the loop wakes once for nothing.
type alarm struct {
	fd    int
	at    int64   // what it is set to, in the loop's clock; 0 when it is not
	count [8]byte // how often it went off
}

// set makes the loop wake at the time at of the clock now.
func (a *alarm) set(at int64, now func() int64) error {
	if a.at != 0 && a.at <= at {
		return nil
	}
	left := max(at-now(), 1) // 0 would switch it off
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(left)}
	_, _, errno := unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(a.fd), 0,
		uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	a.at = at
	return nil
}

// Ready notes that the alarm went off. The timers are looked at in every round.
func (a *alarm) Ready(readable, _ bool) {
	if n, err := rawio.Read(a.fd, a.count[:]); n == len(a.count) && err == nil {
		a.at = 0
	}
}
