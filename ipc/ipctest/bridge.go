package ipctest

import (
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// Bridge is a fake bridge on a Unix socket.
type Bridge struct {
	Path string // of the socket

	t        testing.TB
	handlers []Handler

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]struct{}
	gone     chan struct{}
	accepted int
	errs     []error
	tasks    sync.WaitGroup
}

// Listen starts a fake bridge in a directory of the test's. The first connection
// gets the first handler and so on; the last handler serves all that follow. It
// is closed at the end of the test.
func Listen(t testing.TB, handlers ...Handler) *Bridge {
	t.Helper()
	b := &Bridge{Path: filepath.Join(t.TempDir(), "bridge.sock"), t: t, handlers: handlers}
	b.Start()
	t.Cleanup(b.Kill)
	return b
}

// Start listens, again after Kill.
func (b *Bridge) Start() {
	b.t.Helper()
	l, err := net.Listen("unix", b.Path)
	if err != nil {
		b.t.Fatalf("ipctest: %v", err)
	}
	gone := make(chan struct{})
	b.mu.Lock()
	b.listener, b.gone, b.conns = l, gone, make(map[net.Conn]struct{})
	b.mu.Unlock()
	b.tasks.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.serve(conn, gone)
		}
	})
}

func (b *Bridge) serve(conn net.Conn, gone chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-gone:
		_ = conn.Close()
		return
	default:
	}
	handler := b.handlers[min(b.accepted, len(b.handlers)-1)]
	b.accepted++
	b.conns[conn] = struct{}{}
	b.tasks.Go(func() {
		err := handler(&Conn{Conn: conn, gone: gone})
		_ = conn.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.conns, conn)
		if err != nil && !errors.Is(err, net.ErrClosed) {
			b.errs = append(b.errs, err)
		}
	})
}

// Kill closes the socket and all connections and waits for the handlers. It
// leaves no socket file behind.
func (b *Bridge) Kill() {
	b.mu.Lock()
	if b.listener == nil {
		b.mu.Unlock()
		return
	}
	_ = b.listener.Close()
	b.listener = nil
	close(b.gone)
	for c := range b.conns {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.tasks.Wait()
}

// Accepted is how many connections came so far.
func (b *Bridge) Accepted() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted
}

// Errors are what the handlers returned so far. A test that cares looks at them;
// a killed connection is not among them.
func (b *Bridge) Errors() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]error(nil), b.errs...)
}

// Pipe plays handler over an in-memory connection and returns the client's side,
// for tests in fake time. wait closes both sides and returns what handler did.
func Pipe(handler Handler) (client net.Conn, wait func() error) {
	client, server := net.Pipe()
	gone := make(chan struct{})
	result := make(chan error, 1)
	go func() {
		err := handler(&Conn{Conn: server, gone: gone})
		_ = server.Close()
		result <- err
	}()
	return client, func() error {
		close(gone)
		_ = client.Close()
		_ = server.Close()
		return <-result
	}
}
