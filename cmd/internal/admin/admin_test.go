package admin_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/daemon"
)

// serve starts a server with one action on a socket and gives its path.
func serve(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "admin.sock")
	ln, err := daemon.Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	s := admin.New()
	s.Handle("POST /drain", "stop politely", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	}))
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v after Close, want nil", err)
		}
	})
	return path
}

func ask(t *testing.T, c *http.Client, method, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://admin"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestRoutes(t *testing.T) {
	c := admin.Client(serve(t, t.TempDir()))
	if code, body := ask(t, c, "GET", "/"); code != 200 || !strings.Contains(body, "POST /drain") || !strings.Contains(body, "stop politely") {
		t.Errorf("GET / = %d %q, want a list with the drain", code, body)
	}
	for _, r := range []struct {
		method, path string
		want         int
	}{
		{"POST", "/drain", 202},
		{"GET", "/drain", 405},
		{"GET", "/nothing", 404},
		{"GET", "/debug/pprof/", 200},
		{"GET", "/debug/pprof/goroutine?debug=1", 200},
		{"GET", "/debug/pprof/cmdline", 200},
	} {
		if code, body := ask(t, c, r.method, r.path); code != r.want {
			t.Errorf("%s %s = %d %q, want %d", r.method, r.path, code, body, r.want)
		}
	}
}

// Another user is refused even where the file lets it in.
func TestStrangersAreRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	// Not t.TempDir, which others cannot enter.
	dir, err := os.MkdirTemp("/tmp", "admin")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := serve(t, dir)
	for _, open := range []struct {
		path string
		mode os.FileMode
	}{{dir, 0o755}, {path, 0o666}} {
		if err := os.Chmod(open.path, open.mode); err != nil {
			t.Fatal(err)
		}
	}
	if code, _ := ask(t, admin.Client(path), "GET", "/"); code != 200 {
		t.Fatalf("the owner is answered %d", code)
	}
	if n, err := readAs(path, 65534); n > 0 || err == nil {
		t.Errorf("a stranger got %d bytes and %v, want a closed connection", n, err)
	}
}

// readAs sends a request as another user from a thread of its own, which dies with it.
func readAs(path string, uid int) (n int, err error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result)
	go func() {
		// Locked and never unlocked: the runtime ends the thread with the goroutine.
		runtime.LockOSThread()
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); e != 0 {
			done <- result{0, nil}
			return
		}
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		}
		if err != nil {
			done <- result{0, nil} // it must be the server who refuses, not the file
			return
		}
		_, _ = unix.Write(fd, []byte("GET / HTTP/1.1\r\nHost: admin\r\n\r\n"))
		n, err := unix.Read(fd, make([]byte, 1))
		if err == nil && n == 0 {
			err = io.EOF
		}
		unix.Close(fd)
		done <- result{max(n, 0), err}
	}()
	r := <-done
	return r.n, r.err
}

// TestTheUsualPlaceIsAnothers: the second daemon of a user serves without an admin socket and
// says whom commands would speak to.
func TestTheUsualPlaceIsAnothers(t *testing.T) {
	path := serve(t, t.TempDir())
	var said bytes.Buffer
	ln, err := admin.Listen(t.Context(), "", path, zerolog.New(&said))
	if ln != nil || err != nil || !strings.Contains(said.String(), "commands that do not name --admin are for that one") || !strings.Contains(said.String(), path) {
		t.Errorf("%v, %v, %s", ln, err, &said)
	}
	if ln, err := admin.Listen(t.Context(), path, "", zerolog.Nop()); ln != nil || err == nil || !strings.Contains(err.Error(), "another daemon answers on "+path) {
		t.Errorf("named: %v, %v", ln, err)
	}
}
