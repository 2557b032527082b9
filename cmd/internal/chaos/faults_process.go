package chaos

import (
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

// calm breaks nothing: what the others are compared with.
func calm() []Fault {
	return []Fault{{
		Group: "nothing", Name: "calm", What: "nothing is broken", Short: true,
		do: func(context.Context, *Trial) error { return nil },
	}}
}

// processFaults end, stop and replace the two daemons.
func processFaults() []Fault { return slices.Concat(mldFaults(), bridgeFaults(), bothFaults()) }

// mldFaults are those of mld alone.
func mldFaults() []Fault {
	mld := func(t *Trial) *Process { return t.mld }
	return []Fault{
		{
			Group: "mld", Name: "mld: kill -9", Short: true,
			What: "killed at a quarter of the time, started again at half of it",
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, 0.25)
				t.mld.Kill()
				t.at(ctx, 0.5)
				return t.startMld()
			},
		},
		{
			Group: "mld", Name: "mld: SIGSTOP", Short: true,
			What: "frozen for a third of the time: it holds its connections and answers nothing",
			do:   freeze(mld),
		},
		{
			Group: "mld", Name: "mld: restart loop",
			What: "ended by SIGTERM and started again, over and over",
			do: func(ctx context.Context, t *Trial) error {
				return t.loop(ctx, "restarts", 100*time.Millisecond, t.restartMld)
			},
		},
		{
			Group: "mld", Name: "mld: kill -9 loop",
			What: "killed and started again, over and over",
			do: func(ctx context.Context, t *Trial) error {
				return t.loop(ctx, "kills", 50*time.Millisecond, func() error { t.mld.Kill(); return t.startMld() })
			},
		},
		{
			Group: "mld", Name: "mld: upgrade",
			What: "its file is replaced and it is restarted, three times",
			do:   upgrades("mld", (*Trial).restartMld),
		},
		{
			Group: "mld", Name: "mld: models reloaded",
			What: "SIGHUP, over and over",
			do: func(ctx context.Context, t *Trial) error {
				return t.loop(ctx, "reloads", 50*time.Millisecond, func() error { return t.mld.Signal(syscall.SIGHUP) })
			},
		},
	}
}

// bridgeFaults are those of ml-bridge alone.
func bridgeFaults() []Fault {
	bridge := func(t *Trial) *Process { return t.bridge }
	return []Fault{
		{
			Group: "ml-bridge", Name: "ml-bridge: kill -9", Short: true,
			What: "killed at a quarter of the time, started again at half of it: its socket file is left behind",
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, 0.25)
				t.bridge.Kill()
				t.at(ctx, 0.5)
				return t.startBridge()
			},
		},
		{
			Group: "ml-bridge", Name: "ml-bridge: SIGSTOP",
			What: "frozen for a third of the time",
			do:   freeze(bridge),
		},
		{
			Group: "ml-bridge", Name: "ml-bridge: restart loop", Short: true,
			What: "ended by SIGTERM and started again, over and over",
			do: func(ctx context.Context, t *Trial) error {
				return t.loop(ctx, "restarts", 100*time.Millisecond, t.restartBridge)
			},
		},
		{
			Group: "ml-bridge", Name: "ml-bridge: kill -9 loop",
			What: "killed and started again, over and over",
			do: func(ctx context.Context, t *Trial) error {
				return t.loop(ctx, "kills", 50*time.Millisecond, func() error { t.bridge.Kill(); return t.startBridge() })
			},
		},
		{
			Group: "ml-bridge", Name: "ml-bridge: upgrade",
			What: "its file is replaced and it is restarted, three times",
			do:   upgrades("ml-bridge", (*Trial).restartBridge),
		},
		{
			Group: "ml-bridge", Name: "ml-bridge: upgrade with hand-over", Short: true,
			What:   "the same under a service manager that keeps its descriptors, as systemd does: nobody may hang up on the client (which itself drops a connection on which nothing comes for 250 ms)",
			before: func(t *Trial) (func(), error) { return t.manage() },
			do: func(ctx context.Context, t *Trial) error {
				t.oneConnection = true
				return upgrades("ml-bridge", (*Trial).restartBridge)(ctx, t)
			},
		},
		{
			Group: "ml-bridge", Name: "ml-bridge: settings reloaded",
			What: "SIGHUP, over and over",
			do: func(ctx context.Context, t *Trial) error {
				return t.loop(ctx, "reloads", 50*time.Millisecond, func() error { return t.bridge.Signal(syscall.SIGHUP) })
			},
		},
	}
}

// bothFaults are those of both, and of the sockets between them.
func bothFaults() []Fault {
	return []Fault{
		{
			Group: "both", Name: "both: kill -9",
			What: "both killed at once, started again at half of the time, the bridge first",
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, 0.25)
				t.mld.Kill()
				t.bridge.Kill()
				t.at(ctx, 0.5)
				if err := t.startBridge(); err != nil {
					return err
				}
				return t.startMld()
			},
		},
		{
			Group: "both", Name: "socket file deleted",
			What: "ml-bridge's socket file is removed; after a while it is restarted, which makes a new one",
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, 0.25)
				if err := os.Remove(t.socket); err != nil {
					return err
				}
				t.at(ctx, 0.5)
				return t.restartBridge()
			},
		},
		{
			Group: "both", Name: "mld's socket file deleted",
			What: "mld's socket file is removed and mld killed; a new one takes its place",
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, 0.25)
				if err := os.Remove(t.wire); err != nil {
					return err
				}
				t.mld.Kill()
				t.at(ctx, 0.5)
				return t.startMld()
			},
		},
	}
}

func freeze(which func(*Trial) *Process) func(context.Context, *Trial) error {
	return func(ctx context.Context, t *Trial) error {
		t.at(ctx, 0.25)
		if err := which(t).Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		t.at(ctx, 0.58)
		return which(t).Signal(syscall.SIGCONT)
	}
}

// loop does something with a pause after it until most of the time is over.
func (t *Trial) loop(ctx context.Context, what string, pause time.Duration, do func() error) error {
	t.at(ctx, 0.1)
	n, err := t.until(ctx, func() error {
		err := do()
		time.Sleep(pause)
		return err
	})
	t.note("%d %s", n, what)
	if err == nil && n == 0 {
		err = fmt.Errorf("no %s took place", what)
	}
	return err
}

func upgrades(name string, restart func(*Trial) error) func(context.Context, *Trial) error {
	return func(ctx context.Context, t *Trial) error {
		for i := range 3 {
			t.at(ctx, 0.15+0.2*float64(i))
			if err := t.replace(name); err != nil {
				return err
			}
			if err := restart(t); err != nil {
				return err
			}
		}
		return nil
	}
}
