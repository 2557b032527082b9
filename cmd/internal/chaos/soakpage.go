package chaos

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Markdown writes the page for the docs.
func (s *Soak) Markdown(w io.Writer) error {
	fmt.Fprintf(w, `# %s under load

Made by `+"`make soak`"+`: ml-bridge and mld as processes of their own, the kernel side's client in an open loop
at a fifth of the maximum, and every ten seconds what the two daemons hold. Every answer is compared
with what is right, as in [chaos.md](chaos.md). Percentiles are of all calls that were due: one that was
not answered, or not made, took longer than any. Memory, goroutines and descriptors must be flat: the median
of the last quarter of the samples against that of the second (caches and pools fill in the first), with
a twentieth and 2 MB allowed for memory and 2 for the counts.

Made on %s: %.0f s at %.0f calls a second, %.0f %% of the %.0f that 64 callers got who each waited for their answer.

| sent | answered | within 1 ms | model | cache | stale | rule | wrong | lost | not made | p50 µs | p99 µs | p99.9 µs | load itself late, p99 µs |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| %d | %d | %s | %d | %d | %d | %d | %d | %d | %d | %s | %s | %s | %.0f |

| process | | second quarter | last quarter | most | allowed | |
| --- | --- | ---: | ---: | ---: | ---: | --- |
`, length(s.Seconds), s.Machine, s.Seconds, s.Rate, 100*s.Rate/s.MaxRate, s.MaxRate,
		s.Sent, s.Answered, percent(s.InBudget, s.Sent), s.BySource["model"], s.BySource["cache"], s.BySource["stale"], s.BySource["rule"],
		s.Wrong, s.Lost, s.Dropped, load.Micros(s.P50us), load.Micros(s.P99us), load.Micros(s.P999us), s.Pacing)
	for _, t := range s.Trends {
		flat := "flat"
		if !t.Flat {
			flat = "**grows**"
		}
		fmt.Fprintf(w, "| %s | %s | %.1f | %.1f | %.1f | %.1f | %s |\n", t.Process, t.What, t.Early, t.Late, t.Most, t.Allowed, flat)
	}
	fmt.Fprintf(w, "\nOf the %d processors the load itself had %.2f, ml-bridge %.2f and mld %.2f, on average.\n",
		s.Processors.Count, s.Processors.Load, s.Processors.Bridge, s.Processors.Mld)
	if s.Interrupted {
		fmt.Fprintf(w, "\n**Interrupted after %.0f s.**\n", s.Seconds)
	}
	if void := s.void(); void != "" {
		fmt.Fprintf(w, `
How many answers came within 1 ms says little about the bridge here: %s.
What is right, what is lost and what grows does not depend on it.
`, void)
	}
	for _, f := range s.Failed {
		fmt.Fprintf(w, "\n**%s.**\n", f)
	}
	return nil
}

// void says why the latencies are the machine's more than the bridge's; "" when they are not.
func (s *Soak) void() string {
	var why []string
	if due := s.Sent + s.Dropped; s.Dropped > due/100 {
		rate := float64(s.Sent) / s.Seconds
		why = append(why, fmt.Sprintf("%s of the calls that were due were not made, as the load did not get onto a processor, or all was frozen (in fact there were %.0f calls a second, %.0f %% of the maximum)",
			percent(s.Dropped, due), rate, 100*rate/s.MaxRate))
	}
	if late := micros(load.MaxPacingError); s.Pacing > late {
		why = append(why, fmt.Sprintf("the load itself was late by more than %.0f µs, at the 99th percentile, which kernelsim calls void", late))
	}
	if s.Processors.Crowded() {
		why = append(why, fmt.Sprintf("the processors were busy for more than %.0f %% of the time, mostly with the load itself, and an answer waits for one at every step", 100*crowded))
	}
	return strings.Join(why, "; ")
}

// length is for people.
func length(seconds float64) string {
	if minutes := math.Round(seconds / 60); minutes != 60 {
		return fmt.Sprintf("%.0f minutes", minutes)
	}
	return "An hour"
}
