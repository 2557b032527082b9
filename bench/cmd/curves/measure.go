package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/build"
	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/bench/internal/scale"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// self is the name of this program's copy among what it builds.
const self = "curves"

// measure builds, measures every curve that was asked for, and reports. One that cannot
// be measured is left out and part of the error.
func measure(ctx context.Context, o *options) error {
	began := time.Now()
	machine := report.ThisMachine()
	e, err := environment(ctx, o)
	if err != nil {
		return err
	}
	if e.Temp, err = os.MkdirTemp("", "mlbridge-curves-"); err != nil {
		return err
	}
	defer os.RemoveAll(e.Temp)
	if !slices.ContainsFunc(curve.All(), func(c curve.Curve) bool { return o.only.MatchString(c.Name) }) {
		// Writing that would lose the results of the last run.
		return fmt.Errorf("no curve's name matches %q", o.only)
	}
	var curves []curve.Curve
	var failed []error
	for _, c := range curve.All() {
		if !o.only.MatchString(c.Name) {
			continue
		}
		at := time.Now()
		r := &run{env: e, plan: planOf(c.Name, o.quick), curve: &c}
		if err := r.measure(ctx); ctx.Err() != nil {
			return context.Cause(ctx)
		} else if err != nil {
			// The others are worth having all the same.
			failed = append(failed, fmt.Errorf("%s: %w", c.Name, err))
			fmt.Fprintf(os.Stderr, "%-20s not measured\n", c.Name)
			continue
		}
		c.Find()
		fmt.Fprintf(os.Stderr, "%-20s %4.0f s  knee: %s\n", c.Name, time.Since(at).Seconds(), c.Verdict)
		curves = append(curves, c)
	}
	if err := write(o, machine, curves); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "measured in %v; %s and %s written\n", time.Since(began).Round(time.Second),
		filepath.Join(o.out, "curves.json"), filepath.Join(o.out, "curves.svg"))
	return errors.Join(failed...)
}

// environment builds what is measured into the folder bench/bin below the results.
func environment(ctx context.Context, o *options) (*system.Env, error) {
	starter, err := process.NewStarter()
	if err != nil {
		return nil, err
	}
	out, err := filepath.Abs(o.out)
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(out, "bench", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	if err := errors.Join(build.Self(bin, self), build.DaemonsOr(ctx, starter, o.bin, bin)); err != nil {
		return nil, err
	}
	toy, err := filepath.Abs("toy")
	return &system.Env{Starter: starter, Bin: bin, Toy: toy}, err
}

// ask runs this program as a client process, on the servers' core or wherever.
func ask(ctx context.Context, e *system.Env, pinned bool, s *scale.Spec) (points []curve.Point, err error) {
	spec, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	out, err := e.Starter.Output(ctx, pinned, filepath.Join(e.Bin, self), "-measure", string(spec))
	if err != nil {
		return nil, err
	}
	return points, json.Unmarshal(out, &points)
}

func write(o *options, m report.Machine, curves []curve.Curve) error {
	table := curve.Table
	if o.markdown {
		table = curve.Markdown
	}
	fmt.Println(m)
	if err := table(os.Stdout, curves); err != nil {
		return err
	}
	data, err := curve.JSON(curves)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(o.out, "curves.json"), data, 0o644),
		os.WriteFile(filepath.Join(o.out, "curves.svg"), curve.Picture(m.String(), curves), 0o644),
	)
}
