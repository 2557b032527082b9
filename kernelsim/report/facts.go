package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fact is a line about the run or the host, for people.
type fact struct{ Name, Value string }

// runFacts says how the run was set up.
func (r *Report) runFacts() []fact {
	var facts []fact
	if r.Run.Mode != "" {
		facts = r.loadFacts()
	}
	for _, name := range slices.Sorted(maps.Keys(r.Run.Settings)) {
		facts = append(facts, fact{name, r.Run.Settings[name]})
	}
	return facts
}

// loadFacts says how the load was measured.
func (r *Report) loadFacts() []fact {
	run := r.Run
	measured := fmt.Sprintf("%.1f s", run.Seconds)
	if run.Interrupted {
		measured += fmt.Sprintf(" of %.1f s, then interrupted", run.Planned)
	}
	if run.Overtime >= 0.1 {
		measured += fmt.Sprintf(" of schedule, whose last start came %.1f s after its end", run.Overtime)
	}
	facts := []fact{
		{"loop", run.Mode + ", " + run.Schedule},
		{"measured", measured},
		{"budget", fmt.Sprintf("%s for %s of all calls", usUnit(run.BudgetUS), trimmedShare(run.Required))},
		{"answers", grouped(uint64(run.Rate)) + " a second"},
	}
	if run.Warmup > 0 {
		facts = append(facts, fact{"warm-up", fmt.Sprintf("%.1f s, %s calls, left out", run.Warmup, grouped(run.WarmupCalls))})
	}
	if run.Mode == "closed" {
		facts = append(facts, fact{"mind", "closed loop: what callers would have waited for their turn is not in the latencies"})
	} else {
		facts = append(facts, fact{"pacing error", fmt.Sprintf("p50 %s, p99 %s, max %s",
			usUnit(r.Pacing.P50), usUnit(r.Pacing.P99), usUnit(r.Pacing.Max))})
	}
	if run.Processors > 0 {
		facts = append(facts, fact{"processors", fmt.Sprintf("%.2f of %d for kernelsim itself", run.Processors, r.Host.CPUs)})
	}
	return facts
}

// hostFacts says where the run was made. What the host does not say is left out.
func (r *Report) hostFacts() []fact {
	h := r.Host
	cpu := fmt.Sprintf("%d", h.CPUs)
	if h.CPUModel != "" {
		cpu += " × " + h.CPUModel
	}
	psi := "not available"
	if h.PSI {
		psi = "available"
	}
	facts := []fact{
		{"processors", cpu},
		{"memory", memoryText(h.MemoryKiB)},
		{"kernel", h.Kernel},
		{"preemption", h.Preemption},
		{"sched_ext", h.SchedExt},
		{"pressure (PSI)", psi},
		{"Go", fmt.Sprintf("%s %s, GOMAXPROCS %d", h.GoVersion, h.GOARCH, h.GOMAXPROCS)},
	}
	for _, name := range slices.Sorted(maps.Keys(h.Programs)) {
		facts = append(facts, fact{name, h.Programs[name]})
	}
	facts = append(facts, fact{"arguments", strings.Join(h.Arguments, " ")},
		fact{"made", r.Created.UTC().Format("2006-01-02 15:04:05 UTC")})
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}

func memoryText(kib string) string {
	var n float64
	if _, err := fmt.Sscan(kib, &n); err != nil {
		return ""
	}
	return fmt.Sprintf("%.1f GiB", n/(1<<20))
}
