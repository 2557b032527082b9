// Command mld is the inference daemon: it serves models over HTTP, in JSON and in
// msgpack, on TCP and on Unix sockets. Run it with --help for its flags, each of
// which has an environment variable; it needs none, no file and no privileges.
//
// SIGTERM and SIGINT let the calls in flight finish and exit 0; a second one exits
// at once. SIGHUP loads the models anew.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main with its result as a value.
func run(args []string) int {
	var f flags
	if !cli.Parse("mld", description, &f, args) {
		return cli.ExitUsage
	}
	log := cli.NewLogger(os.Stderr, f.LogFormat)
	stop, done := cli.StopSignals()
	defer done()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	return cli.ExitCode(log, serve(context.Background(), f, log, stop, reload))
}
