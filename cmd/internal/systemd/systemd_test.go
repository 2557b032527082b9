package systemd_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd/systemdtest"
)

// The tests run as a service's process: this binary, when told so.
const beService = "MLBRIDGE_TEST_SERVICE"

func TestMain(m *testing.M) {
	switch os.Getenv(beService) {
	case "":
		os.Exit(m.Run())
	case "store":
		store()
	case "take":
		take()
	}
}

// store leaves a pipe with something in it.
func store() {
	n := systemd.NewNotifier()
	n.Ready("up\nand running")
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	_, _ = w.WriteString("left behind")
	w.Close()
	if err := errors.Join(n.Store("legacy", r), n.Barrier(time.Minute)); err != nil {
		panic(err)
	}
}

// take says what it was passed: exit code 0 if it is what the test wants.
func take() {
	p := systemd.TakePassed()
	n := systemd.NewNotifier()
	n.Status("names " + join(p.Names()))
	ln, err := p.Listener("door")
	if err != nil || ln == nil {
		panic(err)
	}
	second, err := p.Listener("door")
	if err != nil || second == nil {
		panic(err)
	}
	third, err := p.Listener("door")
	if err != nil || third != nil {
		panic("a third listener")
	}
	text := make([]byte, 100)
	size, _ := p.Take("legacy")[0].Read(text)
	n.Status("legacy " + string(text[:size]))
	n.Forget("legacy")
	n.Status("rest " + join(p.Rest()) + "," + os.Getenv("LISTEN_FDS"))
	_ = n.Barrier(time.Minute)
}

func join(names []string) string { return strings.Join(names, "+") }

func run(t *testing.T, m *systemdtest.Manager, what string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), beService+"="+what)
	cmd.Stderr = os.Stderr
	m.Prepare(cmd)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}

// Descriptors go from one process to the next, by name, and are forgotten when asked.
func TestStoreAndTake(t *testing.T) {
	m := systemdtest.New(t)
	m.Listen("door", "tcp", "127.0.0.1:0")
	m.Listen("door", "tcp", "127.0.0.1:0")
	m.Listen("window", "tcp", "127.0.0.1:0")
	run(t, m, "store")
	if message := m.Await("READY=1"); !slices.Contains(message, "STATUS=up and running") {
		t.Errorf("ready: %q", message)
	}
	if got := m.Stored(); !slices.Equal(got, []string{"legacy"}) {
		t.Fatalf("stored %q, want the legacy", got)
	}
	run(t, m, "take")
	m.Await("STATUS=names door+window+legacy")
	m.Await("STATUS=legacy left behind")
	m.Await("STATUS=rest window,")
	if got := m.Stored(); len(got) != 0 {
		t.Errorf("still stored: %q", got)
	}
}

// The watchdog is fed as often as the daemon answers, and only then.
func TestFeed(t *testing.T) {
	m := systemdtest.New(t)
	t.Setenv("NOTIFY_SOCKET", m.Path())
	n := systemd.NewNotifier()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked, failed := 0, make(chan error, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Feed(ctx, 20*time.Millisecond, func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("asked without a deadline")
			}
			if asked++; asked == 2 {
				return errors.New("no answer")
			}
			return nil
		}, func(err error) { failed <- err })
	}()
	m.Await("WATCHDOG=1")
	if err := <-failed; err.Error() != "no answer" {
		t.Errorf("failed: %v", err)
	}
	m.Await("WATCHDOG=1")
	cancel()
	<-done
}

// Without a service manager everything is silent, but the store says so.
func TestNobodyListens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := systemd.NewNotifier()
	n.Ready("")
	if n.Listens() || n.Barrier(time.Minute) != nil {
		t.Error("somebody listens")
	}
	if err := n.Store("x", os.Stdin); err == nil {
		t.Error("something was stored")
	}
}

// A manager that does not read is waited for only so long.
func TestBarrierGivesUp(t *testing.T) {
	deaf := systemdtest.Deaf(t)
	t.Setenv("NOTIFY_SOCKET", deaf)
	if err := systemd.NewNotifier().Barrier(20 * time.Millisecond); err == nil {
		t.Error("the barrier was passed")
	}
}
