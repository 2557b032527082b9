package ipc_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc"
)

func listen(t *testing.T, path string) *ipc.Listener {
	t.Helper()
	l, err := ipc.Listen(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// leftover is the socket file of a process that is gone.
func leftover(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestListenModeIsExact(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o777} {
		for _, mode := range []fs.FileMode{0o600, 0o660} {
			path := filepath.Join(t.TempDir(), "s")
			old := unix.Umask(umask)
			l, err := ipc.Listen(path, mode)
			unix.Umask(old)
			if err != nil {
				t.Fatalf("umask %03o: %v", umask, err)
			}
			info, err := os.Lstat(path)
			if err != nil || info.Mode().Perm() != mode || info.Mode().Type() != fs.ModeSocket {
				t.Errorf("umask %03o: %v, %v, want a socket with %v", umask, info.Mode(), err, mode)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if exists(path) {
				t.Error("Close left the file")
			}
			if err := l.Close(); err != nil {
				t.Errorf("second Close() = %v", err)
			}
		}
	}
}

func TestListenReplacesALeftover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	leftover(t, path)
	listen(t, path)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestListenRefusesALiveSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listen(t, path)
	if _, err := ipc.Listen(path, 0o600); !errors.Is(err, ipc.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("Listen on a live socket = %v, want ErrInUse and the path", err)
	}
	if !exists(path) {
		t.Error("the live socket's file is gone")
	}
}

// Of many that start together over a leftover exactly one gets the socket, and it
// is the one that answers there.
func TestListenRace(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "s")
		leftover(t, path)
		var won, inUse atomic.Int64
		var winner atomic.Pointer[ipc.Listener]
		var tasks sync.WaitGroup
		for range 8 {
			tasks.Go(func() {
				switch l, err := ipc.Listen(path, 0o600); {
				case err == nil:
					won.Add(1)
					winner.Store(l)
				case errors.Is(err, ipc.ErrInUse):
					inUse.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		tasks.Wait()
		if won.Load() != 1 || inUse.Load() != 7 {
			t.Fatalf("%d got the socket and %d found it in use, want 1 and 7", won.Load(), inUse.Load())
		}
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatalf("nobody answers: %v", err)
		}
		_ = conn.Close()
		_ = winner.Load().Close()
	}
}

func TestListenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ path, want string }{
		"a file":          {file, "no socket"},
		"a directory":     {dir, "no socket"},
		"no directory":    {filepath.Join(dir, "none", "s"), "none"},
		"too long a path": {filepath.Join(dir, strings.Repeat("x", 108)), "at most 107"},
	} {
		if l, err := ipc.Listen(tc.path, 0o600); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: Listen() = %v, %v, want an error with %q", name, l, err, tc.want)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file in the way was touched: %q, %v", b, err)
	}
}

// A listener whose place was taken, e.g. by its successor in an upgrade, leaves the
// successor's file alone.
func TestListenerLeavesASuccessorsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	old := listen(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	listen(t, path)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the successor cannot be reached: %v", err)
	}
	_ = conn.Close()
}

// inherited gives the descriptor of a listener, as a service manager would.
func inherited(t *testing.T, l *net.UnixListener) int {
	t.Helper()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// An activated socket is served, survives the server, and keeps its file: its
// owner hands it to the next.
func TestListenerFromFDKeepsTheSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	owner, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	ln, err := ipc.ListenerFromFD(inherited(t, owner))
	if err != nil {
		t.Fatal(err)
	}
	s := &served{path: path}
	s.start(t, ipc.ServerConfig{}, ln)
	c := s.greeted(t)
	c.send(workload(1))
	c.wantReply(1, ipc.StatusOK)
	s.Shutdown(long)
	if !exists(path) {
		t.Error("the activated socket's file is gone")
	}
	conn, err := net.Dial("unix", path) // waits in the backlog for the successor
	if err != nil {
		t.Fatalf("the activated socket takes no connections after the shutdown: %v", err)
	}
	_ = conn.Close()
}

func TestListenerFromFDRefuses(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(tcp, 1); err != nil {
		t.Fatal(err)
	}
	file, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, fd := range map[string]int{"connected": fds[0], "tcp": tcp, "no socket": file, "closed": 1 << 20} {
		if _, err := ipc.ListenerFromFD(fd); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, fd := range append(fds[:], tcp, file) {
		unix.Close(fd)
	}
}
