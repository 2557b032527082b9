package rawio

import (
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestQuietSleepsThroughItsPeersReading: what the netpoller watches is ready when there
// is something to read, and stays as it is when the peer has read something.
func TestQuietSleepsThroughItsPeersReading(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	peer := fds[1]
	defer unix.Close(peer)
	f := os.NewFile(uintptr(fds[0]), "socket")
	nc, err := net.FileConn(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := Quiet(nc).(*quiet)
	if !ok {
		t.Fatal("a Unix socket cannot be quiet")
	}
	defer c.Close()
	ready := func() (events int16) {
		err := c.filter.SetDeadline(c.until) // any call that shows that it is open
		if raw, e := c.filter.SyscallConn(); err == nil && e == nil {
			err = raw.Control(func(fd uintptr) {
				p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
				_, err = unix.Poll(p, 0)
				events = p[0].Revents
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	var b [8]byte
	if _, err := c.Write(b[:]); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Read(peer, b[:]); err != nil {
		t.Fatal(err)
	}
	if got := ready(); got != 0 {
		t.Errorf("events 0x%x after the peer has read, want none", got)
	}
	if _, err := unix.Write(peer, b[:]); err != nil {
		t.Fatal(err)
	}
	if got := ready(); got != unix.POLLIN {
		t.Errorf("events 0x%x with something to read, want POLLIN", got)
	}
}
