package modeldesk

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// Who may not connect is told so, not to start what may be running. The error is made
// here: root, which the test may be, may connect everywhere.
func TestWhyNobodyWasReached(t *testing.T) {
	for errno, want := range map[syscall.Errno]error{syscall.EACCES: ErrForbidden, syscall.ECONNREFUSED: ErrUnreachable, syscall.ENOENT: ErrUnreachable} {
		err := unreached("/run/x.sock", &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)})
		if !errors.Is(err, want) || !errors.Is(err, errno) || !strings.Contains(err.Error(), "/run/x.sock") {
			t.Errorf("%v: %v, want %v", errno, err, want)
		}
	}
}
