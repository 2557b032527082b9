package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"

	"github.com/prometheus/procfs"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/healing"
	"github.com/mlbridge/mlbridge/kernelsim/memory"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scheduler"
	"github.com/mlbridge/mlbridge/kernelsim/security"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// results is what a subsystem has to say at the end, and in between.
type results interface {
	Comparisons(full bool) []report.Comparison
	Effects() []report.Effect
}

// runner is one subsystem on one source.
type runner struct {
	kind    ipc.Kind
	origin  source.Origin
	name    string
	advisor *advice.Advisor

	mu      sync.Mutex // guards results, which a live view reads while they grow
	results results
	// run goes on until the input or ctx ends, and closes the source; close is for one
	// that will not be run.
	run   func(ctx context.Context) error
	close func() error
}

// names of the subsystems, as the kernel's people call them.
var names = map[ipc.Kind]string{
	ipc.Workload: "scheduler", ipc.Memory: "memory", ipc.Failure: "healing", ipc.Threat: "security",
}

// thresholds by kind: the packages say why.
var thresholds = map[ipc.Kind]float32{
	ipc.Workload: scheduler.Threshold, ipc.Memory: memory.Threshold,
	ipc.Failure: healing.Threshold, ipc.Threat: security.Threshold,
}

// Thresholds are the confidences, by kind, from which the subsystems act on the
// model: for whoever else decides between model and rule, to decide as they do.
func Thresholds() map[ipc.Kind]float32 { return maps.Clone(thresholds) }

// newRunner opens the source and builds the subsystem on it.
func newRunner(cfg *Config, kind ipc.Kind, origin source.Origin) (*runner, error) {
	r := &runner{kind: kind, origin: origin, name: fmt.Sprintf("%s (%s)", names[kind], origin)}
	r.advisor = advice.New(advice.Config{
		Kind: kind, Predictor: cfg.Predictor, Threshold: thresholds[kind], Budget: cfg.Budget, Pool: cfg.Pool,
	})
	var err error
	switch kind {
	case ipc.Workload:
		s := scheduler.New(r.name, r.advisor)
		err = attach(r, s, openUsage, cfg, s.Step, nil)
	case ipc.Failure:
		h := healing.New(r.name, r.advisor)
		err = attach(r, h, openReadings, cfg, h.Step, nil)
	case ipc.Memory:
		m := memory.New(r.name, r.advisor)
		err = attach(r, m, openFaults, cfg, m.Step, nil)
	case ipc.Threat:
		s := security.New(r.name, r.advisor)
		err = attach(r, s, openCalls, cfg, s.Step, s.Finish)
	}
	if err != nil {
		return nil, fmt.Errorf("%s from %s: %w", kind, origin, err)
	}
	return r, nil
}

// attach gives r a loop that moves samples from the source to the subsystem.
func attach[T any](r *runner, res results, open func(*Config, source.Origin) (source.Stream[T], error), cfg *Config,
	step func(context.Context, []T) error, finish func(context.Context) error,
) error {
	stream, err := open(cfg, r.origin)
	if err != nil {
		return err
	}
	r.results, r.close = res, stream.Close
	turning, _ := stream.(interface{ Turned() bool })
	follower, _ := res.(interface{ Turn() })
	locked := func(ctx context.Context, samples []T) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if turning != nil && turning.Turned() && follower != nil {
			follower.Turn()
		}
		return step(ctx, samples)
	}
	r.run = func(ctx context.Context) error {
		err := pump(ctx, stream, locked)
		if err == nil && finish != nil {
			err = finish(ctx)
		}
		// The outcomes that wait are worth sending though the time is up.
		r.advisor.Flush(context.WithoutCancel(ctx))
		return errors.Join(err, stream.Close())
	}
	return nil
}

// comparisons are the model against the rule so far, without intervals.
func (r *runner) comparisons() []report.Comparison {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results.Comparisons(false)
}

// pump ends without error when the input does, or the time is up.
func pump[T any](ctx context.Context, stream source.Stream[T], step func(context.Context, []T) error) error {
	for {
		samples, err := stream.Next(ctx)
		if err == nil {
			err = step(ctx, samples)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil
		default:
			return err
		}
	}
}

// proc opens procfs.
func (c *Config) proc() (procfs.FS, string, error) {
	root := c.Proc
	if root == "" {
		root = procfs.DefaultMountPoint
	}
	fs, err := procfs.NewFS(root)
	return fs, root, err
}

func openUsage(cfg *Config, o source.Origin) (source.Stream[source.Usage], error) {
	switch o {
	case source.Live:
		fs, _, err := cfg.proc()
		if err != nil {
			return nil, err
		}
		return source.NewLiveUsage(fs, source.LiveInterval, os.Getpid())
	case source.Trace:
		return source.ReplayUsage(cfg.Traces)
	case source.Shift:
		return source.ShiftUsage(cfg.Seed), nil
	}
	return source.SyntheticUsage(cfg.Seed), nil
}

func openReadings(cfg *Config, o source.Origin) (source.Stream[source.Reading], error) {
	switch o {
	case source.Live:
		fs, root, err := cfg.proc()
		if err != nil {
			return nil, err
		}
		return source.NewLiveReadings(fs, root, source.LiveInterval)
	case source.Trace:
		return source.ReplayReadings(cfg.Traces)
	case source.Shift:
		return nil, source.ErrNoShift
	}
	return source.SyntheticReadings(cfg.Seed), nil
}

func openFaults(cfg *Config, o source.Origin) (source.Stream[source.Fault], error) {
	switch o {
	case source.Live:
		return nil, source.ErrNoLive
	case source.Trace:
		return source.ReplayFaults(cfg.Traces)
	case source.Shift:
		return source.ShiftFaults(cfg.Seed), nil
	}
	return source.SyntheticFaults(cfg.Seed), nil
}

func openCalls(cfg *Config, o source.Origin) (source.Stream[source.Call], error) {
	switch o {
	case source.Live:
		return nil, source.ErrNoLive
	case source.Trace:
		return source.ReplayCalls(cfg.Traces)
	case source.Shift:
		return nil, source.ErrNoShift
	}
	return source.SyntheticCalls(cfg.Seed), nil
}
