package main

import (
	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

// commands is the command line.
type commands struct {
	cli.Common

	Run     runCommand     `cmd:"" default:"withargs" help:"Run the four subsystems, then measure the load, and report both: what kernelsim does without a command."`
	Load    loadCommand    `cmd:"" help:"Measure the load alone; the subsystems only collect questions, and rules decide."`
	Sources sourcesCommand `cmd:"" help:"Show what the sources of the subsystems' input are, here and now."`
	Replay  replayCommand  `cmd:"" help:"Play a recording of ml-bridge --record back, and compare answers and latencies."`
	cli.Pages

	ExitZero bool `help:"End with 0 whatever the verdict, once there is one (of a run that is interrupted there is none)." group:"judge"`
}

var app = cli.App{
	Name: "kernelsim", Title: "play the kernel against a running ml-bridge, and measure the answers",
	Env: "KERNELSIM", Section: 1,
	Description: "Four subsystems (scheduler, memory manager, healing, security) ask the bridge for predictions on its socket and act on them; " +
		"then a load is measured, each answer from the moment at which its question should have left. " +
		"Without any command or flag: both, against the default socket, in about 20 seconds.",
	Groups: []kong.Group{
		{Key: "whom", Title: "Whom it asks"},
		{Key: "load", Title: "The load"},
		{Key: "judge", Title: "The verdict"},
		{Key: "sees", Title: "What the subsystems see"},
		{Key: "report", Title: "The report"},
	},
	Sections: []cli.Section{
		{Title: "Examples", Text: `  kernelsim                                      the whole, against the bridge on this machine
  kernelsim load --rate=5000 --duration=30s      the load alone
  kernelsim load --closed-loop=64 --client=wire  the most that can be had
  kernelsim --out=report                         with report.html, report.json and report.txt
  kernelsim replay recording                     what ml-bridge --record wrote, played back`},
		{Title: "A bridge that serves others", Text: `What the subsystems report back is about recorded programs, and models are
judged by it, and demoted, for everybody who asks. Let load alone measure
such a bridge: it reports nothing.`},
		{Title: "Exit status", Text: exitCodes},
		{Title: "Files", ManualOnly: true, Text: `/run/mlbridge/bridge.sock: where a bridge is looked for first.`},
	},
	SeeAlso: "ml-bridge(8), mld(8), /usr/share/doc/mlbridge/docs/README.md",
}
