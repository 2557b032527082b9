package chaos

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Faults gives all of them, calm first and those that need privileges last.
func Faults() []Fault {
	return slices.Concat(calm(), processFaults(), upstreamFaults(), peerFaults(), resourceFaults(), privilegedFaults())
}

// Plan says what a run of the suite tries.
type Plan struct {
	Only   *regexp.Regexp // names; nil is all
	Frozen FrozenPlan
	// HostileTurn is how long a turn of a hostile peer takes, HostileRounds how many there are.
	HostileTurn   time.Duration
	HostileRounds int
}

// Suite tries everything that is planned and tells of each on log. The rows are of all
// that was tried, also when an error ends it early.
func (e *Env) Suite(ctx context.Context, p Plan, log io.Writer) (rows []Row, err error) {
	try := func(name string, do func() (Row, error)) bool {
		if err != nil || p.Only != nil && !p.Only.MatchString(name) {
			return err == nil
		}
		began := time.Now()
		row, failed := do()
		if failed != nil {
			err = fmt.Errorf("%s: %w", name, failed)
			return false
		}
		rows = append(rows, row)
		tell(log, &row, time.Since(began))
		return true
	}
	for _, f := range Faults() {
		if !try(f.Name, func() (Row, error) { return e.Try(ctx, f) }) {
			return rows, err
		}
	}
	try("proof: frozen", func() (Row, error) {
		return e.TryFrozen(ctx, p.Frozen) // a window in which the machine stands still is void
	})
	for _, m := range append(slices.Clone(Modes), Nobody) {
		try("proof: hostile peer: "+m.Name, func() (Row, error) {
			return e.TryHostile(ctx, m, p.HostileRounds, p.HostileTurn)
		})
	}
	return rows, err
}

// tell writes a line about a row.
func tell(w io.Writer, r *Row, took time.Duration) {
	switch {
	case !r.Ran:
		fmt.Fprintf(w, "%-42s not run: %s\n", r.Fault, r.NotRun)
		return
	case r.Failed != "":
		fmt.Fprintf(w, "%-42s FAILED: %s\n", r.Fault, r.Failed)
	}
	fmt.Fprintf(w, "%-42s %7d sent, %5.1f %% in time, wrong %d, lost %d, model %d cache %d stale %d rule %d, p99 %s µs, back after %.0f ms; %v",
		r.Fault, r.Sent, 100*float64(r.InBudget)/float64(max(r.Sent, 1)), r.Wrong, r.Lost,
		r.BySource["model"], r.BySource["cache"], r.BySource["stale"], r.BySource["rule"], load.Micros(r.P99us), r.RecoveredMs, took.Round(time.Millisecond))
	for _, n := range r.Notes {
		fmt.Fprintf(w, "; %s", n)
	}
	if f := r.Frozen; f != nil {
		fmt.Fprintf(w, "; %s: %d of %d calls in time in %d valid windows of %d, %d of %d in the others", f.Verdict, f.InTime, f.Calls, f.Valid, f.Windows, f.VoidInTime, f.VoidCalls)
	}
	if h := r.Hostile; h != nil {
		fmt.Fprintf(w, "; %s: %+.0f %% (%+.0f to %+.0f), %.0f us beside %.2f processors and %.0f beside %.2f; %d of %d and %d of %d windows", h.Verdict, 100*h.Worse, 100*h.Least, 100*h.Most,
			h.Peer.P99us, h.Peer.CPU, h.Other.P99us, h.Other.CPU, h.Peer.Valid, h.Peer.Windows, h.Other.Valid, h.Other.Windows)
	}
	fmt.Fprintln(w)
}
