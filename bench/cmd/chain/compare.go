package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/bench/internal/row"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// compare builds, measures and reports.
func compare(ctx context.Context, o options) error {
	began := time.Now()
	machine := report.ThisMachine()
	starter, err := process.NewStarter()
	if err != nil {
		return err
	}
	e, err := build(ctx, starter, &o)
	if err != nil {
		return err
	}
	if e.Temp, err = os.MkdirTemp("", "mlbridge-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(e.Temp)

	var rows []row.Row
	for _, r := range row.All() {
		if o.only.MatchString(r.Name) {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 { // writing that would lose the results of the last run
		return fmt.Errorf("no row's name matches %q", o.only)
	}
	missing, err := absences(ctx, e, &o, rows)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "built in %v; measuring %d rows\n", time.Since(began).Round(time.Second), len(rows))
	figures, err := row.RunAll(ctx, e, rows, plan(&o), missing)
	if err != nil {
		return err
	}
	if err := write(&o, machine, figures); err != nil {
		return err
	}
	fmt.Printf("\n%d rounds in %v; %s and %s written\n", o.rounds, time.Since(began).Round(time.Second),
		filepath.Join(o.out, "bench.json"), filepath.Join(o.out, "bench.svg"))
	return failures(figures, missing)
}

// plan shares the time out: a floor between two pinned rows gets less than they, as
// there are two of them to each row.
func plan(o *options) row.Plan {
	run := time.Duration(o.seconds * float64(time.Second))
	p := row.Plan{
		Rounds: o.rounds, Log: os.Stderr,
		Pinned: row.Times{Warm: run / 4, Run: run},
		Floor:  row.Times{Warm: run / 20, Run: run / 4},
	}
	if !o.oneCore {
		p.Free = p.Pinned
	}
	return p
}

// absences says which rows cannot be measured here, and why.
func absences(ctx context.Context, e *system.Env, o *options, rows []row.Row) (func(*row.Row) string, error) {
	hosts := system.HostsEngine(ctx, e)
	noNode := ""
	for i := range rows {
		if rows[i].Needs != row.Node {
			continue
		}
		if o.quick || o.noOrigin {
			noNode = "left out of this run"
			continue
		}
		var err error
		if e.Origin, err = installOrigin(ctx, e.Starter, o); ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			noNode = err.Error()
		}
	}
	return func(r *row.Row) string {
		switch {
		case r.Needs == row.Embedded && !hosts:
			return "this ml-bridge cannot host the engine"
		case r.Needs == row.Node:
			return noNode
		}
		return ""
	}, nil
}

func write(o *options, m report.Machine, figures []row.Figures) error {
	if err := report.Table(os.Stdout, m, figures); err != nil {
		return err
	}
	data, err := report.JSON(figures)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(o.out, "bench.json"), data, 0o644),
		os.WriteFile(filepath.Join(o.out, "bench.svg"), report.SVG(m, figures), 0o644),
	)
}

// failures makes an error of rows that should have been measured and were not.
func failures(figures []row.Figures, missing func(*row.Row) string) error {
	var errs []error
	for i := range figures {
		if f := &figures[i]; f.Missing != "" && missing(&f.Row) == "" {
			errs = append(errs, errors.New(f.Missing))
		}
	}
	return errors.Join(errs...)
}
