package anatomy

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mlbridge/mlbridge/bench/internal/report"
)

// Report is the result of a whole run.
type Report struct {
	Machine     report.Machine     `json:"machine"`
	Calls       []Anatomy          `json:"calls"`
	Micro       map[string]float64 `json:"stages_us"` // the micro-benchmarks
	Rounds      int                `json:"rounds"`
	SystemCalls string             `json:"system_calls"` // how they were counted, or why not
}

// JSON gives the file's bytes.
func (r *Report) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// spenders are the columns of the tables, in order.
var spenders = []struct {
	who   Who
	title string
}{
	{Sockets, "sockets"},
	{Waiting, "waiting, waking, switching"},
	{Rest, "loop, scheduler, rest"},
	{Ours, "our stages"},
	{Model, "model"},
}

// Table prints a block a call for people.
func (r *Report) Table(w io.Writer) error {
	fmt.Fprintf(w, "\n%v\n%s\n\n", r.Machine, r.method())
	for _, table := range [][][]string{r.lines(), r.gaps()} {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, cells := range table {
			fmt.Fprintln(t, strings.Join(cells, "\t")+"\t")
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	for _, line := range append(r.pieces(), r.remarks()...) {
		fmt.Fprintln(w, line)
	}
	return nil
}

// Markdown prints the same for docs/anatomy.md.
func (r *Report) Markdown(w io.Writer) error {
	fmt.Fprintf(w, "%v. %s\n\n", r.Machine, r.method())
	for _, table := range [][][]string{r.lines(), r.gaps()} {
		for i, cells := range table {
			fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
			if i == 0 {
				fmt.Fprintf(w, "| --- |%s\n", strings.Repeat(" ---: |", len(cells)-1))
			}
		}
		fmt.Fprintln(w)
	}
	for _, line := range r.remarks() {
		fmt.Fprintf(w, "* %s\n", line)
	}
	return nil
}

// method is what a reader of the figures must know.
func (r *Report) method() string {
	worst := 0.0
	for i := range r.Calls {
		for _, p := range r.Calls[i].Processes {
			worst = max(worst, p.Uncertainty)
		}
	}
	return fmt.Sprintf("Medians of %d rounds on one core, µs a call. User and system time of a process are told apart by the kernel's ticks: ±%.1f µs (one standard deviation) in the worst process. System calls: %s.",
		r.Rounds, worst, r.SystemCalls)
}

// lines are the table: a line a call, then one for each of its processes.
func (r *Report) lines() [][]string {
	head := []string{"", "p50", "× C", "CPU", "user", "system"}
	for _, s := range spenders {
		head = append(head, s.title)
	}
	lines := [][]string{append(head, "system calls", "reads, writes", "switches: waited, pushed")}
	for i := range r.Calls {
		a := &r.Calls[i]
		var user, system float64
		for _, p := range a.Processes {
			user, system = user+p.User, system+p.System
		}
		line := []string{a.Title, micro(a.P50), fmt.Sprintf("%.2f", a.Ratio), micro(a.CPU), micro(user), micro(system)}
		for _, s := range spenders {
			line = append(line, share(a.Of(s.who), a.CPU))
		}
		lines = append(lines, append(line, a.counts()...))
		for k := range a.Processes {
			lines = append(lines, a.Processes[k].line())
		}
	}
	return lines
}

// gaps are the table of what every call takes beyond the floor, the first of the calls.
func (r *Report) gaps() [][]string {
	head := []string{"beyond the C floor", "CPU"}
	for _, s := range spenders {
		head = append(head, s.title)
	}
	lines := [][]string{append(head, "of which the client")}
	for i := 1; i < len(r.Calls); i++ {
		a, floor := &r.Calls[i], &r.Calls[0]
		gap := a.CPU - floor.CPU
		line := []string{a.Title, micro(gap)}
		for _, s := range spenders {
			line = append(line, share(a.Of(s.who)-floor.Of(s.who), gap))
		}
		lines = append(lines, append(line, share(a.Processes[0].CPU-floor.Processes[0].CPU, gap)))
	}
	return lines
}

func (p *Process) line() []string {
	line := []string{"· " + p.Name, "", "", micro(p.CPU), micro(p.User), micro(p.System)}
	one := Anatomy{Processes: []Process{*p}}
	for _, s := range spenders {
		line = append(line, blank(one.Of(s.who)))
	}
	return append(line, one.counts()...)
}

// counts are the columns that are not times.
func (a *Anatomy) counts() []string {
	var calls, reads, writes, voluntary, involuntary float64
	counted := true
	for _, p := range a.Processes {
		reads, writes = reads+p.Reads, writes+p.Writes
		voluntary, involuntary = voluntary+p.Voluntary, involuntary+p.Involuntary
		if p.SystemCalls == nil {
			counted = false
		} else {
			calls += *p.SystemCalls
		}
	}
	text := "-"
	if counted {
		text = fmt.Sprintf("%.1f", calls)
	}
	return []string{text, fmt.Sprintf("%.1f, %.1f", reads, writes), fmt.Sprintf("%.2f, %.2f", voluntary, involuntary)}
}

// pieces says what each process's stages take.
func (r *Report) pieces() (lines []string) {
	for i := range r.Calls {
		a := &r.Calls[i]
		for _, p := range a.Processes {
			if list := p.detail(); list != "" {
				lines = append(lines, fmt.Sprintf("%s, %s: %s", a.Title, p.Name, list))
			}
		}
	}
	return lines
}

// remarks say where what was measured alone was longer than what was measured of the
// whole, and list the micro-benchmarks.
func (r *Report) remarks() (lines []string) {
	for i := range r.Calls {
		for _, p := range r.Calls[i].Processes {
			if p.UserExcess > 0 {
				lines = append(lines, fmt.Sprintf("%s, %s: the stages alone took %.2f more than the process's user time, and are shortened to it", r.Calls[i].Title, p.Name, p.UserExcess))
			}
			if p.SystemExcess > 0 {
				lines = append(lines, fmt.Sprintf("%s, %s: the sockets alone took %.2f more than the process's system time, and are shortened to it", r.Calls[i].Title, p.Name, p.SystemExcess))
			}
		}
	}
	var alone []string
	for _, name := range slices.Sorted(maps.Keys(r.Micro)) {
		alone = append(alone, fmt.Sprintf("%s %.2f", name, r.Micro[name]))
	}
	return append(lines, "The micro-benchmarks: "+strings.Join(alone, ", "))
}

func micro(us float64) string { return fmt.Sprintf("%.1f", us) }

func share(us, of float64) string { return fmt.Sprintf("%.1f (%.0f %%)", us, 100*us/max(of, 1e-9)) }

func blank(us float64) string {
	if us == 0 {
		return ""
	}
	return micro(us)
}
