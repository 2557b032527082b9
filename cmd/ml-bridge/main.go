// Command ml-bridge answers prediction requests on a Unix socket inside their
// budget, and over HTTP, asking mld for what it does not know. Run it with --help
// for its flags, each of which has an environment variable; it needs none, no file
// and no privileges.
//
// SIGTERM and SIGINT drain: peers are told to go away, calls in flight are
// answered, exit 0; a second signal exits at once.
package main

import (
	"os"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main with its result as a value.
func run(args []string) int {
	var f flags
	if !cli.Parse("ml-bridge", description, &f, args) {
		return cli.ExitUsage
	}
	log := cli.NewLogger(os.Stderr, f.LogFormat)
	stop, done := cli.StopSignals()
	defer done()
	return cli.ExitCode(log, serve(f, log, stop))
}
