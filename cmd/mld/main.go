// Command mld is the inference daemon: it serves models over HTTP, in JSON and in
// msgpack, on TCP and on Unix sockets. Run it with --help for its flags, each of
// which has an environment variable; it needs none, no file and no privileges.
//
// SIGTERM and SIGINT let the calls in flight finish and exit 0; a second one exits
// at once. SIGHUP loads the models anew.
package main

import (
	"context"
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
	parser, err := kong.New(&f, kong.Name("mld"), kong.Description(description), kong.Vars{"version": cli.Version()})
	if err != nil {
		panic(err) // the flags' declaration is wrong, which every test would see
	}
	if _, err := parser.Parse(args); err != nil {
		fmt.Fprintln(os.Stderr, "mld:", err)
		return cli.ExitUsage
	}
	log := cli.NewLogger(os.Stderr, f.LogFormat)

	// Two places each: the second SIGTERM must not be lost while the first is handled.
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(stop)
	defer signal.Stop(reload)

	err = serve(context.Background(), f, log, stop, reload)
	switch {
	case errors.Is(err, errForced):
		log.Warn().Msg("closed without draining")
		return cli.ExitFailure
	case err != nil:
		log.Error().Msg(err.Error())
		return cli.ExitFailure
	}
	return cli.ExitOK
}
