package tail

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Table prints the rows for people, a condition at a time.
func (r *Report) Table(w io.Writer) error {
	fmt.Fprintf(w, "\n%v\n%d calls a second, evenly spaced; µs from the intended start to the answer; a sleeper is a thread that only sleeps\nto the same schedule, one on each core; slow with it: share of the slowest 0.1 %% during which a sleeper was late too.\n\n", r.Machine, r.Rate)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "condition\tcalls of\tp50\tp99\tp99.9\tmax\t≤ 1 ms\tsleeper p99\tp99.9\tslow with it\twaited/call\tGC bridge\tmld\tbusy\tsteal\t  answered by; proof")
	for i := range r.Rows {
		v := &r.Rows[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%.0f\t%.0f %%\t%.0f\t%d\t%d\t%.0f %%\t%.1f %%\t  %s\n", v.Condition, v.Stream,
			load.Micros(v.P50), load.Micros(v.P99), load.Micros(v.P999), load.Micros(v.Max), share(v.InBudget), v.Sleeper.P99, v.Sleeper.P999, 100*v.Accompanied,
			v.Waiting.Client+v.Waiting.Bridge+v.Waiting.Daemon, v.Bridge.Cycles, v.Daemon.Cycles, 100*v.Busy, 100*v.Steal, v.notes())
	}
	return t.Flush()
}

// notes says who answered and what proves the condition.
func (v *Row) notes() string {
	parts := []string{v.sources()}
	if v.Proof.What != "" {
		parts = append(parts, fmt.Sprintf("%.0f %s", v.Proof.Count, v.Proof.What))
	}
	if v.Spell > 0 {
		parts = append(parts, fmt.Sprintf("at most %.0f ms in a row without the bridge, connected again %d times", v.Spell, v.Reconnects))
	}
	if len(v.Reasons) > 0 {
		parts = append(parts, "because of "+v.reasons())
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

func (v *Row) sources() string {
	var parts []string
	for _, name := range Sources {
		if n := v.Sources[name]; n > 0 {
			parts = append(parts, name+" "+share(n))
		}
	}
	return strings.Join(parts, ", ")
}

func (v *Row) reasons() string {
	var parts []string
	for _, why := range ipc.Reasons {
		if n := v.Reasons[why.String()]; n > 0 {
			parts = append(parts, why.String()+" "+share(n))
		}
	}
	return strings.Join(parts, ", ")
}

// share writes a share so that it never rounds up to a whole that it is not.
func share(v float64) string {
	text := fmt.Sprintf("%.2f %%", float64(int(v*1e4+1e-6))/100)
	return strings.Replace(text, "100.00", "100", 1)
}

// Markdown prints the tables of docs/tails.md: how long, and why.
func (r *Report) Markdown(w io.Writer) error {
	fmt.Fprintf(w, "%v; %d calls a second.\n\n", r.Machine, r.Rate)
	fmt.Fprintln(w, "| condition | calls of | p50 µs | p99 | p99.9 | max | within 1 ms | answered by |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	for i := range r.Rows {
		v := &r.Rows[i]
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", v.title, v.Stream, load.Micros(v.P50), load.Micros(v.P99), load.Micros(v.P999), load.Micros(v.Max), share(v.InBudget), v.sources())
	}
	fmt.Fprintln(w, "\n| condition | calls of | proof | sleeper p99 µs | sleeper p99.9 | slowest 0.1 % with it | waited for a core, µs a call: client, ml-bridge, mld | collections: ml-bridge, mld (worst pause µs) | cores busy | stolen |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for i := range r.Rows {
		v := &r.Rows[i]
		proof := "-"
		if v.Proof.What != "" {
			proof = fmt.Sprintf("%.0f %s", v.Proof.Count, v.Proof.What)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %.0f | %.0f | %.0f %% | %.0f, %.0f, %.0f | %d, %d (%.0f, %.0f) | %.0f %% | %.1f %% |\n", v.title, v.Stream, proof,
			v.Sleeper.P99, v.Sleeper.P999, 100*v.Accompanied, v.Waiting.Client, v.Waiting.Bridge, v.Waiting.Daemon,
			v.Bridge.Cycles, v.Daemon.Cycles, v.Bridge.WorstUS, v.Daemon.WorstUS, 100*v.Busy, 100*v.Steal)
	}
	return nil
}
