// Command overload measures what ml-bridge does with more questions than its daemon can
// answer: at loads from half of that to ten times it, how many questions the model answers
// in time, and how those of the high class fare. Run it in the benchmark's folder:
//
//	go run ./cmd/overload
//
// The daemon is one worker that takes a fixed time for each question and no processor, so
// that it is what is overloaded and not the machine. The load is an open loop through the
// socket, and time counts from the intended start. Every question is a new one, so that no
// cache helps. One call in twenty is of the high class, half are of the low one. Beside the
// load a process sleeps, on each processor, to tell what the machine itself is late for.
//
// It writes overload.json. Exit status: 0 when everything was measured, 1 otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/program"
	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/bench/internal/system"
	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// options is the command line.
type options struct {
	service time.Duration // the daemon's time for a question
	budget  time.Duration
	run     time.Duration // measured at each load
	out     string
	bin     string
	only    []float64 // of loads; all when empty
	serve   string
}

// loads are multiples of what the daemon can answer.
var loads = []float64{0.5, 0.8, 1, 1.2, 1.5, 2, 5, 10}

// longest bounds a run whatever happens.
const longest = time.Hour

func main() { program.Main("overload", longest, run) }

func run(ctx context.Context) error {
	var o options
	flag.DurationVar(&o.service, "service", 400*time.Microsecond, "the daemon's time for a question")
	flag.DurationVar(&o.budget, "budget", 4*time.Millisecond, "of a call")
	flag.DurationVar(&o.run, "run", 5*time.Second, "measured at each load")
	flag.StringVar(&o.out, "out", "../out", "folder for the results; builds go to its folder bench")
	flag.StringVar(&o.bin, "bin", "", "folder with ml-bridge and mld to use instead of building them")
	flag.Func("load", "measure this multiple only; may be given more than once", func(s string) error {
		v, err := strconv.ParseFloat(s, 64)
		if err == nil && !slices.Contains(loads, v) {
			err = fmt.Errorf("want one of %v", loads)
		}
		o.only = append(o.only, v)
		return err
	})
	flag.StringVar(&o.serve, "serve", "", "run as the daemon (used by this program itself)")
	flag.Parse()
	if flag.NArg() > 0 || o.service < time.Microsecond || o.budget <= 0 || o.run <= 0 {
		return errors.New("no arguments, -service at least 1µs, -budget and -run above 0")
	}
	// The threads that make the calls, and the daemon's worker, wait in system calls, and
	// each takes one of Go's processors with it until the runtime notices: with two
	// everything else in the process stood still for up to 20 ms.
	runtime.GOMAXPROCS(runtime.NumCPU() + 2)
	if o.serve != "" {
		return serveDaemon(ctx, o.serve, o.service)
	}
	return measure(ctx, &o)
}

// leftLate is ml-bridge's count of its late answers.
const leftLate = `mlbridge_late_answers_total{kind="workload"}`

// Document is what overload.json holds.
type Document struct {
	Machine report.Machine `json:"machine"`
	Service float64        `json:"service_seconds"`
	Budget  float64        `json:"budget_seconds"`
	Points  []Point        `json:"points"`
}

func measure(ctx context.Context, o *options) error {
	e, done, err := program.Daemons(ctx, "overload", o.out, o.bin)
	if err != nil {
		return err
	}
	defer done()
	socket := filepath.Join(e.Temp, "daemon.sock")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	daemon, err := e.Starter.Serve(ctx, false, self, "-serve", socket, "-service", o.service.String())
	if err != nil {
		return err
	}
	defer daemon.Stop()
	sys, err := system.StartBridge(ctx, e, "unix:"+socket, "--budget", o.budget.String())
	if err != nil {
		return err
	}
	defer sys.Stop()
	doc := Document{Machine: report.ThisMachine(), Service: o.service.Seconds(), Budget: o.budget.Seconds()}
	g, err := newGenerator(ctx, sys.Address, o)
	if err != nil {
		return err
	}
	defer g.close()
	capacity := float64(time.Second) / float64(o.service)
	for _, load := range loads {
		if len(o.only) > 0 && !slices.Contains(o.only, load) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%g × %.0f/s\n", load, capacity)
		before, err := system.Scrape(sys.HTTP, leftLate)
		if err != nil {
			return err
		}
		beside, err := hiccup.Start(sleepEvery, allowed)
		if err != nil {
			return err
		}
		p, err := g.point(ctx, load, load*capacity, beside)
		beside.Kill()
		if err != nil {
			return err
		}
		after, err := system.Scrape(sys.HTTP, leftLate)
		if err != nil {
			return err
		}
		p.Left = (after - before) / (p.Offered * (o.run + warmup).Seconds())
		doc.Points = append(doc.Points, p)
	}
	doc.table(os.Stdout)
	return program.Write(o.out, "overload", &doc)
}

// table prints the points in Markdown, as docs/overload.md has them. What the model can
// answer in time is what is offered, or the most of the run.
func (d *Document) table(w *os.File) {
	most := 0.0
	for _, p := range d.Points {
		most = max(most, p.Goodput)
	}
	fmt.Fprintln(w, "| load | offered/s | model in time/s | of what it can | high: model in time | high: in time | valid windows | high in them: in time | of calls | left ml-bridge late | all: in time | p99 µs | failed | started late p99 µs |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, p := range d.Points {
		fmt.Fprintf(w, "| %g × | %.0f | %.0f | %.0f %% | %.1f %% | %.2f %% | %d of %d | %.2f %% | %d | %.2f %% | %.2f %% | %s | %.2f %% | %.0f |\n",
			p.Load, p.Offered, p.Goodput, min(100*p.Goodput/min(most, p.Offered), 100), 100*p.HighByModel, 100*p.HighInTime,
			p.Valid, p.Windows, 100*float64(p.HighKept)/float64(max(p.HighCalls, 1)), p.HighCalls, 100*p.Left, 100*p.InTime, load.Micros(p.P99/1e3), 100*p.Dropped, p.Late/1e3)
	}
}
