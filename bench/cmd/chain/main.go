// Command chain measures the whole data path of mlbridge and its peers side by side,
// each as client and server processes with the same payloads, and writes bench.json and
// bench.svg. Run it in the benchmark's folder:
//
//	go run ./cmd/chain           everything, about nine minutes
//	go run ./cmd/chain -quick    the same rows in under a minute, without the origin
//
// It builds what it needs (the two daemons, the C floor) and leaves no process behind.
// Exit status: 0 when every row was measured or is known to be missing, 1 on failure.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/client"
	"github.com/mlbridge/mlbridge/bench/internal/server"
)

// options is the command line.
type options struct {
	quick    bool
	rounds   int
	seconds  float64
	only     *regexp.Regexp
	noOrigin bool
	oneCore  bool
	out      string
	bin      string

	// The program's other roles, in processes of their own.
	serve string
	ask   string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "chain:", err)
		os.Exit(1)
	}
}

func run() error {
	o, rest, err := parse()
	if err != nil {
		return err
	}
	switch {
	case o.serve != "":
		if len(rest) != 1 {
			return fmt.Errorf("-serve wants an address")
		}
		return server.Run(o.serve, rest[0])
	case o.ask != "":
		return answer(o.ask)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return compare(ctx, o)
}

// longest bounds a run whatever happens.
const longest = 30 * time.Minute

func parse() (o options, rest []string, err error) {
	only := ""
	flag.BoolVar(&o.quick, "quick", false, "one short round, without the origin")
	flag.IntVar(&o.rounds, "rounds", 0, "rounds; 0 for 5, or 1 with -quick")
	flag.Float64Var(&o.seconds, "seconds", 0, "measured time of a row in a round and placement; 0 for 1, or 0.25 with -quick")
	flag.StringVar(&only, "rows", "", "regular expression for the names of the rows to measure")
	flag.BoolVar(&o.noOrigin, "no-origin", false, "leave out the row that needs node and npm")
	flag.BoolVar(&o.oneCore, "one-core", false, "measure with all processes on one core only, for the ratios")
	flag.StringVar(&o.out, "out", "../out", "folder for the results; builds go to its folder bench")
	flag.StringVar(&o.bin, "bin", "", "folder with ml-bridge and mld to measure instead of building them")
	flag.StringVar(&o.serve, "serve", "", "run as a peer's server (used by this program itself)")
	flag.StringVar(&o.ask, "ask", "", "run as a client (used by this program itself)")
	flag.Parse()
	if o.rounds < 0 || o.seconds < 0 || o.seconds > 60 {
		return o, nil, fmt.Errorf("-rounds must not be negative, -seconds must be in 0..60")
	}
	if o.rounds == 0 {
		o.rounds = 5
		if o.quick {
			o.rounds = 1
		}
	}
	if o.seconds == 0 {
		o.seconds = 1
		if o.quick {
			o.seconds = 0.25
		}
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return o, nil, fmt.Errorf("-rows: %w", err)
	}
	return o, flag.Args(), nil
}

// answer is the program as a client: a Spec comes as an argument, the result leaves on
// standard output.
func answer(text string) error {
	var s client.Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	r, err := client.Run(context.Background(), s)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
