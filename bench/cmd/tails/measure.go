package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/build"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/bench/internal/tail"
	"github.com/mlbridge/mlbridge/bench/internal/turn"
)

// measure builds, measures and reports.
func measure(ctx context.Context, o *options) error {
	began, machine := time.Now(), report.ThisMachine()
	e, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer os.RemoveAll(e.Temp)
	var conds []tail.Condition
	for _, c := range tail.Conditions() {
		if o.conditions.MatchString(c.Name) {
			conds = append(conds, c)
		}
	}
	if len(conds) == 0 { // writing that would lose the results of the last run
		return fmt.Errorf("no condition's name matches %q", o.conditions)
	}
	fmt.Fprintf(os.Stderr, "built in %v; measuring %d conditions\n", time.Since(began).Round(time.Second), len(conds))
	cells, err := rounds(ctx, e, o, conds)
	if err != nil {
		return err
	}
	r := tail.NewReport(machine, o.rate, cells)
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
		os.WriteFile(filepath.Join(o.out, "tails.json"), data, 0o644),
		os.WriteFile(filepath.Join(o.out, "tails.svg"), r.SVG(), 0o644),
	)
	fmt.Fprintf(os.Stderr, "\n%d rounds in %v; %s and %s written\n", o.rounds, time.Since(began).Round(time.Second),
		filepath.Join(o.out, "tails.json"), filepath.Join(o.out, "tails.svg"))
	return errors.Join(err, r.Unproven())
}

// rounds measures every stream under every condition, round after round: what changes
// slowly on the machine is shared out.
func rounds(ctx context.Context, e *tail.Env, o *options, conds []tail.Condition) ([]tail.Cell, error) {
	lock := turn.New(o.lock)
	defer lock.Release()
	streams := tail.Streams()
	cells := make([]tail.Cell, len(conds)*len(streams))
	plan := tail.Plan{Rate: o.rate, Warm: o.run / 4, Run: o.run}
	for round := range o.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d:", round+1, o.rounds)
		for i, cond := range conds {
			fmt.Fprintf(os.Stderr, " %s", cond.Name)
			for k, s := range streams {
				if err := lock.Take(ctx); err != nil {
					return nil, err
				}
				r, err := e.Measure(ctx, s, cond, plan)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", cond.Name, s.Name, err)
				}
				cell := &cells[i*len(streams)+k]
				cell.Condition, cell.Stream = cond, s
				cell.Runs = append(cell.Runs, r)
			}
		}
		fmt.Fprintln(os.Stderr)
	}
	return cells, nil
}

// prepare builds what is started, in the folder bench below the results, and copies the
// toy models, which one of the disturbances replaces again and again.
func prepare(ctx context.Context, o *options) (*tail.Env, error) {
	s, err := process.NewStarter()
	if err != nil {
		return nil, err
	}
	bin, err := filepath.Abs(filepath.Join(o.out, "bench", "bin"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	err = errors.Join(
		build.C(ctx, s, "cfloor/floor.c", bin, "floor"),
		build.C(ctx, s, "cfloor/pace.c", bin, "pace"),
		build.DaemonsOr(ctx, s, o.bin, bin),
		build.Self(bin, "tails"),
	)
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "mlbridge-tails-")
	if err != nil {
		return nil, err
	}
	models := filepath.Join(temp, "models")
	if err := os.CopyFS(models, os.DirFS("toy")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	return &tail.Env{Starter: s, Bin: bin, Models: models, Temp: temp}, nil
}
