package chaos

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/mlbridge/mlbridge/cmd/internal/systemd/systemdtest"
)

// managed is a service manager that outlives ml-bridge, as systemd does: it holds the
// sockets and what one process leaves to the next.
type managed struct {
	*systemdtest.Manager
	host *host
}

// host is what the manager takes for a test.
type host struct {
	testing.TB
	dir      string
	cleanups []func()
}

func (h *host) Helper()                      {}
func (h *host) TempDir() string              { return h.dir }
func (h *host) Cleanup(f func())             { h.cleanups = append(h.cleanups, f) }
func (h *host) Fatal(args ...any)            { panic(hostFailed{errors.New(fmt.Sprint(args...))}) }
func (h *host) Fatalf(f string, args ...any) { panic(hostFailed{fmt.Errorf(f, args...)}) }
func (h *host) Errorf(string, ...any)        {} // of a message that it cannot read

type hostFailed struct{ error }

// recovered turns what a manager panics with into an error.
func recovered(err *error) {
	switch v := recover().(type) {
	case nil:
	case hostFailed:
		*err = v.error
	default:
		panic(v)
	}
}

// manage puts the chain's bridge under a manager, with a socket in the place of its own.
func (c *Chain) manage() (undo func(), err error) {
	defer recovered(&err)
	dir, err := os.MkdirTemp(c.dir, "manager-")
	if err != nil {
		return nil, err
	}
	h := &host{dir: dir}
	m := &managed{Manager: systemdtest.New(h), host: h}
	undo = func() {
		for _, f := range h.cleanups {
			f()
		}
	}
	if err := c.bridge.Drain(); err != nil {
		undo()
		return nil, err
	}
	m.Listen("bridge", "unix", c.socket)
	c.page = m.Listen("http", "tcp", "127.0.0.1:0").String()
	c.manager, c.extra = m, append(c.extra, "--handover")
	return undo, c.startBridge()
}
