package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the commands that the tests run do is told by this variable.
const does = "PROGRAM_TEST_DOES"

func TestMain(m *testing.M) {
	switch os.Getenv(does) {
	case "":
		os.Exit(m.Run())
	case "well":
		Main("well", time.Minute, func(context.Context) error { return nil })
	case "badly":
		Main("badly", time.Minute, func(context.Context) error { return errors.New("no luck") })
	case "long":
		Main("long", time.Millisecond, until)
	case "waits":
		Main("waits", time.Minute, func(ctx context.Context) error {
			fmt.Println("signals are heard")
			return until(ctx)
		})
	}
}

func until(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func command(t *testing.T, what string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd, said := exec.CommandContext(t.Context(), self), new(strings.Builder)
	cmd.Env, cmd.Stderr = append(os.Environ(), does+"="+what), said
	return cmd, said
}

func TestEnds(t *testing.T) {
	for _, c := range []struct {
		what string
		code int
		said string
	}{
		{"well", 0, ""}, {"badly", 1, "badly: no luck\n"}, {"long", 1, "long: context deadline exceeded\n"},
	} {
		cmd, said := command(t, c.what)
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != c.code || said.String() != c.said {
			t.Errorf("%s: %v, %q, want exit status %d, %q", c.what, err, said, c.code, c.said)
		}
	}
}

func TestIsInterrupted(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd, said := command(t, "waits")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil { // its signals are heard
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); said.String() != "waits: context canceled\n" {
			t.Errorf("after %v: %v, %q", s, err, said)
		}
	}
}
