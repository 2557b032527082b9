// Command kernelsim plays the kernel: four subsystems that ask the bridge for
// predictions through its real socket and act on them, and a load generator that
// measures how long the answers take. Run it with --help for its flags; it needs
// none, no file and no privileges.
//
// Exit codes: 0 when the answers came inside the budget, 3 when they did not, 2 for
// a wrong command line, 1 for a failure (no bridge) or a void run: one that measured
// nothing, or itself rather than the bridge, or was interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

// exitOutside is the code of a measured run that missed its budget.
const exitOutside = 3

func main() {
	// The first signal ends the run early, with its report; the second one kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	// The thread that paces the calls sleeps in a system call, and takes one of Go's
	// processors with it until the runtime notices: with two, everything else in this
	// process stood still meanwhile, and the next calls came late.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its inputs and its result as values.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	parsed, err := app.Parse(&c, args, kong.Writers(stdout, stderr))
	if err != nil {
		app.Complain(stderr, err)
		return cli.ExitUsage
	}
	for _, text := range parsed.Stray {
		fmt.Fprintln(stderr, "kernelsim:", text)
	}
	err = parsed.Run(&console{ctx: ctx, out: stdout, err: stderr, began: time.Now()})
	return exitCode(err, c.ExitZero, stderr)
}

// exitCode says what a command's error means to the caller. A verdict is not an
// error to talk about, and nor is that there is none: the report has said it.
func exitCode(err error, exitZero bool, stderr io.Writer) int {
	var v verdictError
	switch {
	case err == nil:
		return cli.ExitOK
	case errors.Is(err, errInterrupted):
		return cli.ExitFailure // there is no verdict to ask away
	case errors.As(err, &v):
		if exitZero {
			return cli.ExitOK
		}
		return v.code()
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "kernelsim:", err)
		return cli.ExitUsage
	}
	fmt.Fprintln(stderr, "kernelsim:", err)
	return cli.ExitFailure
}

// errUsage marks what the command line asked for and cannot be had.
var errUsage = errors.New("usage")

func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errUsage, fmt.Errorf(format, args...))
}

// errInterrupted is a run that was ended early.
var errInterrupted = errors.New("interrupted")

// verdictError is a run that ended with another verdict than pass.
type verdictError struct{ state string }

func (v verdictError) Error() string { return "verdict: " + v.state }

// code tells a run that was too slow from one that measured nothing.
func (v verdictError) code() int {
	if v.state == "fail" {
		return exitOutside
	}
	return cli.ExitFailure
}
