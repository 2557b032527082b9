package scenario

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// LoadConfig says how the load phase goes.
type LoadConfig struct {
	Predictors []ipc.Predictor // ways to the bridge: one per connection
	Mix        *drive.Mix
	Schedule   string // for load.ParsePacer; unused by a closed loop
	Seed       uint64
	Workers    int // a closed loop of so many workers; 0 is an open loop
	Duration   time.Duration
	Warmup     time.Duration
	Budget     time.Duration
	Callers    int // calls under way at a time, open loop
}

// LoadRun is a load phase that is going on.
type LoadRun struct {
	load.Run
	driver *drive.Driver
	once   sync.Once
}

// StartLoad asks the pool's questions until the duration or ctx ends.
func StartLoad(ctx context.Context, cfg LoadConfig, pool *advice.Pool) (*LoadRun, error) {
	clock := load.NewMonotonic(0)
	dc := drive.Config{Predictors: cfg.Predictors, Clock: clock, Budget: cfg.Budget, Callers: max(cfg.Callers, 1)}
	for _, k := range cfg.Mix.Kinds() {
		qs := pool.Requests(k)
		if len(qs) == 0 {
			return nil, fmt.Errorf("no %s question was collected: give %s a source, watch it for longer, or leave it out of the mix", k, k)
		}
		dc.Questions = append(dc.Questions, qs)
	}
	o := load.Options{
		Duration: cfg.Duration, Warmup: cfg.Warmup, Budget: cfg.Budget,
		Labels: cfg.Mix.Labels(), LabelOf: cfg.Mix.LabelOf, Sources: drive.Sources, Reasons: drive.Reasons,
		Workers: cfg.Workers, MaxInFlight: dc.Callers, Clock: clock,
	}
	if cfg.Workers == 0 {
		pacer, err := load.ParsePacer(cfg.Schedule, cfg.Seed)
		if err != nil {
			return nil, err
		}
		o.Pacer = pacer
	}
	driver, err := drive.New(dc)
	if err != nil {
		return nil, err
	}
	var run load.Run
	if cfg.Workers > 0 {
		run, err = load.StartClosed(ctx, o, driver.Call)
	} else {
		run, err = load.StartOpen(ctx, o, driver)
	}
	if err != nil {
		driver.Close()
		return nil, err
	}
	return &LoadRun{Run: run, driver: driver}, nil
}

// Wait returns the result when the phase has ended.
func (r *LoadRun) Wait() *load.Result {
	res := r.Run.Wait()
	r.once.Do(r.driver.Close)
	return res
}
