package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/anatomy"
	"github.com/mlbridge/mlbridge/bench/internal/build"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/bench/internal/row"
	"github.com/mlbridge/mlbridge/bench/internal/system"
	"github.com/mlbridge/mlbridge/bench/internal/turn"
)

// dissect builds, measures and reports.
func dissect(ctx context.Context, o *options) error {
	began, machine := time.Now(), report.ThisMachine()
	subjects, err := anatomy.Subjects()
	if err != nil {
		return err
	}
	env, micro, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer os.RemoveAll(env.Temp)
	fmt.Fprintf(os.Stderr, "built in %v; measuring\n", time.Since(began).Round(time.Second))
	m := &meter{env: env, micro: micro, subjects: subjects, lock: turn.New(o.lock), times: row.Times{Warm: o.run / 4, Run: o.run}}
	r, err := m.all(ctx, o.rounds)
	if err != nil {
		return err
	}
	r.Machine = machine
	if err := write(r, o); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d rounds in %v\n", o.rounds, time.Since(began).Round(time.Second))
	return nil
}

// again reports what was measured before.
func again(o *options) error {
	data, err := os.ReadFile(o.from)
	if err != nil {
		return err
	}
	var r anatomy.Report
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("%s: %w", o.from, err)
	}
	if len(r.Calls) == 0 {
		return fmt.Errorf("%s has no calls", o.from)
	}
	return write(&r, o)
}

// write prints the tables and writes the two files.
func write(r *anatomy.Report, o *options) error {
	print := r.Table
	if o.markdown {
		print = r.Markdown
	}
	data, err := r.JSON()
	if err != nil {
		return err
	}
	err = errors.Join(
		print(os.Stdout),
		os.WriteFile(filepath.Join(o.out, "anatomy.json"), data, 0o644),
		os.WriteFile(filepath.Join(o.out, "anatomy.svg"), r.Picture(), 0o644),
	)
	fmt.Fprintf(os.Stderr, "%s and %s written\n", filepath.Join(o.out, "anatomy.json"), filepath.Join(o.out, "anatomy.svg"))
	return err
}

// prepare builds everything before anything is measured.
func prepare(ctx context.Context, o *options) (*system.Env, *anatomy.Micro, error) {
	s, err := process.NewStarter()
	if err != nil {
		return nil, nil, err
	}
	bin, err := filepath.Abs(filepath.Join(o.out, "anatomy"))
	if err != nil {
		return nil, nil, err
	}
	toy, err := filepath.Abs("toy")
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, nil, err
	}
	micro := &anatomy.Micro{Starter: s, Root: filepath.Dir(filepath.Dir(toy)), Bin: bin}
	micro.Time = o.micro.String()
	err = errors.Join(
		build.C(ctx, s, "cfloor/floor.c", bin, "floor"),
		build.Daemons(ctx, s, "..", bin),
		build.Chain(ctx, s, "..", bin),
		micro.Build(ctx),
	)
	if err != nil {
		return nil, nil, err
	}
	temp, err := os.MkdirTemp("", "mlbridge-anatomy-")
	if err != nil {
		return nil, nil, err
	}
	return &system.Env{Starter: s, Bin: bin, Toy: toy, Temp: temp, Pinned: true}, micro, nil
}

// meter measures round after round: what changes slowly on the machine is shared out.
type meter struct {
	env      *system.Env
	micro    *anatomy.Micro
	subjects []anatomy.Subject
	lock     *turn.Lock
	times    row.Times
}

// all measures the rounds, counts system calls once, and takes every call apart.
func (m *meter) all(ctx context.Context, rounds int) (*anatomy.Report, error) {
	defer m.lock.Release()
	runs := make([][]anatomy.Run, len(m.subjects))
	for round := range rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d:", round+1, rounds)
		for i := range m.subjects {
			if err := m.lock.Take(ctx); err != nil {
				return nil, err
			}
			fmt.Fprintf(os.Stderr, " %s", m.subjects[i].Row.Name)
			run, err := m.subjects[i].Measure(ctx, m.env, m.times)
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], run)
		}
		if err := m.lock.Take(ctx); err != nil {
			return nil, err
		}
		fmt.Fprintln(os.Stderr, " stages")
		if err := m.micro.Round(ctx); err != nil {
			return nil, err
		}
	}
	counts, how, err := m.systemCalls(ctx)
	if err != nil {
		return nil, err
	}
	r := &anatomy.Report{Rounds: rounds, Micro: m.micro.Medians(), SystemCalls: how}
	for i := range m.subjects {
		r.Calls = append(r.Calls, anatomy.New(&m.subjects[i], runs[i], runs[0], r.Micro, counts[i]))
	}
	return r, nil
}

// systemCalls counts them where that is possible, and says how.
func (m *meter) systemCalls(ctx context.Context) (counts [][]float64, how string, err error) {
	counts = make([][]float64, len(m.subjects))
	for i := range m.subjects {
		if err := m.lock.Take(ctx); err != nil {
			return nil, "", err
		}
		n, err := m.subjects[i].SystemCalls(ctx, m.env, m.times)
		if ctx.Err() != nil {
			return nil, "", context.Cause(ctx)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return make([][]float64, len(m.subjects)), "not counted, for want of perf or of the right to use its tracepoints", nil
		}
		counts[i] = n
	}
	return counts, "counted by perf at the kernel's tracepoint, in a measurement of its own", nil
}
