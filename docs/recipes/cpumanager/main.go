// Command cpumanager is a CPU manager in small: every interval it asks the bridge what
// share of the machine each of the busiest processes will need next, turns the answers
// into weights as cgroups and sched_ext schedulers take them, and tells the bridge what
// the processes really used, so that model and rule are scored.
//
//	go run ./docs/recipes/cpumanager -every 1s -rounds 10
//
// It only prints. A manager of cgroups would write the weight to their cpu.weight, a
// sched_ext agent into the BPF map that its scheduler reads; the place is marked.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cpumanager:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("cpumanager", flag.ExitOnError)
	socket := f.String("socket", "", "the bridge's socket; found by itself when empty")
	proc := f.String("proc", "/proc", "where procfs is")
	every := f.Duration("every", time.Second, "the interval")
	rounds := f.Int("rounds", 0, "intervals to run; 0: until interrupted")
	top := f.Int("top", 5, "processes to manage")
	if err := f.Parse(args); err != nil {
		return err
	}
	client := mlclient.New(mlclient.Config{Path: *socket, Name: "cpumanager"})
	defer client.Close()
	watch := watcher{proc: *proc, capacity: float64(runtime.NumCPU())}
	if err := watch.look(time.Now()); err != nil { // the first look has nothing to compare with
		return err
	}
	tick := time.NewTicker(*every)
	defer tick.Stop()
	for round := 1; *rounds == 0 || round <= *rounds; round++ {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := watch.look(now); err != nil {
				return err
			}
			manage(ctx, client, &watch, *top, now, out)
		}
	}
	return nil
}

// manage asks about the busiest agents in one call: they leave as one frame.
func manage(ctx context.Context, client ipc.Predictor, watch *watcher, top int, now time.Time, out io.Writer) {
	if outcomes := watch.outcomes(); len(outcomes) > 0 {
		// Lost when the bridge is away: it forgot the predictions anyway.
		_ = client.Outcomes(ctx, outcomes)
	}
	agents := watch.busiest(top)
	questions, replies := make([]ipc.Request, len(agents)), make([]ipc.Reply, len(agents))
	for i, a := range agents {
		questions[i] = a.question(now)
	}
	if err := client.Predict(ctx, questions, replies, ipc.Options{Budget: time.Millisecond}); err != nil {
		fmt.Fprintln(out, err)
		return
	}
	fmt.Fprintf(out, "%8s  %-16s %7s %7s %7s  %s\n", "pid", "program", "now", "next", "weight", "from")
	for i, a := range agents {
		r := &replies[i]
		a.asked = r.PredictionID
		weight := weightOf(r.Workload.CPU)
		// Here a manager applies the weight.
		from := r.Source.String() + " " + r.Model
		if r.Reason != ipc.ReasonNone {
			from += ", " + r.Reason.String()
		}
		fmt.Fprintf(out, "%8d  %-16.16s %6.1f%% %6.1f%% %7d  %s\n", a.pid, a.name, 100*a.now.CPU, 100*r.Workload.CPU, weight, from)
	}
}

// weightOf makes a share of the machine a cpu.weight (cgroup-v2.rst): 1 to 10,000, in
// proportion to what is needed, so that under contention each gets that much.
func weightOf(share float32) int { return min(max(int(share*10_000), 1), 10_000) }
