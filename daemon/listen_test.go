package daemon

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mld.sock")
	address := "unix:" + path
	ln, err := Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", info.Mode(), err)
	}
	if _, err := Listen(t.Context(), address); err == nil || !strings.Contains(err.Error(), "another process listens there") {
		t.Errorf("a second Listen = %v", err)
	}
	// A crash leaves the file behind.
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	if _, err := os.Stat(path); err != nil {
		t.Fatal("the leftover is not there")
	}
	ln, err = Listen(t.Context(), address)
	if err != nil {
		t.Fatalf("over a leftover: %v", err)
	}
	ln.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after Close the file is still there: %v", err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), address); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("Listen over a file = %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Errorf("the file holds %q", b)
	}
}

func TestListenErrors(t *testing.T) {
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	if _, err := Listen(t.Context(), taken); err == nil || !strings.Contains(err.Error(), taken+" is taken by another process: stop it") || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("Listen on a taken port = %v", err)
	}
	for _, address := range []string{"", "nonsense", "127.0.0.1:99999", "unix:", "unix:@abstract", "unix:/nowhere/at/all/s", "unix:/" + strings.Repeat("x", 200)} {
		if ln, err := Listen(t.Context(), address); err == nil {
			ln.Close()
			t.Errorf("Listen(%q) is on %v", address, ln.Addr())
		} else if !strings.HasPrefix(err.Error(), "daemon: ") {
			t.Errorf("Listen(%q) = %v", address, err)
		}
	}
}

// TestServeAfterShutdown: a server that is closed takes no listener.
func TestServeAfterShutdown(t *testing.T) {
	r := start(t, nil, Options{})
	r.Close()
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Serve(ln); err != ErrClosed {
		t.Errorf("Serve = %v", err)
	}
	if err := ln.Close(); err == nil {
		t.Error("the listener was left open")
	}
}

func TestListenPathTooLong(t *testing.T) {
	if _, err := Listen(t.Context(), "unix:/"+strings.Repeat("x", 107)); err == nil || !strings.Contains(err.Error(), "108 bytes, at most 107 fit") {
		t.Errorf("error %v, want one about the path's length", err)
	}
}
