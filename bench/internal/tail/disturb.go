package tail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/process"
)

// nothing is the disturbance of a calm run.
func nothing() error { return nil }

// beginLoops keeps every core busy at a priority.
func beginLoops(nice int) func(ctx context.Context, e *Env, _ *chain) (func() error, error) {
	return func(ctx context.Context, e *Env, _ *chain) (func() error, error) {
		var loops []*process.Server
		end := func() error {
			for _, v := range loops {
				v.Stop()
			}
			return nil
		}
		for core := range Cores() {
			v, err := e.Starter.Serve(ctx, false, e.program("pace"), "spin", strconv.Itoa(core), strconv.Itoa(nice))
			if err != nil {
				return nil, errors.Join(err, end())
			}
			loops = append(loops, v)
		}
		return end, nil
	}
}

// beginHTTP starts the process that asks over HTTP.
func beginHTTP(ctx context.Context, e *Env, c *chain) (func() error, error) {
	return e.beginNeighbour(ctx, Neighbour{Bridge: c.bridgePage, Daemon: c.daemonPage, Requests: requestsPerSecond, Scrapes: scrapesPerSecond})
}

// beginChurn starts the process whose clients come and go.
func beginChurn(ctx context.Context, e *Env, c *chain) (func() error, error) {
	return e.beginNeighbour(ctx, Neighbour{Socket: c.socket, Clients: clientsPerSecond})
}

func (e *Env) beginNeighbour(ctx context.Context, n Neighbour) (func() error, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	v, err := e.Starter.Serve(ctx, false, e.program("tails"), "-neighbour", string(text))
	if err != nil {
		return nil, err
	}
	return func() error { v.Stop(); return nil }, nil
}

// beginReloads replaces the model files and tells mld, again and again. A new file is
// renamed over the old one: mld never sees half of it.
func beginReloads(ctx context.Context, e *Env, c *chain) (func() error, error) {
	names, err := filepath.Glob(filepath.Join(e.Models, "*.onnx"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("tail: no models in %s", e.Models)
	}
	return repeat(ctx, time.Second/reloadsPerSecond, func(context.Context) error {
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if err := os.WriteFile(name+".new", data, 0o644); err != nil {
				return err
			}
			if err := os.Rename(name+".new", name); err != nil {
				return err
			}
		}
		return c.reload()
	}), nil
}

// beginRestarts ends and starts the bridge once a second, first after half of one.
func beginRestarts(ctx context.Context, _ *Env, c *chain) (func() error, error) {
	return repeat(ctx, time.Second, func(ctx context.Context) error {
		c.restarts++
		return c.restartBridge(ctx)
	}), nil
}

// repeat does something at an interval, first after half of one, until end is called;
// end gives the first error.
func repeat(ctx context.Context, every time.Duration, do func(context.Context) error) (end func() error) {
	turns, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	var failed error
	tasks.Go(func() {
		next := time.NewTimer(every / 2)
		defer next.Stop()
		for failed == nil {
			select {
			case <-next.C:
				next.Reset(every)
				failed = do(ctx) // what has begun is finished
			case <-turns.Done():
				return
			}
		}
	})
	return func() error {
		cancel()
		tasks.Wait()
		return failed
	}
}
