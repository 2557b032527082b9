// Command local runs the whole path on this machine: it starts mld and ml-bridge,
// lets kernelsim drive them through the real socket, and stops both again. It is
// what `make run` calls; it needs no flags and no privileges.
//
//	local DIR [run|load] [kernelsim's flags]    DIR holds the three binaries
//
// Where a default port or the default socket is taken it uses a free one and says
// so. It ends with 0 when kernelsim gave a verdict, whatever the verdict.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: local DIR [run|load] [kernelsim's flags]")
		os.Exit(cli.ExitUsage)
	}
	// The children are in groups of their own, so Ctrl-C comes here alone, and is
	// passed on in order.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(cli.ExitFailure)
	}
}

const (
	defaultDaemon = "127.0.0.1:9005"
	defaultHTTP   = "127.0.0.1:9006"
	anyPort       = "127.0.0.1:0"
)

func run(ctx context.Context, bin string, args []string) (err error) {
	scratch, err := os.MkdirTemp("", "mlbridge-run-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	said := &aside{w: os.Stdout}
	mld, err := startFree(said, filepath.Join(bin, "mld"),
		[]string{"--listen", defaultDaemon}, []string{"--listen", anyPort})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mld.stop()) }()
	address := mld.ready.Listen[0]
	say("mld", address, defaultDaemon)

	upstream := []string{"--upstream", "http://" + address}
	socket := filepath.Join(scratch, "bridge.sock")
	bridge, err := startFree(said, filepath.Join(bin, "ml-bridge"),
		append(upstream, "--http", defaultHTTP),
		append(upstream, "--http", anyPort),
		append(upstream, "--http", defaultHTTP, "--socket", socket),
		append(upstream, "--http", anyPort, "--socket", socket))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bridge.stop()) }()
	say("ml-bridge", bridge.ready.HTTP, defaultHTTP)
	fmt.Println("ml-bridge's socket is", bridge.ready.Socket)

	command, args := cut(args)
	sim := exec.CommandContext(ctx, filepath.Join(bin, "kernelsim"),
		append([]string{command, "--exit-zero", "--socket", bridge.ready.Socket}, args...)...)
	sim.Stdin, sim.Stdout, sim.Stderr = os.Stdin, os.Stdout, os.Stderr
	// A group of its own: kernelsim takes a second signal for "at once, without a
	// report", and with the terminal's and this process's it would get two.
	sim.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// Stopped early it still writes its report, so it is asked and not killed.
	sim.Cancel = func() error { return sim.Process.Signal(syscall.SIGTERM) }
	sim.WaitDelay = patience
	said.hold()
	err = sim.Run()
	said.release()
	switch {
	case err == nil, sim.ProcessState != nil && sim.ProcessState.Success():
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("stopped before there was a verdict: %w", err)
	}
	return fmt.Errorf("kernelsim: %w", err)
}

// cut takes kernelsim's command off its arguments: the whole where none is named.
func cut(args []string) (command string, rest []string) {
	if len(args) > 0 && (args[0] == "run" || args[0] == "load") {
		return args[0], args[1:]
	}
	return "run", args
}

func say(name, address, wanted string) {
	if address != wanted {
		fmt.Printf("%s is taken: %s listens on %s\n", wanted, name, address)
		return
	}
	fmt.Printf("%s listens on %s\n", name, address)
}
