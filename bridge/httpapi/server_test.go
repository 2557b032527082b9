package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

func TestMain(m *testing.M) {
	// After refusing a request net/http waits half a second for the peer to read
	// the answer, longer than goleak does for it.
	leaks.Main(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// running is a Server on a listener, shut down at the end of the test.
type running struct {
	server *Server
	addr   net.Addr
	done   chan error // what Serve returned
}

func serve(t *testing.T, network, address string, handler http.Handler, cfg ServerConfig) *running {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{NewServer(handler, cfg), l.Addr(), make(chan error, 1)}
	go func() { r.done <- r.server.Serve(l) }()
	t.Cleanup(func() {
		drop(r.server)
		select {
		case err := <-r.done:
			r.done <- err
		case <-time.After(10 * time.Minute):
			t.Error("Serve does not return after Shutdown")
		}
	})
	return r
}

// drop shuts a server down without waiting for anybody.
func drop(s *Server) {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Shutdown(now) // the context's error
}

// dial opens a connection; peer is its reading half.
func (r *running) dial(t *testing.T) (conn net.Conn, peer *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial(r.addr.Network(), r.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	// Nothing here waits for long; a defect must not hang the test.
	if err := conn.SetDeadline(time.Now().Add(10 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

const rawHealth = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"

// roundTrip sends raw bytes and returns the status of the answer, 0 for none.
func roundTrip(conn net.Conn, peer *bufio.Reader, raw string) int {
	if _, err := io.WriteString(conn, raw); err != nil {
		return 0
	}
	res, err := http.ReadResponse(peer, nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.StatusCode
}

func rawPost(body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path(ipc.Memory), len(body), body)
}

func TestServeTCPAndUnix(t *testing.T) {
	h := New(Config{Predictor: new(fake), Health: healthy})
	for network, address := range map[string]string{
		"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "http.sock"),
	} {
		r := serve(t, network, address, h, ServerConfig{})
		conn, peer := r.dial(t)
		for range 2 { // the connection is kept
			if code := roundTrip(conn, peer, rawPost(memoryQ)); code != 200 {
				t.Errorf("%s: %d, want 200", network, code)
			}
		}
		// A name from outside cannot be rebound to a Unix socket.
		want := map[string]int{"tcp": 403, "unix": 200}[network]
		if code := roundTrip(conn, peer, "GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n"); code != want {
			t.Errorf("%s, host evil.example: %d, want %d", network, code, want)
		}
	}
}

// A request that is under way when the server shuts down gets its answer; the
// listener takes nobody new, and idle connections are gone.
func TestShutdownFinishesRequests(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	p := &stopping{Predictor: new(fake), stop: func() { close(entered); <-leave }}
	r := serve(t, "tcp", "127.0.0.1:0", New(Config{Predictor: p, Health: healthy}), ServerConfig{})

	unused, unusedPeer := r.dial(t)
	idle, idlePeer := r.dial(t)
	if code := roundTrip(idle, idlePeer, rawHealth); code != 200 {
		t.Fatalf("idle: %d", code)
	}
	_ = unused
	busy, busyPeer := r.dial(t)
	answered := make(chan int, 1)
	go func() { answered <- roundTrip(busy, busyPeer, rawPost(memoryQ)) }()
	<-entered
	down := make(chan error, 1)
	go func() { down <- r.server.Shutdown(t.Context()) }()
	if err := <-r.done; !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("Serve = %v, want ErrClosed", err)
	}
	r.done <- nil
	for name, peer := range map[string]*bufio.Reader{"unused": unusedPeer, "idle": idlePeer} {
		if _, err := peer.ReadByte(); err == nil {
			t.Errorf("%s connection: still open", name)
		}
	}
	select {
	case err := <-down:
		t.Fatalf("Shutdown = %v while a request is under way", err)
	default:
	}
	close(leave)
	if code := <-answered; code != 200 {
		t.Errorf("the request under way: %d, want 200", code)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}

// A shutdown whose time is up closes what is left.
func TestShutdownGivesUp(t *testing.T) {
	entered := make(chan struct{})
	left := make(chan error, 1)
	p := &fake{answer: func(ctx context.Context, _ ipc.Request, r *ipc.Reply) {
		close(entered)
		<-ctx.Done() // closing the connection cancels the request
		left <- ctx.Err()
		*r = ipc.Reply{Status: ipc.StatusInternal}
	}}
	r := serve(t, "tcp", "127.0.0.1:0", New(Config{Predictor: p, Health: healthy}), ServerConfig{})
	conn, peer := r.dial(t)
	go roundTrip(conn, peer, rawPost(memoryQ))
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.server.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown = %v, want canceled", err)
	}
	if err := <-left; err == nil {
		t.Error("the request under way was not cancelled")
	}
}

// Peers that only hold connections open cannot keep working ones out: far more
// connections than the limit, and every new one is served.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	const limit = 8
	r := serve(t, "tcp", "127.0.0.1:0", New(Config{Predictor: new(fake), Health: healthy}), ServerConfig{Connections: limit})
	var first *bufio.Reader
	for i := range 5 * limit {
		conn, peer := r.dial(t)
		if i%2 == 0 { // half of them never send anything
			if code := roundTrip(conn, peer, rawHealth); code != 200 {
				t.Fatalf("connection %d: %d, want 200", i, code)
			}
		}
		if first == nil {
			first = peer
		}
	}
	if _, err := first.ReadByte(); err == nil {
		t.Error("the connection idle the longest is still open")
	}
	r.server.conns.mu.Lock()
	open := len(r.server.conns.open)
	r.server.conns.mu.Unlock()
	if open > limit {
		t.Errorf("%d connections are open, limit %d", open, limit)
	}
}

// When all are busy the new one is closed and those that work go on.
func TestBusyConnectionsStay(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	p := &stopping{Predictor: new(fake), stop: func() { entered <- struct{}{}; <-leave }}
	r := serve(t, "tcp", "127.0.0.1:0", New(Config{Predictor: p, Health: healthy}), ServerConfig{Connections: 1})
	conn, peer := r.dial(t)
	answered := make(chan int, 1)
	go func() { answered <- roundTrip(conn, peer, rawPost(memoryQ)) }()
	<-entered
	refused, refusedPeer := r.dial(t)
	if code := roundTrip(refused, refusedPeer, rawHealth); code != 0 {
		t.Errorf("over the limit: %d, want no answer", code)
	}
	close(leave)
	if code := <-answered; code != 200 {
		t.Errorf("the busy one: %d, want 200", code)
	}
}

// pipes is a listener on which the test connects by net.Pipe: those wait in fake time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p pipes) dial() (net.Conn, *bufio.Reader) {
	conn, server := net.Pipe()
	p <- server
	return conn, bufio.NewReader(conn)
}

// Peers that dawdle are cut off, each by its own clock; a working one is served
// meanwhile.
func TestSlowPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(New(Config{Predictor: new(fake), Health: healthy}), ServerConfig{HeaderIn: time.Second, BodyIn: 2 * time.Second})
		l, done := make(pipes), make(chan error)
		go func() { done <- s.Serve(l) }()
		began := time.Now()
		header, headerPeer := l.dial()
		body, bodyPeer := l.dial()
		io.WriteString(header, "GET /health HT")
		io.WriteString(body, strings.TrimSuffix(rawPost(memoryQ), memoryQ)+"{")
		conn, peer := l.dial()
		if code := roundTrip(conn, peer, rawPost(memoryQ)); code != 200 || time.Since(began) > 0 {
			t.Errorf("a working peer: %d after %v, want 200 at once", code, time.Since(began))
		}
		// net/http answers a late header with 400 or closes without a word.
		if code := roundTrip(header, headerPeer, ""); code == 200 || time.Since(began) != time.Second {
			t.Errorf("half a header: %d after %v, want none or an error after 1s", code, time.Since(began))
		}
		if code := roundTrip(body, bodyPeer, ""); code != 408 || time.Since(began) != 2*time.Second {
			t.Errorf("half a body: %d after %v, want 408 after 2s", code, time.Since(began))
		}
		for _, c := range []net.Conn{header, body, conn} {
			c.Close()
		}
		close(l)
		drop(s)
		<-done
	})
}

func TestHugeHeader(t *testing.T) {
	r := serve(t, "tcp", "127.0.0.1:0", New(Config{Predictor: new(fake), Health: healthy}), ServerConfig{})
	conn, peer := r.dial(t)
	raw := "GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n"
	if code := roundTrip(conn, peer, raw); code != 431 && code != 0 {
		t.Errorf("64 KiB of header: %d, want 431", code)
	}
	for _, garbage := range []string{"\x00\x00\x00\x05hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"} {
		conn, peer := r.dial(t)
		if code := roundTrip(conn, peer, garbage); code != 400 {
			t.Errorf("%q: %d, want 400", garbage, code)
		}
	}
}
