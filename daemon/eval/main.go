package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(1)
	}
}

// evaluation is one run over the recordings.
type evaluation struct {
	data    string
	parts   []string
	by      answerer
	rows    []row
	picture pictures
}

func (e *evaluation) add(rows ...row) { e.rows = append(e.rows, rows...) }

// read runs f, which reads a part of a set. Files that are not there are named and
// left out: not everybody has all data.
func (e *evaluation) read(set, part string, f func() error) (ok bool, err error) {
	start := time.Now()
	err = f()
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "eval: %s %s: left out: %v\n", set, part, err)
		return false, nil
	}
	if err == nil {
		fmt.Fprintf(os.Stderr, "eval: %s %s: %.1f s\n", set, part, time.Since(start).Seconds())
	}
	return err == nil, err
}

func run(args []string) error {
	flags := flag.NewFlagSet("eval", flag.ContinueOnError)
	data := flags.String("data", os.Getenv("DATA"), "folder with workload/, memory/, failure/, threat/")
	folder := flags.String("models", "", "folder with manifests and models, trained or brought along (default: the embedded models)")
	url := flags.String("url", "", "a live mld to ask instead, such as http://127.0.0.1:9005 or unix:/run/mld.sock")
	out := flags.String("out", "out", "folder for eval.json")
	report := flags.String("report", "", "folder for EVAL.md, CARDS.md and pictures/")
	cards := flags.String("cards", "", "template of CARDS.md")
	only := flags.String("only", "workload,threat,failure,memory", "predictors, comma-separated; with -report, what it has of others is kept, and with none it is written anew")
	parts := flags.String("parts", "val,test", "parts, comma-separated; bounds are chosen on the first")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q: there are flags only, see -help", flags.Arg(0))
	}
	if *data == "" {
		return errors.New("-data is needed: a folder with workload/, memory/, failure/ or threat/")
	}
	if _, err := os.Stat(*data); err != nil {
		return err
	}
	for _, part := range strings.Split(*parts, ",") {
		if !slices.Contains(recordings.Parts[:], part) {
			return fmt.Errorf("-parts: %q is not %s", part, strings.Join(recordings.Parts[:], ", "))
		}
	}
	e := &evaluation{data: *data, parts: strings.Split(*parts, ","), picture: pictures{folder: *report}}
	if *url != "" {
		r, err := newRemote(*url)
		if err != nil {
			return err
		}
		e.by = r
	} else {
		e.by = newLocal(*folder)
	}
	asked := strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })
	if len(asked) == 0 {
		return errors.New("-only names no predictor: want workload, threat, failure or memory")
	}
	named := false
	flags.Visit(func(f *flag.Flag) { named = named || f.Name == "only" })
	failed, err := e.judge(asked, named)
	if err != nil {
		return err
	}
	if *folder != "" && *url == "" {
		if err := e.addLeftOut(filepath.Join(*folder, "leftout.json"), asked); err != nil {
			return err
		}
	}
	if *report != "" && failed == nil {
		if err := e.keep(filepath.Join(*report, "eval.json"), asked); err != nil {
			return err
		}
	}
	if len(e.rows) == 0 {
		if failed == nil {
			failed = fmt.Errorf("no data in %s", *data)
		}
		return failed
	}
	if err := writeText(os.Stdout, e.rows); err != nil {
		return err
	}
	if err := e.write(filepath.Join(*out, "eval.json")); err != nil {
		return err
	}
	e.answered(os.Stdout, asked)
	if *report != "" && failed == nil {
		return e.report(*report, *cards)
	}
	return failed
}

// answered names what answered the questions of the predictors that were asked.
func (e *evaluation) answered(w io.Writer, asked []string) {
	for _, k := range ipc.Kinds {
		if m := e.by.model(k); m != "" && slices.Contains(asked, k.String()) {
			fmt.Fprintf(w, "%v: %s\n", k, m)
		}
	}
}

// addLeftOut adds what training measured of models fitted without a source or a kind of attack,
// which no file of models can tell afterwards, of the predictors that were asked. Most folders
// have none.
func (e *evaluation) addLeftOut(path string, asked []string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []row
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	for _, r := range list {
		if slices.Contains(asked, r.Predictor) { // what a report has of others is kept
			r.lowIsGood = r.Metric == leftOutRatio
			e.add(r.aim())
		}
	}
	e.sort()
	return err
}

// keep adds what a report has of predictors that were not asked now, so that one can be
// judged again without the others.
func (e *evaluation) keep(path string, asked []string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var old []row
	if err == nil {
		err = json.Unmarshal(text, &old)
	}
	for _, r := range old {
		if !slices.Contains(asked, r.Predictor) {
			e.rows = append(e.rows, r)
		}
	}
	e.sort()
	return err
}

// sort brings rows of a predictor together, in the order of the report.
func (e *evaluation) sort() {
	order := []string{"workload", "threat", "failure", "memory"}
	slices.SortStableFunc(e.rows, func(a, b row) int {
		return slices.Index(order, a.Predictor) - slices.Index(order, b.Predictor)
	})
}

// write writes the rows as JSON.
func (e *evaluation) write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := writeJSON(f, e.rows); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
