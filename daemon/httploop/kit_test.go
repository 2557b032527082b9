package httploop

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

func TestMain(m *testing.M) {
	// A busy loop keeps its processor, and the tests' clients need one, too.
	runtime.GOMAXPROCS(max(3, runtime.NumCPU()))
	leaks.Main(m)
}

// patience ends a test whose event never comes.
const patience = 5 * time.Minute

// patient are limits that no test reaches.
var patient = Limits{Read: time.Minute, Write: time.Minute, Idle: time.Minute}

// backend answers calls of /p with their own bodies and leaves all others.
type backend struct {
	answer func(*Call, *Reply) bool
	calls  chan string // their bodies
	handed chan Handover
	closed chan struct{}
}

func echo(c *Call, r *Reply) bool {
	if string(c.Path) != "/p" {
		return false
	}
	r.Send(200, "a/b", c.Body, false)
	return true
}

func newBackend() *backend {
	return &backend{answer: echo, calls: make(chan string, 10_000), handed: make(chan Handover, 100), closed: make(chan struct{}, 100)}
}

func (b *backend) Answer(c *Call, r *Reply) bool {
	if !b.answer(c, r) {
		return false
	}
	b.calls <- string(c.Body)
	return true
}

func (b *backend) HandOver(h Handover) { b.handed <- h }
func (b *backend) Closed()             { b.closed <- struct{}{} }

// start runs a lane until the test ends, and then looks whether all descriptors were
// given back.
func start(t *testing.T, limits Limits) (*Lanes, *backend) {
	t.Helper()
	before := descriptors(t)
	b := newBackend()
	ls, err := Start(1, "test", b, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ls.Close()
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors are open, %d were", after, before)
		}
	})
	return ls, b
}

func descriptors(t testing.TB) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// pair gives a non-blocking descriptor and a connection to it.
func pair(t testing.TB) (fd int, peer *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[1]), "peer")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return fds[0], c.(*net.UnixConn)
}

// dial adds a connection to the lane and gives its other end.
func dial(t testing.TB, ls *Lanes) *net.UnixConn {
	t.Helper()
	fd, peer := pair(t)
	if !ls.Add(fd, false) {
		t.Fatal("Add = false")
	}
	return peer
}

func send(t testing.TB, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// sendLater sends what may take reading its answers; what cannot be sent is missed then.
func sendLater(c net.Conn, b []byte) { go func() { _, _ = c.Write(b) }() }

// sendRead sends b and waits until it has been read.
func sendRead(t testing.TB, c *net.UnixConn, b []byte) {
	t.Helper()
	send(t, c, b)
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for unread := 1; unread > 0; {
		if err := raw.Control(func(fd uintptr) { unread, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil || unread < 0 {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// answers reads n answers and gives their bodies.
func answers(t testing.TB, c net.Conn, n int) (bodies []string) {
	t.Helper()
	r := bufio.NewReader(c)
	for range n {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("after %d answers: %v", len(bodies), err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("after %d answers: %d, %v", len(bodies), resp.StatusCode, err)
		}
		bodies = append(bodies, string(body))
	}
	return bodies
}

func wait[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("waited %v in vain for %s", patience, what)
	}
	return v
}

// taken waits for a handover and closes its descriptor.
func taken(t testing.TB, b *backend) Handover {
	t.Helper()
	h := wait(t, b.handed, "the handover")
	unix.Close(h.FD)
	return h
}
