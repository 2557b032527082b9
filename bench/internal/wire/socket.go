package wire

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below that cannot block are made without telling Go's scheduler: it has
// nothing to do meanwhile, and must not take the pacing thread's processor away for it
// (compare package rawio, whose descriptors are all non-blocking; these are not, so that
// writing to a bridge that does not read waits).

// receive reads what there is. n is 0 with unix.EAGAIN when there is nothing.
func receive(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// send writes all of b. A bridge that does not read for longer than patience makes it
// fail.
func send(fd int, b []byte) error {
	for len(b) > 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			b = b[n:]
			continue
		case unix.EINTR:
			continue
		case unix.EAGAIN:
		default:
			return errno
		}
		var done int
		err := again(func() (err error) {
			done, err = unix.Write(fd, b)
			return err
		})
		if err != nil {
			return err
		}
		b = b[done:]
	}
	return nil
}

// ready waits for events, at most so many milliseconds.
func ready(epoll int, events []unix.EpollEvent, milliseconds int) (int, error) {
	if milliseconds == 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		if errno != 0 {
			return 0, errno
		}
		return int(n), nil
	}
	n, err := unix.EpollWait(epoll, events, milliseconds)
	return max(n, 0), err
}

// again repeats a call for as long as signals interrupt it: the runtime sends them to
// preempt goroutines. Connecting to a Unix socket may be repeated like the others.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
