// Package systemdtest is a service manager for tests: real descriptors, real messages,
// no systemd. It does what sd_notify(3) and sd_listen_fds(3) say about one service.
package systemdtest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Manager listens to one service and keeps its descriptors.
type Manager struct {
	t        testing.TB
	path     string
	conn     *net.UnixConn
	passed   []named       // of socket units
	messages chan []string // assignments of each message, in order

	mu    sync.Mutex
	store []named // guarded by mu
}

type named struct {
	name string
	file *os.File
}

// patience is how long a message may take on a machine that is busy with other tests.
const patience = 10 * time.Minute

// New starts a manager that ends with the test.
func New(t testing.TB) *Manager {
	t.Helper()
	m := &Manager{t: t, path: filepath.Join(t.TempDir(), "notify"), messages: make(chan []string, 1000)}
	var err error
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.listen()
	}()
	t.Cleanup(func() {
		m.conn.Close()
		<-done
		for _, n := range append(m.store, m.passed...) {
			n.file.Close()
		}
	})
	return m
}

// Listen makes a socket that the service is passed by that name: a Unix socket at
// address, or TCP.
func (m *Manager) Listen(name, network, address string) net.Addr {
	m.t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		m.t.Fatal(err)
	}
	defer ln.Close()
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	file, err := ln.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		m.t.Fatal(err)
	}
	m.passed = append(m.passed, named{name, file})
	return ln.Addr()
}

// Prepare makes cmd a process of the service. The process must be told its own number,
// which only it knows: a shell becomes the command.
func (m *Manager) Prepare(cmd *exec.Cmd) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, n := range append(slices.Clone(m.passed), m.store...) {
		// One of its own: the service may have the manager forget this one while the
		// command starts.
		fd, err := unix.FcntlInt(n.file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			m.t.Fatal(err)
		}
		own := os.NewFile(uintptr(fd), n.name)
		m.t.Cleanup(func() { own.Close() })
		cmd.ExtraFiles = append(cmd.ExtraFiles, own)
		names = append(names, n.name)
	}
	cmd.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.path,
		"LISTEN_FDS="+strconv.Itoa(len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
}

// PrepareWatchdog is Prepare for a service with WatchdogSec=.
func (m *Manager) PrepareWatchdog(interval time.Duration) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "WATCHDOG_USEC="+strconv.FormatInt(interval.Microseconds(), 10))
		m.Prepare(cmd)
	}
}

// Stored gives the names of what the service has left.
func (m *Manager) Stored() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.store {
		names = append(names, n.name)
	}
	return names
}

// Await waits for a message with the assignment, such as "READY=1", and gives the whole
// message. What comes before it is passed over.
func (m *Manager) Await(assignment string) []string {
	m.t.Helper()
	late := time.After(patience)
	for {
		select {
		case message := <-m.messages:
			if slices.Contains(message, assignment) {
				return message
			}
		case <-late:
			m.t.Fatalf("the service does not say %s within %v", assignment, patience)
		}
	}
}

func (m *Manager) listen() {
	text, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(16*4))
	for {
		n, length, _, _, err := m.conn.ReadMsgUnix(text, rights)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			m.t.Errorf("notify: %v", err)
			return
		}
		message := strings.Split(strings.TrimSpace(string(text[:n])), "\n")
		m.act(message, m.files(rights[:length]))
		select {
		case m.messages <- message:
		default: // nobody awaits so much
		}
	}
}

func (m *Manager) files(rights []byte) (files []*os.File) {
	if len(rights) == 0 {
		return nil
	}
	parts, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		m.t.Errorf("notify: %v", err)
		return nil
	}
	for i := range parts {
		fds, err := unix.ParseUnixRights(&parts[i])
		if err != nil {
			continue // credentials
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "stored"))
		}
	}
	return files
}

// act does what a message asks for. Descriptors that it does not ask to store are
// closed, which is what a barrier waits for.
func (m *Manager) act(message []string, files []*os.File) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := "stored"
	for _, a := range message {
		if v, ok := strings.CutPrefix(a, "FDNAME="); ok {
			name = v
		}
	}
	switch {
	case slices.Contains(message, "FDSTORE=1"):
		for _, f := range files {
			if !slices.Contains(message, "FDPOLL=0") && hungUp(f) {
				f.Close() // as systemd does
				continue
			}
			m.store = append(m.store, named{name, f})
		}
		return
	case slices.Contains(message, "FDSTOREREMOVE=1"):
		m.store = slices.DeleteFunc(m.store, func(n named) bool {
			if n.name == name {
				n.file.Close()
			}
			return n.name == name
		})
	}
	for _, f := range files {
		f.Close()
	}
}

func hungUp(f *os.File) bool {
	poll := []unix.PollFd{{Fd: int32(f.Fd())}}
	n, err := unix.Poll(poll, 0)
	return err == nil && n > 0 && poll[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// Path is what the service finds in $NOTIFY_SOCKET.
func (m *Manager) Path() string { return m.path }

// Deaf is the socket of a manager that never reads.
func Deaf(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return path
}
