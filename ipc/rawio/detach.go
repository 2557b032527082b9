package rawio

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Detach gives a descriptor for nc that Go's netpoller does not know. It is the
// caller's; nc can then be closed without harm to it. A connection that has no
// descriptor, such as net.Pipe's, gives errors.ErrUnsupported.
func Detach(nc net.Conn) (fd int, err error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return -1, errors.ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	var dup error
	err = raw.Control(func(old uintptr) { fd, dup = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, dup); err != nil {
		return -1, err
	}
	return fd, nil
}
