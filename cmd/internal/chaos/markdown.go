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
			fmt.Fprintf(&hostile, "| %s%s | %.2f, %.2f | %d, %d of %d | %d, %d | %.0f | %.0f | %+.0f %% | %+.0f to %+.0f %% | %.0f, %.0f | %s |\n",
				strings.TrimPrefix(r.Fault, "hostile peer: "), quota(h.Quota), h.Peer.CPU, h.Other.CPU, h.Peer.Valid, h.Other.Valid, h.Peer.Windows, h.Peer.Calls, h.Other.Calls,
				h.Peer.P99us, h.Other.P99us, 100*h.Worse, 100*h.Least, 100*h.Most, h.Peer.AllP99us, h.Other.AllP99us, h.Verdict)
		}
	}
	if frozen.Len() > 0 {
		fmt.Fprintf(w, `
## A frozen daemon

ml-bridge, mld and the process that asks take short turns on the processors here (`+"`--time-slice`"+`, 100 µs).
mld is stopped (SIGSTOP) and calls with a budget of 1 ms come at 5,000 a second from then on. At least
99.99 %% must be answered within 1.2 ms of their intended start. Beside them a process has a thread on
each processor that only sleeps, with clock_nanosleep, until as many points in time; it goes before
everybody else. Where one of these is more than 0.2 ms late at more than 0.005 %% of its points, nobody
could have been on time, and the time is void: it says nothing about the bridge. So it is where a program that
has nothing to do with this had a processor for 0.2 ms, as the kernel tells (perf_event_open): the
sleepers go before it, and the bridge does not. The process that asks is written in Go, too; its garbage
collector, which would take the processors for milliseconds, rests during a run.

Each run of 5 s, with the freezing at its start, is judged in windows of 100 ms. A window has 500 points a
processor, of which 0.005 %% are none: it is valid where no sleeper on any processor missed any, in it
or in the 1.2 ms after it, in which its last calls are answered, and strangers had no processor for more
than 0.2 ms of it in all. A call counts in the window in which it
was due. So what counts is decided without the calls; whether they were late plays no part in it.
What a void window leaves behind is in the next one, and counts. Runs are repeated until 100,000 calls
were due in valid windows, at most 32 times; the verdict is over all of these calls, and with less than
10,000 there is none. The others are told beside them: what a caller on this machine felt is both.

%s`, frozen.String())
	}
	if hostile.Len() > 0 {
		fmt.Fprintf(w, `
## A hostile peer

The p99 of others while a peer is hostile, over that while a process takes as much of the processors
and never comes near the socket: the peer notes when each of its threads wanted to run and how long it
did, as the kernel tells it (perf_event_open: PERF_RECORD_SWITCH, and to root sched_wakeup), and the other,
as many threads in C, computes at the same times for as long. A recording cannot do quite what Go's
scheduler does; so the dribbler, which needs no bridge for what it does, is compared with itself *at home*,
where it dribbles on connections of its own to itself, as many as use as much of the processors. The two take turns of about a second beside one load that goes on, calls at
random: peer, other, other, peer, and so on, so that what drifts cancels. What a process does in its first
0.3 s does not count, and a turn begins when the bridge has let go of what the last peer left. At most
20 %% worse is allowed.

A turn is judged in windows of 100 ms, and these are valid by the sleepers and the rule of the proof
of a frozen daemon: whether calls were late plays no part in it. The p99 of a side is that of all calls
in all its valid windows. The interval is what other pairs of turns of the same kind would have given in 19
cases of 20 (bootstrap over pairs); where it is wider than 40 points there is no verdict, nor with less than
%d pairs or %d calls on a side. *Nobody* is a process with a few tasks that compute and sleep, compared like
the others: what the comparison finds where there is nothing to find. ml-bridge has quotas by peer (`+"`--peer`"+`):
where one is set, it is named. What the bridge does for the peer is no part of what the other process does.

| the peer | processors: it, the other | valid windows | calls in them | p99 µs beside it | beside the other | worse | interval | p99 µs of all windows | verdict |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
%s`, hostileEnough, hostileCalls, hostile.String())
	}
}

// write says what came of the proof, and of each run.
func (f *Frozen) write(w io.Writer) {
	if !f.Ahead {
		fmt.Fprint(w, "The sleepers were not allowed to go before others: they may have had to wait for who was measured.\n\n")
	}
	if !f.Watched {
		fmt.Fprint(w, "Who else had the processors could not be seen: only the sleepers decide here.\n\n")
	}
	all := f.FrozenRun
	fmt.Fprintf(w, "**%s**: %d of %d calls in time (%.4f %%) in the %d valid windows of %d; in the void ones %d of %d (%s).\n"+
		"Of the %d runs %d have their first window, in which mld was frozen, among the valid ones.\n\n",
		f.Verdict, all.InTime, all.Calls, 100*f.Share, all.Valid, all.Windows,
		all.VoidInTime, all.VoidCalls, percent(all.VoidInTime, all.VoidCalls), len(f.Runs), all.First)
	fmt.Fprint(w, "| run | valid windows | calls | late | max µs | calls in void windows | late | sleepers late | their max µs | windows void for strangers |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for i, r := range f.Runs {
		r.row(w, fmt.Sprint(i+1))
	}
	all.row(w, "all")
}

func (r *FrozenRun) row(w io.Writer, name string) {
	fmt.Fprintf(w, "| %s | %d of %d | %d | %d | %.0f | %d | %d | %d of %d | %.0f | %d |\n", name, r.Valid, r.Windows,
		r.Calls, r.Calls-r.InTime, r.Maxus, r.VoidCalls, r.VoidCalls-r.VoidInTime, r.ControlMissed, r.ControlPoints, r.ControlMaxus, r.Strangers)
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
