package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/compare"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/report"
)

// compareTrees builds both sides, measures and reports. Everything is made in one
// temporary folder, which is gone afterwards, on a signal too.
func compareTrees(ctx context.Context, o *options) error {
	if least := compare.MinPairs(confidence); o.rounds < least {
		return fmt.Errorf("a verdict with a confidence of %g %% needs at least %d pairs", 100*confidence, least)
	}
	began, machine := time.Now(), report.ThisMachine()
	s, err := process.NewStarter()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "mlbridge-regress-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	sides, err := prepare(ctx, s, o, temp)
	if err != nil {
		return err
	}
	rows := chosen(ctx, sides, o)
	if len(rows) == 0 {
		return errors.New("no row of that name has a ratio")
	}
	fmt.Fprintf(os.Stderr, "built in %v; measuring %d rows\n", time.Since(began).Round(time.Second), len(rows))
	if err := newMeter(sides, o).all(ctx, rows, o.rounds); err != nil {
		return err
	}
	all := make([]outcome, len(rows))
	for i, p := range rows {
		all[i] = newOutcome(p)
	}
	if err := errors.Join(table(os.Stdout, machine, sides, all), writeJSON(o.out, machine, sides, all)); err != nil {
		return err
	}
	if !sides[old].own {
		fmt.Printf("\n%s has no benchmark: its servers were asked by the new side's client, and only servers are compared\n", sides[old].tree.Label)
	}
	fmt.Printf("\n%d pairs in %v; %s written\n", o.rounds, time.Since(began).Round(time.Second), filepath.Join(o.out, "regress.json"))
	return verdict(all)
}

// verdict closes the report, and is an error when something got worse or could not be
// measured on the new side.
func verdict(all []outcome) error {
	for _, v := range []compare.Verdict{compare.Better, compare.Unclear} {
		if list := with(v, all); len(list) > 0 {
			fmt.Printf("%v: %s\n", v, strings.Join(list, "; "))
		}
	}
	var failed error
	for i := range all {
		failed = errors.Join(failed, all[i].pairs.err[fresh])
	}
	worse := with(compare.Worse, all)
	switch {
	case len(worse) > 0:
		fmt.Printf("%v: %s\n", compare.Worse, strings.Join(worse, "; "))
		return errWorse
	case failed != nil:
		return failed
	}
	fmt.Println("nothing got worse")
	return nil
}
