// Command ml-bridge answers prediction requests on a Unix socket inside their
// budget, and over HTTP, asking mld for what it does not know. Run it with --help
// for its flags, each of which has an environment variable; it needs none, no file
// and no privileges.
//
// SIGTERM and SIGINT drain: peers are told to go away, calls in flight are
// answered, exit 0; a second signal exits at once.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main with its result as a value.
func run(args []string) int {
	var f flags
	parser, err := kong.New(&f, kong.Name("ml-bridge"), kong.Description(description), kong.Vars{"version": cli.Version()})
	if err != nil {
		panic(err) // the flags' declaration is wrong, which every test would see
	}
	if _, err := parser.Parse(args); err != nil {
		fmt.Fprintln(os.Stderr, "ml-bridge:", err)
		return cli.ExitUsage
	}
	log := cli.NewLogger(os.Stderr, f.LogFormat)

	// Two places: the second SIGTERM must not be lost while the first is handled.
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(stop)

	switch err := serve(f, log, stop); {
	case errors.Is(err, errForced):
		log.Warn().Msg("closed without draining")
		return cli.ExitFailure
	case err != nil:
		log.Error().Msg(err.Error())
		return cli.ExitFailure
	}
	return cli.ExitOK
}
