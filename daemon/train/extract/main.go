// Command extract turns recorded data into feature matrices for training.
//
//	extract -data DIR -out DIR [-only workload,memory,failure,threat] [-free=false] [-windows]
//
// It builds the requests a kernel would have sent at every moment of the
// recordings and runs the very code that serves (daemon/features) over them,
// so nothing can differ between training and serving. Beside each row it
// writes the truth, the rule's answer and the simple baselines.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// job is what the extractors share.
type job struct {
	data, out string
	free      bool // leave out of "train" what may only be used for research
	windows   bool // write what recurrent nets read, too
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "extract:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("extract", flag.ContinueOnError)
	var j job
	flags.StringVar(&j.data, "data", os.Getenv("DATA"), "folder with workload/, memory/, failure/, threat/")
	flags.StringVar(&j.out, "out", "", "folder for the matrices")
	flags.BoolVar(&j.free, "free", true, "skip training parts that are for research only")
	flags.BoolVar(&j.windows, "windows", false, "also write the windows themselves, for recurrent nets (compare.py)")
	only := flags.String("only", "workload,memory,failure,threat", "predictors, comma-separated")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if j.data == "" || j.out == "" {
		return fmt.Errorf("-data and -out are needed")
	}
	if err := os.MkdirAll(j.out, 0o755); err != nil {
		return err
	}
	extractors := map[string]func(*job) error{
		"workload": extractWorkload, "memory": extractMemory, "failure": extractFailure, "threat": extractThreat,
	}
	for _, name := range strings.Split(*only, ",") {
		f, ok := extractors[name]
		if !ok {
			return fmt.Errorf("no predictor %q", name)
		}
		if err := f(&j); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
