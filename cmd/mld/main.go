// Command mld is the inference daemon: it serves models over HTTP, in JSON and in
// msgpack, on TCP and on Unix sockets. Run it with --help for its settings,
// which are flags, environment variables and keys of a file; it needs none, no file and
// no privileges.
//
// SIGTERM and SIGINT let the calls in flight finish and exit 0; a second one exits
// at once. SIGHUP reads the settings and the models again.
package main

import (
	"context"
	"os"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main with its result as a value.
func run(args []string) int {
	c, source, code, ok := cli.Start[commands](&app, args)
	if !ok {
		return code
	}
	cli.SetLevel(c.LogLevel)
	log := cli.NewLogger(os.Stderr, c.LogFormat)
	source.Warn(log)
	cli.TakeTimeSlice(c.TimeSlice, log)
	stop, done := cli.StopSignals()
	defer done()
	reload, unhook := cli.ReloadSignal()
	defer unhook()
	return cli.ExitCode(log, serve(context.Background(), c.flags, source, log, stop, reload))
}
