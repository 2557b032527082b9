package systemd

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Notifier tells the service manager how the daemon is. Errors of what is only said
// are left aside: a daemon that serves must not stop because nobody listens.
//
// go-systemd's own sender takes no descriptors, which the store and the barrier need,
// so that this one sends everything.
type Notifier struct {
	to unix.Sockaddr // nil: nobody to tell
}

// NewNotifier reads $NOTIFY_SOCKET.
func NewNotifier() *Notifier {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return &Notifier{}
	}
	return &Notifier{to: &unix.SockaddrUnix{Name: path}} // a leading @ means what it does there
}

// Listens reports whether there is somebody to tell.
func (n *Notifier) Listens() bool { return n.to != nil }

// Ready says that the daemon answers, and how it is doing.
func (n *Notifier) Ready(status string) { _ = n.send("READY=1\nSTATUS=" + oneLine(status)) }

// Reloading says that settings are being read; Ready ends it.
func (n *Notifier) Reloading() { _ = n.send("RELOADING=1\n" + daemon.SdNotifyMonotonicUsec()) }

// Stopping says that the daemon ends.
func (n *Notifier) Stopping(status string) { _ = n.send("STOPPING=1\nSTATUS=" + oneLine(status)) }

// Status is the line that systemctl status shows.
func (n *Notifier) Status(text string) { _ = n.send("STATUS=" + oneLine(text)) }

// Alive feeds the watchdog.
func (n *Notifier) Alive() { _ = n.send("WATCHDOG=1") }

// Store leaves a descriptor with the service manager under a name, for the next
// process of the service. It is not watched for being closed by the other end
// (FDPOLL=0): it may be the reading end of something that is complete.
func (n *Notifier) Store(name string, f *os.File) error {
	if n.to == nil {
		return errors.New("systemd: no service manager to store descriptors with")
	}
	return n.send("FDSTORE=1\nFDNAME="+name+"\nFDPOLL=0", int(f.Fd()))
}

// Forget takes the descriptors of that name out of the store.
func (n *Notifier) Forget(name string) { _ = n.send("FDSTOREREMOVE=1\nFDNAME=" + name) }

// Barrier waits until the service manager has read what was sent, which a process that
// is about to end must: a message of a process that is gone belongs to no service.
func (n *Notifier) Barrier(patience time.Duration) error {
	if n.to == nil {
		return nil
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("systemd: barrier: %w", err)
	}
	defer unix.Close(pipe[0])
	err := n.send("BARRIER=1", pipe[1])
	unix.Close(pipe[1])
	if err != nil {
		return err
	}
	// The reader hangs up when it has come to the barrier.
	for end := time.Now().Add(patience); ; {
		left := time.Until(end)
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(pipe[0])}}, int(max(left, 0)/time.Millisecond))
		switch {
		case ready > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("systemd: barrier: %w", err)
		case left <= 0:
			return fmt.Errorf("systemd: nothing was read within %v", patience)
		}
	}
}

func (n *Notifier) send(state string, fds ...int) error {
	if n.to == nil {
		return nil
	}
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("systemd: notify: %w", err)
	}
	defer unix.Close(s)
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if err := unix.Sendmsg(s, []byte(state), rights, n.to, unix.MSG_NOSIGNAL); err != nil {
		return fmt.Errorf("systemd: notify: %w", err)
	}
	return nil
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", " ") }
