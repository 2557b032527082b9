// Command ml-bridge answers prediction requests on a Unix socket inside their
// budget, and over HTTP, asking mld for what it does not know. Run it with --help
// for its settings, which are flags, environment variables and keys of a file; it needs
// none, no file and no privileges.
//
// SIGTERM and SIGINT drain: peers are told to go away, calls in flight are
// answered, exit 0; a second signal exits at once. SIGHUP reads the settings again.
package main

import (
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
	noted := new(notices)
	log := cli.NewLogger(os.Stderr, c.LogFormat, noted)
	source.Warn(log)
	cli.TakeTimeSlice(c.TimeSlice, log)
	stop, done := cli.StopSignals()
	defer done()
	reload, unhook := cli.ReloadSignal()
	defer unhook()
	return cli.ExitCode(log, serve(c.flags, source, log, noted, stop, reload))
}
