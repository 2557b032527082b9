// Command regress measures two states of the product in one run, interleaved, and says
// what got worse from the old to the new: the time of a call as a ratio to the C floor,
// its CPU and its allocations. Run it in the benchmark's folder:
//
//	go run ./cmd/regress                    the work tree against the last release
//	go run ./cmd/regress -against HEAD~5    against a commit
//	go run ./cmd/regress -new v1.2.0 -against v1.1.0
//
// Both sides' ml-bridge, mld and client program are built from their own files; the
// commit's come from an archive in a temporary folder. Exit status: 0 when nothing got
// worse, 1 when something did, 2 when it could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// options is the command line.
type options struct {
	fresh   string // the new side
	against string // the old one
	only    *regexp.Regexp
	rounds  int
	run     time.Duration
	out     string
	lock    string
}

// defaultRows are the rows with one call in flight that our own code answers. Those
// that end in -raw have the C client: they tell a change of the servers from one of the
// Go client.
const defaultRows = `^(client-hit|(bridge-hit|cold-http-unix)(-raw)?|cold-(http-tcp|embedded|failure|http-unix-1ms)|shipped-.*)$`

// quickRows are one row for each of the three ways to an answer.
const quickRows = `^(client-hit|bridge-hit|cold-http-unix)$`

// longest bounds a run whatever happens.
const longest = time.Hour

var errWorse = errors.New("something got worse")

func main() {
	err := run()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "regress:", err)
	if errors.Is(err, errWorse) {
		os.Exit(1)
	}
	os.Exit(2)
}

func run() error {
	o, err := parse()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return compareTrees(ctx, &o)
}

func parse() (o options, err error) {
	only, quick, seconds := "", false, 0.0
	flag.StringVar(&o.fresh, "new", "..", "the new state: a folder with the product, or a commit")
	flag.StringVar(&o.against, "against", "", "the old state: a commit, or a folder; empty for the last release")
	flag.StringVar(&only, "rows", defaultRows, "regular expression for the names of the rows to measure")
	flag.BoolVar(&quick, "quick", false, "three rows and eight pairs")
	flag.IntVar(&o.rounds, "rounds", 0, "pairs of measurements; 0 for 15, or 8 with -quick")
	flag.Float64Var(&seconds, "seconds", 0.25, "measured time of a row, each side and round")
	flag.StringVar(&o.out, "out", "../out", "folder for regress.json; builds go to its folder regress")
	flag.StringVar(&o.lock, "lock", "", "file to lock while measuring, for benchmarks that take turns")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 0 || seconds <= 0 || seconds > 60 {
		return o, errors.New("no arguments, -rounds at least 0, -seconds in (0, 60]")
	}
	o.run = time.Duration(seconds * float64(time.Second))
	if o.rounds == 0 {
		o.rounds = 15
		if quick {
			o.rounds = 8
		}
	}
	if quick && only == defaultRows {
		only = quickRows
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return o, fmt.Errorf("-rows: %w", err)
	}
	return o, nil
}
