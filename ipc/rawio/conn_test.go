package rawio_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// pair gives a wrapped connection and its peer.
func pair(t testing.TB, wrap func(net.Conn) net.Conn, network, address string) (wrapped, peer net.Conn) {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	peer, err = net.Dial(network, ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	wrapped = wrap(nc)
	t.Cleanup(func() { wrapped.Close(); peer.Close() })
	return wrapped, peer
}

func each(t *testing.T, f func(t *testing.T, wrapped, peer net.Conn)) {
	wraps := map[string]func(net.Conn) net.Conn{"conn": rawio.Conn, "quiet": rawio.Quiet}
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")} {
		for name, wrap := range wraps {
			t.Run(network+"/"+name, func(t *testing.T) {
				wrapped, peer := pair(t, wrap, network, address)
				f(t, wrapped, peer)
			})
		}
	}
}

// More than a socket's buffer: the write has to wait for its reader, part by part.
func TestWriteTakesAll(t *testing.T) {
	each(t, func(t *testing.T, wrapped, peer net.Conn) {
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
		got := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(peer)
			got <- b
		}()
		if n, err := wrapped.Write(sent); n != len(sent) || err != nil {
			t.Fatalf("Write = %d, %v; want all %d bytes", n, err, len(sent))
		}
		if err := wrapped.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(<-got, sent) {
			t.Error("the peer read something else")
		}
	})
}

func TestReadWaitsAndEnds(t *testing.T) {
	each(t, func(t *testing.T, wrapped, peer net.Conn) {
		go func() {
			_, _ = peer.Write([]byte("hello"))
			peer.Close()
		}()
		b, err := io.ReadAll(wrapped)
		if string(b) != "hello" || err != nil {
			t.Errorf("ReadAll = %q, %v", b, err)
		}
		if n, err := wrapped.Read(nil); n != 0 || err != nil {
			t.Errorf("Read into nothing = %d, %v", n, err)
		}
	})
}

func TestDeadlinesAndCloseEndAWait(t *testing.T) {
	each(t, func(t *testing.T, wrapped, _ net.Conn) {
		if err := wrapped.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var ne net.Error
		if _, err := wrapped.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("Read past its deadline: %v", err)
		}
		_ = wrapped.SetReadDeadline(time.Time{})
		go wrapped.Close()
		if _, err := wrapped.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read of a closed connection: %v", err)
		}
	})
}

func TestWriteToPeerThatIsGone(t *testing.T) {
	each(t, func(t *testing.T, wrapped, peer net.Conn) {
		peer.Close()
		var err error
		for range 100 { // TCP takes the first write and learns of the reset by it
			if _, err = wrapped.Write(make([]byte, 1<<16)); err != nil {
				break
			}
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Write: %v, want a broken pipe", err)
		}
	})
}

func TestPipesStayAsTheyAre(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if rawio.Conn(a) != a || rawio.Quiet(a) != a {
		t.Error("a connection without a descriptor was wrapped")
	}
}

func TestConnAllocatesNothing(t *testing.T) {
	for name, wrap := range map[string]func(net.Conn) net.Conn{"conn": rawio.Conn, "quiet": rawio.Quiet} {
		wrapped, peer := pair(t, wrap, "unix", filepath.Join(t.TempDir(), "s"))
		other := wrap(peer)
		t.Cleanup(func() { other.Close() })
		b := make([]byte, 64)
		n := testing.AllocsPerRun(100, func() {
			if _, err := wrapped.Write(b); err != nil {
				t.Fatal(err)
			}
			if _, err := other.Read(b); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: a write and a read: %v allocations, want 0", name, n)
		}
	}
}

// TestQuietWriteDeadline: a write that the peer does not take ends in time, also by a
// deadline that is set while it waits.
func TestQuietWriteDeadline(t *testing.T) {
	wrapped, peer := pair(t, rawio.Quiet, "unix", filepath.Join(t.TempDir(), "s"))
	began := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(peer, make([]byte, 1)) // a part was written
		began <- errors.Join(err, wrapped.SetDeadline(time.Now().Add(10*time.Millisecond)))
	}()
	n, err := wrapped.Write(make([]byte, 16<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 16<<20 {
		t.Errorf("Write = %d, %v; want a part, and the deadline's error", n, err)
	}
	if err := <-began; err != nil {
		t.Error(err)
	}
	if n, err := wrapped.Write(make([]byte, 16<<20)); !errors.Is(err, os.ErrDeadlineExceeded) || n == 16<<20 {
		t.Errorf("a Write after the deadline = %d, %v; want its error", n, err)
	}
	if err := wrapped.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if err := wrapped.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second Close = %v", err)
	}
}
