package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/prometheus/procfs"

	"github.com/mlbridge/mlbridge/kernelsim/source"
	"github.com/mlbridge/mlbridge/kernelsim/trace"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

// sourcesCommand shows the sources.
type sourcesCommand struct {
	Proc string `help:"Where procfs is mounted." default:"/proc" placeholder:"DIR"`
}

// Run is called by kong.
func (s *sourcesCommand) Run(c *console) error {
	w := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	if err := s.live(c.ctx, w); err != nil {
		return err
	}
	if err := recordings(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nsynthetic\tall four, from --seed; endless")
	fmt.Fprintf(w, "shift\tworkload and memory, from --seed; %d instants, half-way through they behave otherwise\n", 2*source.ShiftInstants)
	return w.Flush()
}

// live looks at this host for one interval.
func (s *sourcesCommand) live(ctx context.Context, w *tabwriter.Writer) error {
	fs, err := procfs.NewFS(s.Proc)
	if err != nil {
		return err
	}
	usage, err := source.NewLiveUsage(fs, source.LiveInterval, 0)
	if err != nil {
		return err
	}
	defer usage.Close()
	readings, err := source.NewLiveReadings(fs, s.Proc, source.LiveInterval)
	if err != nil {
		return err
	}
	defer readings.Close()
	used, err := usage.Next(ctx)
	if err != nil {
		return err
	}
	health, err := readings.Next(ctx)
	if err != nil {
		return err
	}
	showUsage(w, used)
	fmt.Fprintln(w, "\nlive failure\thealth\treading")
	for _, r := range health {
		fmt.Fprintf(w, "  %s\t%.2f\t%.3f\n", r.Component, r.Health, r.Value)
	}
	return nil
}

// showUsage lists what agents used. A process names itself (prctl(2), PR_SET_NAME), and may
// do so with what moves a terminal's cursor.
func showUsage(w io.Writer, used []source.Usage) {
	fmt.Fprintln(w, "live workload\tcpu\tmemory")
	for _, u := range used {
		name := strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, u.Name)
		fmt.Fprintf(w, "  %s\t%.2f\t%d MiB\n", name, u.CPU, u.Memory>>20)
	}
}

// recordings lists what is built in. Rows are counted by the recordings themselves.
func recordings(w *tabwriter.Writer) error {
	fmt.Fprintln(w, "\nrecording\trows\twhat ran")
	for _, set := range []trace.Set{trace.SetWorkload, trace.SetFailure, trace.SetMemory, trace.SetThreat} {
		names, err := trace.List(traces.FS, set)
		if err != nil {
			return err
		}
		for _, name := range names {
			m, err := describe(set, name)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "  %s\t%d\t%s\n", m.Name, m.Rows, m.Program)
		}
	}
	return nil
}

func describe(set trace.Set, name string) (trace.Meta, error) {
	switch set {
	case trace.SetWorkload:
		return metaOf(trace.OpenUsages(traces.FS, name))
	case trace.SetFailure:
		return metaOf(trace.OpenPressures(traces.FS, name))
	case trace.SetMemory:
		return metaOf(trace.OpenFaults(traces.FS, name))
	}
	return metaOf(trace.OpenSyscalls(traces.FS, name))
}

func metaOf[T any](r *trace.Reader[T], err error) (trace.Meta, error) {
	if err != nil {
		return trace.Meta{}, err
	}
	return r.Meta(), r.Close()
}
