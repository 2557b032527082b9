package chaos

import (
	"fmt"
	"io"
	"strings"
)

// page is what precedes the tables in docs/chaos.md.
const page = `# What survives what

Made by ` + "`make chaos`" + `: real processes of ml-bridge and mld are broken while calls are made through
the real socket, in an open loop, with the kernel side's client (` + "`ipc/mlclient`" + `, its own cache
switched off). Half of the calls have a budget of 1 ms, half of 20 ms; in time is counted from the
intended start of each. Every answer is compared with what is right for its question: the model's
prediction to the last bit, or the rule's, or for a cached or stale answer the model's about the same
subject. Wrong and lost must be 0. Goroutines, descriptors and memory are ml-bridge's, before anything
was broken and after. *Back after* is the time from the end of the load until the model answers again.

Made on %s. The faults are described below the table.

`

// WriteMarkdown writes the page for the docs: tables by group, then what each fault is.
func WriteMarkdown(w io.Writer, rows []Row, machine string) error {
	fmt.Fprintf(w, page, machine)
	fmt.Fprintln(w, "| fault | sent | answered | in time | model | cache | stale | rule | wrong | lost | goroutines | descriptors | MB | back after |")
	fmt.Fprintln(w, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for i := range rows {
		r := &rows[i]
		if !r.Ran || r.Group == proofs {
			continue
		}
		cells := []string{r.Fault, fmt.Sprint(r.Sent), fmt.Sprint(r.Answered), percent(r.InBudget, r.Sent)}
		for _, s := range sources {
			cells = append(cells, fmt.Sprint(r.BySource[s]))
		}
		cells = append(cells, fmt.Sprint(r.Wrong), fmt.Sprint(r.Lost),
			fmt.Sprintf("%d → %d", r.GoroutinesBefore, r.GoroutinesAfter), fmt.Sprintf("%d → %d", r.DescriptorsBefore, r.DescriptorsAfter),
			fmt.Sprintf("%.0f → %.0f", r.RSSMBBefore, r.RSSMBAfter), fmt.Sprintf("%.0f ms", r.RecoveredMs))
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	writeProofs(w, rows)
	fmt.Fprint(w, "\n## What the faults are\n\n")
	for _, r := range rows {
		fmt.Fprintf(w, "* **%s**: %s.", r.Fault, r.What)
		for _, n := range r.Notes {
			fmt.Fprintf(w, " %s.", strings.TrimSuffix(n, "."))
		}
		if r.Failed != "" {
			fmt.Fprintf(w, " **Failed: %s.**", firstLine(r.Failed))
		}
		if !r.Ran {
			fmt.Fprintf(w, " Not run: %s.", r.NotRun)
		}
		fmt.Fprintln(w)
	}
	return nil
}

func writeProofs(w io.Writer, rows []Row) {
	var frozen, hostile strings.Builder
	for _, r := range rows {
		if f := r.Frozen; f != nil {
			f.write(&frozen)
		}
		if h := r.Hostile; h != nil {
			fmt.Fprintf(&hostile, "| %s%s | %.2f | %.0f | %.0f | %+.0f %% | %+.0f to %+.0f %% | %d | %s |\n",
				strings.TrimPrefix(r.Fault, "hostile peer: "), quota(h.Quota), h.CPU, h.P99us, h.BurnP99, 100*h.Worse, 100*h.Least, 100*h.Most, h.Valid, h.Verdict)
		}
	}
	if frozen.Len() > 0 {
		fmt.Fprintf(w, `
## A frozen daemon

mld is stopped (SIGSTOP) and calls with a budget of 1 ms come at 5,000 a second from then on. At least
99.99 %% must be answered within 1.2 ms of their intended start. Beside them a thread only sleeps, with
clock_nanosleep, until as many points in time; where it is more than 0.2 ms late at more than 0.005 %%
of them, nobody could have been on time, and the run is void: it says nothing about the bridge. Runs
are short, and repeated from the freezing on, until enough are valid; the verdict is over the calls
of the valid ones together.

%s`, frozen.String())
	}
	if hostile.Len() > 0 {
		fmt.Fprintf(w, `
## A hostile peer

The p99 of others while a peer is hostile, over that while a process uses as much of the processors at
the same times, millisecond by millisecond, and never comes near the socket. The two take turns beside
one load that goes on; every pair of turns gives a ratio, and the median of them counts. At most 20 %% worse
is allowed. The interval has the true median in it in 19 cases of 20; where it is wider than 40 points there
is no verdict. *Nobody* is that other process compared with itself: what the comparison finds where there is
nothing to find. ml-bridge has quotas by peer (`+"`--peer`"+`): where one is set, it is named. What the
bridge does for the peer is no part of what the other process uses.

| the peer | processors | p99 µs beside it | beside the other | worse | interval | rounds | verdict |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
%s`, hostile.String())
	}
}

// write lists the runs of the proof, those that count and the others apart.
func (f *Frozen) write(w io.Writer) {
	if f.Awake {
		fmt.Fprint(w, "A spinning thread a processor, in the idle class, keeps the processors from halting, as idle=poll would.\n\n")
	}
	fmt.Fprintf(w, "**%s**: %d of %d calls in time (%.4f %%) in %d valid runs; in the %d void ones %d of %d.\n\n",
		f.Verdict, f.InTime, f.Calls, 100*f.Share, f.Valid, len(f.Runs)-f.Valid, f.VoidInTime, f.VoidCalls)
	fmt.Fprint(w, "| run | calls | in time | p99.99 µs | max µs | sleeper late | its max µs |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, valid := range []bool{true, false} {
		for i, r := range f.Runs {
			if r.Valid != valid {
				continue
			}
			name := fmt.Sprint(i + 1)
			if !valid {
				name += ", void"
			}
			fmt.Fprintf(w, "| %s | %d | %.4f %% | %.0f | %.0f | %d of %d | %.0f |\n",
				name, r.Calls, 100*float64(r.InTime)/float64(max(r.Calls, 1)), r.P9999us, r.Maxus, r.ControlMissed, r.ControlPoints, r.ControlMaxus)
		}
	}
}

func quota(terms string) string {
	if terms == "" {
		return ""
	}
	return ", held to `" + terms + "`"
}

func percent(n, of uint64) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
