package chaos

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// resourceFaults take away what a process needs, as far as its owner may.
func resourceFaults() []Fault {
	return []Fault{
		{
			Group: "resources", Name: "descriptors exhausted", Short: true,
			What: "ml-bridge may open 8 more than it has, and a peer takes them all: who is connected is answered, others wait until there is room",
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, 0.1)
				restore, err := limit(t.bridge, unix.RLIMIT_NOFILE, uint64(t.bridge.descriptors()+8))
				if err != nil {
					return err
				}
				defer restore()
				p, err := t.env.startHelper(HelperPlan{Socket: t.socket, Mode: "holds connections"}, nil)
				if err != nil {
					return err
				}
				defer p.Kill()
				t.at(ctx, mended)
				t.note("%d descriptors open", t.bridge.descriptors())
				return nil
			},
		},
		{
			Group: "resources", Name: "memory exhausted",
			What: "ml-bridge's address space may grow by 8 MiB, and a peer makes it grow; when it ends over that it is started again, as its supervisor would",
			do:   exhaust,
		},
		{
			Group: "resources", Name: "file size limit",
			What: "ml-bridge records, and its file may not grow any more (RLIMIT_FSIZE): recording ends",
			before: func(t *Trial) (func(), error) {
				t.extra = append(t.extra, "--record", filepath.Join(t.dir, "recording"))
				return func() {}, t.restartBridge()
			},
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, 0.25)
				restore, err := limit(t.bridge, unix.RLIMIT_FSIZE, 4096)
				if err != nil {
					return err
				}
				defer restore()
				t.at(ctx, mended)
				if t.bridge.Exited() {
					return fmt.Errorf("ml-bridge has ended: %s", t.bridge.Log())
				}
				return t.said("recording has ended")
			},
		},
	}
}

// limit sets a process's soft limit and gives what sets it back.
func limit(p *Process, what int, to uint64) (restore func(), err error) {
	var old unix.Rlimit
	if err := unix.Prlimit(p.PID, what, nil, &old); err != nil {
		return nil, err
	}
	low := unix.Rlimit{Cur: min(to, old.Max), Max: old.Max}
	if err := unix.Prlimit(p.PID, what, &low, nil); err != nil {
		return nil, err
	}
	return func() { _ = unix.Prlimit(p.PID, what, &old, nil) }, nil
}

// said checks that the bridge's log has said something.
func (t *Trial) said(text string) error {
	if !strings.Contains(t.bridge.Log(), text) {
		return fmt.Errorf("the log does not say %q: %s", text, t.bridge.Log())
	}
	return nil
}

func exhaust(ctx context.Context, t *Trial) error {
	t.at(ctx, 0.1)
	size, err := t.bridge.addressSpace()
	if err != nil {
		return err
	}
	if _, err := limit(t.bridge, unix.RLIMIT_AS, size+8<<20); err != nil {
		return err
	}
	p, err := t.env.startHelper(HelperPlan{Socket: t.socket, Mode: "announces much"}, nil)
	if err != nil {
		return err
	}
	defer p.Kill()
	ends, err := t.supervise(ctx)
	t.note("ml-bridge ended %d times for want of memory", ends)
	if err == nil && !t.bridge.Exited() && ends == 0 {
		// It got by with what it had: its limit must not follow it into the recovery.
		err = unix.Prlimit(t.bridge.PID, unix.RLIMIT_AS, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}, nil)
	}
	return err
}

// errNotHere means that this machine does not let a fault be tried.
var errNotHere = errors.New("not possible here")
