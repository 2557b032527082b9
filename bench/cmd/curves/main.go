// Command curves measures how cost grows with work (connections, agents, batches, load
// to saturation and beyond), names each curve's knee, and writes curves.json and
// curves.svg. Run it in the benchmark's folder:
//
//	go run ./cmd/curves            all curves, about five minutes
//	go run ./cmd/curves -quick     the same in about a minute
//	go run ./cmd/curves -markdown  tables for docs/scaling.md instead of the plain ones
//
// It builds the two daemons, starts them afresh for every curve and leaves no process
// behind. docs/scaling.md says how everything is measured. Exit status: 0 when every
// curve was measured, 1 when one was not.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/program"
	"github.com/mlbridge/mlbridge/bench/internal/scale"
)

// options is the command line.
type options struct {
	quick    bool
	markdown bool
	only     *regexp.Regexp
	out      string
	bin      string
	measure  string // the program's other role: a client process
}

// longest bounds a run whatever happens.
const longest = 30 * time.Minute

func main() { program.Main("curves", longest, start) }

func start(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	if o.measure != "" {
		return answer(ctx, o.measure)
	}
	return measure(ctx, &o)
}

func parse() (o options, err error) {
	only := ""
	flag.BoolVar(&o.quick, "quick", false, "shorter measurements, one round")
	flag.BoolVar(&o.markdown, "markdown", false, "print the tables as Markdown")
	flag.StringVar(&only, "curves", "", "regular expression for the names of the curves to measure")
	flag.StringVar(&o.out, "out", "../out", "folder for the results; builds go to its folder bench")
	flag.StringVar(&o.bin, "bin", "", "folder with ml-bridge and mld to measure instead of building them")
	flag.StringVar(&o.measure, "measure", "", "run as a client (used by this program itself)")
	flag.Parse()
	if flag.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return o, fmt.Errorf("-curves: %w", err)
	}
	return o, nil
}

// answer is the program as a client: a Spec comes as an argument, the points leave on
// standard output.
func answer(ctx context.Context, text string) error {
	var s scale.Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	points, err := scale.Run(ctx, &s)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(points)
}
