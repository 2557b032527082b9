package upstream

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

// patience ends a test whose event never comes; no exchange of a test that works
// takes so long.
const patience = 5 * time.Minute

// rig runs a loop with one connection to a target.
type rig struct {
	t    testing.TB
	loop *eventloop.Loop
	conn Conn
}

// result is what an Exchange said in its Done.
type result struct {
	status int
	answer string
	kind   string // content type
	err    error
}

func newRig(t testing.TB, target string, library bool) *rig {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		// fasthttp keeps one goroutine for the Date header, and some of a server for a while.
		const fast = "github.com/valyala/fasthttp."
		leaks.None(t, before, goleak.IgnoreAnyFunction(fast+"updateServerDate.func1"),
			goleak.IgnoreAnyFunction(fast+"(*workerPool).workerFunc"), goleak.IgnoreAnyFunction(fast+"(*workerPool).Start.func2"))
	})
	tg, err := ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	epoch := time.Now()
	loop, err := eventloop.New(func() int64 { return int64(time.Since(epoch)) })
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = loop.Run() }()
	r := &rig{t: t, loop: loop, conn: Dial(loop, tg, library)}
	t.Cleanup(func() {
		loop.Post(r.conn.Close)
		loop.Close()
		<-loop.Done()
	})
	return r
}

// start begins an exchange; its end comes on the channel.
func (r *rig) start(body []byte, timeout time.Duration) <-chan result {
	ended := make(chan result, 2) // a second end must not block the loop: it is counted
	x := &Exchange{Path: "/path", ContentType: "application/x-test", Body: body, Timeout: timeout}
	x.Done = func(x *Exchange) {
		ended <- result{x.Status, string(x.Answer), x.AnswerType, x.Err}
	}
	r.loop.Post(func() { r.conn.Do(x) })
	return ended
}

func (r *rig) do(body string) result {
	r.t.Helper()
	return r.send([]byte(body))
}

func (r *rig) send(body []byte) result {
	r.t.Helper()
	return r.wait(r.start(body, patience))
}

func (r *rig) wait(ended <-chan result) result {
	r.t.Helper()
	select {
	case got := <-ended:
		if len(ended) > 0 {
			r.t.Error("Done ran twice")
		}
		return got
	case <-time.After(patience):
		r.t.Fatal("Done never ran")
		return result{}
	}
}

// wantError checks op and sent of an exchange that got no answer.
func (got result) wantError(t *testing.T, op string, sent bool) {
	t.Helper()
	e, ok := errors.AsType[*Error](got.err)
	if !ok || e.Op != op || e.Sent != sent || got.status != 0 || got.answer != "" {
		t.Errorf("got %+v, want an error of %q with Sent %v", got, op, sent)
		return
	}
	if text := e.Error(); op == "timeout" && text != "upstream: no answer in time" {
		t.Errorf("a timeout reads %q", text)
	}
}

// transports runs a test with the loop's own client and with net/http.
func transports(t *testing.T, test func(t *testing.T, library bool)) {
	t.Run("loop", func(t *testing.T) { test(t, false) })
	t.Run("library", func(t *testing.T) { test(t, true) })
}

// networks runs a test over TCP and over a Unix socket.
func networks(t *testing.T, test func(t *testing.T, ln net.Listener, target string)) {
	t.Run("tcp", func(t *testing.T) {
		ln, target := listenTCP(t)
		test(t, ln, target)
	})
	t.Run("unix", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		ln, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		test(t, ln, "unix:"+path)
	})
}

// refusingTCP is an address on which nobody listens: the port is taken, so that nobody
// else will before the test ends.
func refusingTCP(t *testing.T) (target string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", addr.(*unix.SockaddrInet4).Port)
}

func listenTCP(t *testing.T) (ln net.Listener, target string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln, "http://" + ln.Addr().String()
}
