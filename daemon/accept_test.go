package daemon

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/registry"
)

// flaky is a listener whose first accepts fail.
type flaky struct {
	net.Listener
	failures []error
	accepted chan struct{}
}

func (f *flaky) Accept() (net.Conn, error) {
	if len(f.failures) > 0 {
		err := f.failures[0]
		f.failures = f.failures[1:]
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", err)}
	}
	c, err := f.Listener.Accept()
	if err == nil {
		f.accepted <- struct{}{}
	}
	return c, err
}

// TestAcceptFails: being out of descriptors for a while is survived and said once;
// anything else ends Serve with an error.
func TestAcceptFails(t *testing.T) {
	reported := 0
	s, err := New(Options{Registry: registry.New(), OnAcceptError: func(error) { reported++ }})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	ln, err := Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{Listener: ln, failures: []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED}, accepted: make(chan struct{}, 1)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(f) }()
	c, err := net.DialTimeout("unix", path, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	<-f.accepted
	c.Close()
	s.Close()
	if err := <-served; !errors.Is(err, ErrClosed) {
		t.Errorf("Serve = %v", err)
	}
	if reported != 1 {
		t.Errorf("reported %d times, want once", reported)
	}

	s, err = New(Options{Registry: registry.New()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ln, err = Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(&flaky{Listener: ln, failures: []error{syscall.EINVAL}}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Serve = %v, want EINVAL", err)
	}
}
