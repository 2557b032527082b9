// Command load holds connections to a bridge and asks on all of them without pause, to
// see what a restart costs. Every question has time enough for any restart; so each
// answer that does not come, each connection that ends, and each goodbye is a failure.
//
//	load -socket /run/mlbridge/bridge.sock -connections 50 -for 20s
//
// It prints one line of JSON, and ends with 1 where anything failed.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// report is what is printed.
type report struct {
	Connections int            `json:"connections"`
	Calls       int64          `json:"calls"`
	Failed      int64          `json:"failed"`
	GoAways     int64          `json:"goaways"`
	Sources     map[string]int `json:"sources"`
	LongestMS   float64        `json:"longest_ms"` // a restart, seen from outside
	First       string         `json:"first_failure,omitempty"`
}

// patience is more than any restart takes, also where other work leaves it no processor.
const patience = 30 * time.Second

func main() {
	socket := flag.String("socket", "/run/mlbridge/bridge.sock", "the bridge's socket")
	connections := flag.Int("connections", 50, "connections to hold")
	pause := flag.Duration("pause", time.Millisecond, "between two questions of a connection")
	steady := flag.Bool("steady", false, "a connection asks the same all the time; else its question changes every thousand calls")
	length := flag.Duration("for", 10*time.Second, "how long, or until SIGTERM")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *length)
	defer cancel()
	r := run(ctx, *socket, *connections, *pause, *steady)
	_ = json.NewEncoder(os.Stdout).Encode(r)
	if r.Failed > 0 || r.GoAways > 0 || r.Calls == 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, socket string, connections int, pause time.Duration, steady bool) report {
	var calls, failed, goAways atomic.Int64
	var mu sync.Mutex
	r := report{Connections: connections, Sources: make(map[string]int)}
	fail := func(err error) {
		failed.Add(1)
		mu.Lock()
		defer mu.Unlock()
		if r.First == "" {
			r.First = err.Error()
		}
	}
	var all sync.WaitGroup
	for i := range connections {
		c, err := ipc.Dial(ctx, socket, ipc.ClientConfig{Name: "load", Handshake: patience, OnGoAway: func(string) { goAways.Add(1) }})
		if err != nil {
			fail(err)
			continue
		}
		all.Go(func() {
			defer c.Close()
			sources := make(map[string]int)
			longest := time.Duration(0)
			for n := 0; ctx.Err() == nil; n++ {
				began := time.Now()
				change := n / 1000
				if steady {
					change = 0
				}
				source, err := ask(c, i, change)
				calls.Add(1)
				if err != nil {
					fail(fmt.Errorf("connection %d, call %d: %w", i, n, err))
					break
				}
				sources[source]++
				longest = max(longest, time.Since(began))
				time.Sleep(pause)
			}
			mu.Lock()
			defer mu.Unlock()
			for s, n := range sources {
				r.Sources[s] += n
			}
			r.LongestMS = max(r.LongestMS, float64(longest)/float64(time.Millisecond))
		})
	}
	all.Wait()
	r.Calls, r.Failed, r.GoAways = calls.Load(), failed.Load(), goAways.Load()
	return r
}

// ask asks about one of a hundred components, which is as it is after so many changes.
func ask(c *ipc.Client, connection, change int) (source string, err error) {
	q := &ipc.FailureRequest{
		Component: fmt.Sprintf("load-%d", connection%100), HealthScore: float32(change%10) / 10,
		CurrentValue: 0.5, Baseline: 0.4, TimeSinceLastFailure: ^uint64(0),
	}
	replies := make([]ipc.Reply, 1)
	// Not the run's context: what was asked is answered, also at its end.
	if err := c.Predict(context.Background(), []ipc.Request{q}, replies, ipc.Options{Budget: patience}); err != nil {
		return "", err
	}
	if replies[0].Status != ipc.StatusOK {
		return "", fmt.Errorf("%v: %s", replies[0].Status, replies[0].Error)
	}
	return replies[0].Source.String(), nil
}
