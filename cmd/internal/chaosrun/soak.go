package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mlbridge/mlbridge/cmd/internal/chaos"
)

// soakSubjects are so many that an answer is seldom still in a cache when it is asked for
// again: the whole path works.
const soakSubjects = 4096

func runSoak(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	p := chaos.SoakPlan{Maximum: 5 * time.Second}
	f.DurationVar(&p.For, "for", time.Hour, "how long")
	f.DurationVar(&p.Sample, "sample", 10*time.Second, "how often to look at what the processes hold")
	f.Float64Var(&p.Share, "share", 0.2, "of the maximum load, which is measured first")
	out := f.String("out", "out", "folder for soak.json and soak.md")
	docs := f.String("docs", "", "file for the page, besides")
	if err := f.Parse(args); err != nil {
		return errUsage
	}
	if f.NArg() != 1 || p.For <= 0 || p.Sample <= 0 || !(p.Share > 0 && p.Share <= 1) {
		return errUsage
	}
	e, done, err := prepare(f.Arg(0), soakSubjects)
	if err != nil {
		return err
	}
	defer done()
	s, err := e.Soak(ctx, p, os.Stdout)
	if err != nil {
		return err
	}
	s.Machine = machine()
	err = errors.Join(
		write(filepath.Join(*out, "soak.json"), func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", " ")
			return e.Encode(s)
		}),
		write(filepath.Join(*out, "soak.md"), s.Markdown),
	)
	if s.Interrupted {
		return errors.Join(fmt.Errorf("interrupted after %.0f s: %d calls, wrong %d, lost %d; %s written", s.Seconds, s.Sent, s.Wrong, s.Lost, filepath.Join(*out, "soak.json")), err)
	}
	if *docs != "" {
		err = errors.Join(err, write(*docs, s.Markdown))
	}
	fmt.Printf("%d calls in %.0f s, wrong %d, lost %d, flat: %v; %s written\n", s.Sent, s.Seconds, s.Wrong, s.Lost, s.Flat, filepath.Join(*out, "soak.json"))
	if !s.Good() {
		for _, text := range s.Failed {
			fmt.Println(text)
		}
		return errors.Join(errFailed, err)
	}
	return err
}
