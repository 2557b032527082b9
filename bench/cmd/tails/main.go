// Command tails measures the slowest answers of ml-bridge at a fixed rate while something
// disturbs it: garbage collection, busy loops on every core, models that are replaced,
// clients that come and go, a bridge that restarts. Run it in the benchmark's folder:
//
//	go run ./cmd/tails           everything, about eight minutes
//	go run ./cmd/tails -quick    the same in about a minute, good for a first look only
//
// It writes tails.json and tails.svg, and leaves no process behind. Exit status: 0 when
// everything was measured and every disturbance took place, 1 otherwise.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/program"
	"github.com/mlbridge/mlbridge/bench/internal/tail"
)

// options is the command line.
type options struct {
	rate       int
	rounds     int
	run        time.Duration
	conditions *regexp.Regexp
	markdown   bool
	out        string
	bin        string
	lock       string

	// The program's other roles, in processes of their own.
	ask       string
	neighbour string
}

// longest bounds a run whatever happens.
const longest = time.Hour

func main() { program.Main("tails", longest, run) }

func run(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	switch {
	case o.ask != "":
		out, err := tail.Answer(ctx, o.ask)
		if err == nil {
			_, err = os.Stdout.Write(out)
		}
		return err
	case o.neighbour != "":
		var n tail.Neighbour
		if err := json.Unmarshal([]byte(o.neighbour), &n); err != nil {
			return err
		}
		return n.Live(ctx)
	}
	return measure(ctx, &o)
}

func parse() (o options, err error) {
	quick, only, seconds := false, "", 0.0
	flag.BoolVar(&quick, "quick", false, "one short round")
	flag.IntVar(&o.rate, "rate", 2000, "calls a second")
	flag.IntVar(&o.rounds, "rounds", 0, "rounds; 0 for 5, or 1 with -quick")
	flag.Float64Var(&seconds, "seconds", 0, "measured time of each kind of call in a condition and round; 0 for 2, or 1 with -quick")
	flag.StringVar(&only, "conditions", "", "regular expression for the names of the conditions to measure")
	flag.BoolVar(&o.markdown, "markdown", false, "print the table for docs/tails.md instead of the one for people")
	flag.StringVar(&o.out, "out", "../out", "folder for the results; builds go to its folder bench")
	flag.StringVar(&o.bin, "bin", "", "folder with ml-bridge and mld to measure instead of building them")
	flag.StringVar(&o.lock, "lock", "", "file to lock while measuring, for benchmarks that take turns")
	flag.StringVar(&o.ask, "ask", "", "run as a client (used by this program itself)")
	flag.StringVar(&o.neighbour, "neighbour", "", "run as a disturbance (used by this program itself)")
	flag.Parse()
	if flag.NArg() > 0 || o.rate < 1 || o.rate > 100_000 || o.rounds < 0 || seconds < 0 || seconds > 600 {
		return o, errors.New("no arguments, -rate in 1..100000, -rounds at least 0, -seconds in 0..600")
	}
	if o.conditions, err = regexp.Compile(only); err != nil {
		return o, fmt.Errorf("-conditions: %w", err)
	}
	if o.rounds == 0 {
		o.rounds = 5
		if quick {
			o.rounds = 1
		}
	}
	if seconds == 0 {
		seconds = 2
		if quick {
			seconds = 1
		}
	}
	o.run = time.Duration(seconds * float64(time.Second))
	return o, nil
}
