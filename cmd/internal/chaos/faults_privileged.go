package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is the overflow uid and gid of Linux: a user who owns nothing.
const nobody = 65534

// privilegedFaults need root, and some of them more. They are a part of their own: rows
// of those that could not be tried say why.
func privilegedFaults() []Fault {
	return []Fault{
		{
			Group: "privileged", Name: "peer of another user", needs: root,
			What: "the flood comes from another user, to whom somebody has opened the socket's file: SO_PEERCRED tells, and the bridge turns it away",
			do: func(ctx context.Context, t *Trial) error {
				for path, mode := range map[string]os.FileMode{t.dir: 0o755, t.socket: 0o666, t.env.Self: 0o755, filepath.Dir(t.env.Self): 0o755} {
					if err := os.Chmod(path, mode); err != nil {
						return err
					}
				}
				p, err := t.env.startHelper(HelperPlan{Socket: t.socket, Mode: "floods"}, as(&syscall.Credential{Uid: nobody, Gid: nobody}))
				if err != nil {
					return err
				}
				defer p.Kill()
				t.at(ctx, mended)
				return t.said("is not admitted")
			},
		},
		{
			Group: "privileged", Name: "disk full", needs: root,
			What: "ml-bridge records onto a file system of 64 KiB: recording ends when that is full",
			before: func(t *Trial) (func(), error) {
				dir := filepath.Join(t.dir, "disk")
				if err := os.Mkdir(dir, 0o700); err != nil {
					return nil, err
				}
				if err := unix.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
					return nil, fmt.Errorf("%w: mount: %w", errNotHere, err)
				}
				undo := func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }
				t.extra = append(t.extra, "--record", filepath.Join(dir, "recording"))
				if err := t.restartBridge(); err != nil {
					undo()
					return nil, err
				}
				return undo, nil
			},
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, mended)
				return t.said("no space left")
			},
		},
		cgroupFault("cgroup: memory", "ml-bridge may have 8 MB more memory than it has (cgroup), and a peer makes it grow: the kernel kills it, and it is started again",
			func(t *Trial) (map[string]string, string) {
				bytes := strconv.Itoa(int(t.bridge.resident()*1e6) + 8<<20)
				return map[string]string{"memory/memory.limit_in_bytes": bytes, "memory.max": bytes}, "announces much"
			}),
		cgroupFault("cgroup: a twentieth of a core", "ml-bridge may have 5 ms of processor time in 100 ms (cgroup)",
			func(*Trial) (map[string]string, string) {
				return map[string]string{"cpu/cpu.cfs_quota_us": "5000", "cpu.max": "5000 100000"}, ""
			}),
		{
			Group: "privileged", Name: "clock jumps", needs: mayJump,
			What: "the machine's clock is set an hour forward, an hour back, and right again",
			do: func(ctx context.Context, t *Trial) error {
				for i, by := range []time.Duration{time.Hour, -2 * time.Hour, time.Hour} {
					t.at(ctx, 0.2+0.1*float64(i))
					if err := jump(by); err != nil {
						return err
					}
				}
				return nil
			},
		},
	}
}

func root(*Env) string {
	if os.Geteuid() != 0 {
		return "needs root"
	}
	return ""
}

func mayJump(e *Env) string {
	switch {
	case !e.Clock:
		return "changes the clock of the whole machine: run with -clock where nobody minds"
	case os.Geteuid() != 0:
		return "needs root"
	}
	return ""
}

// jump moves the machine's clock.
func jump(by time.Duration) error {
	const setOffset, nano = 0x0100, 0x2000 // ADJ_SETOFFSET and ADJ_NANO of adjtimex(2)
	seconds := by / time.Second
	if _, err := unix.Adjtimex(&unix.Timex{Modes: setOffset | nano, Time: unix.Timeval{Sec: int64(seconds)}}); err != nil {
		return fmt.Errorf("adjtimex: %w", err)
	}
	return nil
}

// cgroupFault puts ml-bridge into a group with limits, given as file and text for either
// version of control groups.
func cgroupFault(name, what string, limits func(*Trial) (files map[string]string, mode string)) Fault {
	return Fault{
		Group: "privileged", Name: name, What: what, needs: root,
		do: func(ctx context.Context, t *Trial) error {
			t.at(ctx, 0.1)
			files, mode := limits(t)
			g, err := newGroup(files)
			if err != nil {
				return err
			}
			defer g.remove()
			if err := g.add(t.bridge.PID); err != nil {
				return err
			}
			if mode != "" {
				p, err := t.env.startHelper(HelperPlan{Socket: t.socket, Mode: mode}, nil)
				if err != nil {
					return err
				}
				defer p.Kill()
			}
			ends, err := t.supervise(ctx)
			if mode != "" {
				t.note("ml-bridge was ended %d times", ends)
			}
			if err == nil && !t.bridge.Exited() {
				err = g.leave(t.bridge.PID)
			}
			return err
		},
	}
}

const cgroups = "/sys/fs/cgroup"

// group is a control group.
type group struct {
	dir    string
	parent string
}

// newGroup makes one with those limits that this machine's version knows.
func newGroup(files map[string]string) (*group, error) {
	name := fmt.Sprintf("mlbridge-chaos-%d", os.Getpid())
	_, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers"))
	unified := err == nil
	for file, text := range files {
		controller, leaf, old := strings.Cut(file, "/")
		if old == unified {
			continue
		}
		g := &group{parent: cgroups}
		if old {
			g.parent = filepath.Join(cgroups, controller)
		} else {
			leaf = file
		}
		g.dir = filepath.Join(g.parent, name)
		if err := os.Mkdir(g.dir, 0o755); err != nil && !os.IsExist(err) {
			return nil, fmt.Errorf("%w: %w", errNotHere, err)
		}
		if err := os.WriteFile(filepath.Join(g.dir, leaf), []byte(text), 0o644); err != nil {
			g.remove()
			return nil, fmt.Errorf("%w: %w", errNotHere, err)
		}
		return g, nil
	}
	return nil, errNotHere
}

func (g *group) add(pid int) error {
	return os.WriteFile(filepath.Join(g.dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
}

func (g *group) leave(pid int) error {
	return os.WriteFile(filepath.Join(g.parent, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
}

func (g *group) remove() { _ = os.Remove(g.dir) }
