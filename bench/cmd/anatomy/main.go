// Command anatomy says where the microseconds of a call go: of the C floor, of an answer
// from the bridge's cache, and of a call to the model in the bridge, over a Unix socket
// and over TCP, all on one core. Run it in the benchmark's folder:
//
//	go run ./cmd/anatomy             about two minutes
//	go run ./cmd/anatomy -markdown   prints the tables of docs/anatomy.md
//	go run ./cmd/anatomy -markdown -from ../out/anatomy.json
//
// It writes anatomy.json and anatomy.svg, and leaves no process behind. Exit status: 0
// when everything was measured, 1 otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/program"
)

// options is the command line.
type options struct {
	rounds   int
	run      time.Duration
	micro    time.Duration
	markdown bool
	out      string
	lock     string
	from     string
}

// longest bounds a run whatever happens.
const longest = 30 * time.Minute

func main() { program.Main("anatomy", longest, run) }

func run(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	if o.from != "" {
		return again(&o)
	}
	return dissect(ctx, &o)
}

func parse() (o options, err error) {
	seconds := 0.0
	flag.IntVar(&o.rounds, "rounds", 5, "rounds")
	flag.Float64Var(&seconds, "seconds", 1, "measured time of each kind of call in a round")
	flag.DurationVar(&o.micro, "benchtime", 200*time.Millisecond, "time of each micro-benchmark in a round")
	flag.BoolVar(&o.markdown, "markdown", false, "print the tables for docs/anatomy.md instead of those for people")
	flag.StringVar(&o.out, "out", "../out", "folder for the results; builds go to its folder anatomy")
	flag.StringVar(&o.lock, "lock", "", "file to lock while measuring, for benchmarks that take turns")
	flag.StringVar(&o.from, "from", "", "an anatomy.json to report again instead of measuring")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 || seconds < 0.3 || seconds > 60 || o.micro <= 0 || o.micro > time.Minute {
		return o, errors.New("no arguments, -rounds at least 1, -seconds in 0.3..60, -benchtime in (0, 1m]")
	}
	o.run = time.Duration(seconds * float64(time.Second))
	return o, nil
}
