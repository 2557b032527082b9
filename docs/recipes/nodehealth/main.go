// Command nodehealth watches a node's memory, cpu and io and says which of them is
// about to fail, as conditions that a node agent can publish (Kubernetes' node problem
// detector has the same form). It reads pressure stall information and /proc, asks the
// bridge, and tells it afterwards whether the component did fail.
//
//	go run ./docs/recipes/nodehealth -every 5s
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "nodehealth:", err)
		os.Exit(1)
	}
}

// condition is one line of the output.
type condition struct {
	Component   string  `json:"component"`
	Status      bool    `json:"status"` // true: a failure is more likely than not
	Probability float32 `json:"probability"`
	InSeconds   float64 `json:"in_seconds,omitempty"` // until it, where that is told
	Health      float32 `json:"health"`
	Source      string  `json:"source"`
	Model       string  `json:"model"`
	Reason      string  `json:"reason,omitempty"` // why it was not the model, or not fresh from it
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("nodehealth", flag.ExitOnError)
	socket := f.String("socket", "", "the bridge's socket; found by itself when empty")
	proc := f.String("proc", "/proc", "where procfs is")
	every := f.Duration("every", 5*time.Second, "the interval")
	rounds := f.Int("rounds", 0, "intervals to run; 0: until interrupted")
	if err := f.Parse(args); err != nil {
		return err
	}
	client := mlclient.New(mlclient.Config{Path: *socket, Name: "nodehealth"})
	defer client.Close()
	before, err := look(*proc, time.Now())
	if err != nil {
		return err
	}
	parts := []*component{{name: "memory"}, {name: "cpu"}, {name: "io"}}
	say := json.NewEncoder(out)
	tick := time.NewTicker(*every)
	defer tick.Stop()
	for round := 1; *rounds == 0 || round <= *rounds; round++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now, err := look(*proc, time.Now())
		if err != nil {
			return err
		}
		for i, r := range now.since(before) {
			parts[i].observe(r, now.at)
		}
		before = now
		if err := ask(ctx, client, parts, now.at, say); err != nil {
			return err
		}
	}
	return nil
}

// ask puts one question about each component, in one call. A bridge has a millisecond;
// a node agent could wait longer, but needs not.
func ask(ctx context.Context, client ipc.Predictor, parts []*component, now time.Time, say *json.Encoder) error {
	questions, replies := make([]ipc.Request, len(parts)), make([]ipc.Reply, len(parts))
	var outcomes []ipc.Outcome
	for i, c := range parts {
		questions[i] = c.question(now)
		outcomes = c.settle(outcomes)
	}
	if len(outcomes) > 0 {
		_ = client.Outcomes(ctx, outcomes) // lost when the bridge is away
	}
	if err := client.Predict(ctx, questions, replies, ipc.Options{Budget: time.Millisecond}); err != nil {
		return err
	}
	for i, c := range parts {
		r := &replies[i]
		c.asked = append(c.asked, asked{id: r.PredictionID, reading: c.readings, at: now})
		line := condition{
			Component: c.name, Status: r.Failure.Probability > 0.5, Probability: r.Failure.Probability,
			Health: c.health[len(c.health)-1], Source: r.Source.String(), Model: r.Model, Reason: r.Reason.String(),
		}
		if t := r.Failure.PredictedTime; t.Valid {
			line.InSeconds = time.Duration(t.Value).Seconds()
		}
		if err := say.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
