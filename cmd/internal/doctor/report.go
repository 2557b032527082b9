package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mlbridge/mlbridge/cmd/internal/config"
)

// Level says how much a finding matters.
type Level string

const (
	Good    Level = "good"
	Note    Level = "note"    // worth knowing; nothing need be done
	Warning Level = "warning" // it works, and not as well as it could
	Failure Level = "failure" // it does not work
)

// Finding is one thing that was looked at.
type Finding struct {
	Area   string `json:"area"` // "socket", "mld", "timers" …
	Level  Level  `json:"level"`
	Text   string `json:"text"`             // what was found
	Advice string `json:"advice,omitempty"` // what to do about it
}

// Report is everything that was found.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Exit codes of the command doctor. 2 is what every command ends with when it was
// called wrongly.
const (
	exitGood     = 0
	exitWarnings = 1
	exitFailures = 3
)

// Examine looks at everything.
func Examine(ctx context.Context, h *Host) *Report {
	r := &Report{}
	h.running(ctx)
	for _, look := range []func(context.Context) []Finding{
		h.socket, h.admin, h.http, h.mld, h.limits, h.timers, h.clock, h.processors,
		h.service, h.cgroup, h.pressure, h.memory, h.kernel,
	} {
		r.Findings = append(r.Findings, look(ctx)...)
	}
	return r
}

// count tells how many findings are of the level.
func (r *Report) count(l Level) (n int) {
	for _, f := range r.Findings {
		if f.Level == l {
			n++
		}
	}
	return n
}

// ExitCode is how the command ends: 0 when all is good, 1 when there are warnings, 3
// when something does not work.
func (r *Report) ExitCode() int {
	switch {
	case r.count(Failure) > 0:
		return exitFailures
	case r.count(Warning) > 0:
		return exitWarnings
	}
	return exitGood
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// marks stand before findings; they differ without colours too.
var marks = map[Level]string{Good: "ok", Note: "--", Warning: "!!", Failure: "XX"}

var colours = map[Level]string{Good: "32", Note: "2", Warning: "33", Failure: "31"}

// Text writes the report for people.
func (r *Report) Text(w io.Writer, colour bool) {
	area := ""
	for _, f := range r.Findings {
		name := f.Area
		if name == area {
			name = ""
		}
		area = f.Area
		mark := marks[f.Level]
		if colour {
			mark = "\x1b[" + colours[f.Level] + "m" + mark + "\x1b[0m"
		}
		for i, line := range config.Wrap(f.Text, 84) {
			if i > 0 {
				name, mark = "", "  "
			}
			fmt.Fprintf(w, "%-11s %s  %s\n", name, mark, line)
		}
		for i, line := range config.Wrap(f.Advice, 80) {
			arrow := "→"
			if i > 0 {
				arrow = " "
			}
			fmt.Fprintf(w, "%16s%s %s\n", "", arrow, line)
		}
	}
	fmt.Fprintf(w, "\n%s\n", r.summary())
}

func (r *Report) summary() string {
	failures, warnings := r.count(Failure), r.count(Warning)
	switch {
	case failures > 0:
		return fmt.Sprintf("%d of %d things looked at do not work, %d could be better.", failures, len(r.Findings), warnings)
	case warnings > 0:
		return fmt.Sprintf("It works; %d of %d things looked at could be better.", warnings, len(r.Findings))
	}
	return fmt.Sprintf("All %d things looked at are good.", len(r.Findings))
}

func good(area, format string, args ...any) Finding {
	return Finding{Area: area, Level: Good, Text: fmt.Sprintf(format, args...)}
}

func found(area string, l Level, advice, format string, args ...any) Finding {
	return Finding{Area: area, Level: l, Text: fmt.Sprintf(format, args...), Advice: strings.TrimSpace(advice)}
}
