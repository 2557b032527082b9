// Command cached says what ml-bridge's cache is worth and what it costs: which share of
// the calls was answered without waiting for mld, and by how much a cached answer was
// off, found by putting a sample of those questions to the model itself. Run it in the
// benchmark's folder:
//
//	go run ./cmd/cached            two minutes
//	go run ./cmd/cached -quick     about forty seconds
//
// The questions are those that kernelsim's subsystems ask about recorded traces. Of
// workload and failure every subject is asked about twenty times in each sampling
// interval, as a scheduler or a healer would that decides more often than it samples; of
// memory and threat every question is a new one. Two bridges answer the same questions:
// one as it is by default and one with the fixed TTL of 100 ms. Then a bridge whose cache
// is off answers those that the client's cache (ipc/mlclient) does not, in the same two
// ways.
//
// It writes cached.json. Exit status: 0 when everything was measured, 1 otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/program"
	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/bench/internal/system"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// options is the command line.
type options struct {
	interval  time.Duration // one sampling interval
	intervals int
	out       string
}

// perInterval is how often a subject is asked about in a sampling interval.
const perInterval = 20

// longest bounds a run whatever happens.
const longest = time.Hour

func main() { program.Main("cached", longest, run) }

func run(ctx context.Context) error {
	var o options
	quick := flag.Bool("quick", false, "fewer intervals")
	flag.DurationVar(&o.interval, "interval", time.Second, "sampling interval")
	flag.IntVar(&o.intervals, "intervals", 0, "how many; 0 for 30, or 10 with -quick")
	flag.StringVar(&o.out, "out", "../out", "folder for the results; builds go to its folder bench")
	flag.Parse()
	if o.intervals == 0 {
		o.intervals = 30
		if *quick {
			o.intervals = 10
		}
	}
	if flag.NArg() > 0 || o.intervals < 1 || o.interval < perInterval*time.Millisecond {
		return errors.New("no arguments, -intervals at least 1, -interval at least 20ms")
	}
	return measure(ctx, &o)
}

// Result is one kind under one policy.
type Result struct {
	Policy string `json:"policy"`
	Kind   string `json:"kind"`
	Calls  int    `json:"calls"`
	// At once: from the cache, fresh or stale with a refresh behind it.
	Cached     int `json:"cached"`
	Refreshing int `json:"refreshing"`
	Waited     int `json:"waited"` // for the model
	Other      int `json:"other"`  // the rule, or stale for another reason
	// Of the sampled answers that were given at once, the mean and the largest distance
	// to what the model says to that very question, in shares of the value's range.
	Sampled int     `json:"sampled"`
	Error   float64 `json:"mean_error"`
	Worst   float64 `json:"worst_error"`
}

// Document is what cached.json holds.
type Document struct {
	Machine   report.Machine `json:"machine"`
	Interval  float64        `json:"interval_seconds"`
	Intervals int            `json:"intervals"`
	Results   []Result       `json:"results"`
}

// policy is one cache that is compared.
type policy struct {
	name   string
	flags  []string         // of the bridge
	client *mlclient.Config // who asks; nil: a client without a cache
}

// fixed is the TTL that caches are compared with.
const fixed = 100 * time.Millisecond

var policies = []policy{
	{name: "bridge's, fixed TTL of 100 ms", flags: []string{"--max-ttl", fixed.String()}},
	{name: "bridge's, as by default"},
	{name: "client's, fixed TTL of 100 ms", flags: off, client: &mlclient.Config{MaxTTL: fixed}},
	{name: "client's, as by default", flags: off, client: &mlclient.Config{}},
}

// off is a bridge without a cache.
var off = []string{"--ttl", "1ns", "--max-ttl", "1ns"}

func measure(ctx context.Context, o *options) error {
	doc := Document{Machine: report.ThisMachine(), Interval: o.interval.Seconds(), Intervals: o.intervals}
	e, done, err := program.Daemons(ctx, "cached", o.out, "")
	if err != nil {
		return err
	}
	defer done()
	plan, err := newPlan(ctx, o)
	if err != nil {
		return err
	}
	for i := range policies {
		p := &policies[i]
		fmt.Fprintf(os.Stderr, "%s: %d intervals of %v\n", p.name, o.intervals, o.interval)
		sys, err := system.StartChain(system.Chain{Shipped: true, Flags: p.flags})(ctx, e)
		if err != nil {
			return err
		}
		results, err := plan.ask(ctx, sys.Address, o, p)
		sys.Stop()
		if err != nil {
			return err
		}
		doc.Results = append(doc.Results, results...)
	}
	doc.table(os.Stdout)
	return program.Write(o.out, "cached", &doc)
}

// table prints the results in Markdown, as docs/cache.md has them.
func (d *Document) table(w *os.File) {
	fmt.Fprintln(w, "| kind | cache | calls | at once | fresh | refreshing | mean error | worst | sampled |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	kinds := len(d.Results) / len(policies)
	for i := range kinds {
		for p := range policies {
			r := d.Results[p*kinds+i]
			share := func(n int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(r.Calls, 1))) }
			fmt.Fprintf(w, "| %s | %s | %d | %s | %s | %s | %.3f %% | %.1f %% | %d |\n", r.Kind, r.Policy, r.Calls,
				share(r.Cached+r.Refreshing), share(r.Cached), share(r.Refreshing), 100*r.Error, 100*r.Worst, r.Sampled)
			if r.Other > 0 {
				fmt.Fprintf(os.Stderr, "%s, %s: %d calls were answered by the rule or stale for another reason\n", r.Kind, r.Policy, r.Other)
			}
		}
	}
}
