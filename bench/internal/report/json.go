package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/row"
)

// line is a row of the JSON file. A figure that was not measured, or that makes no
// sense for the row, is null.
type line struct {
	Name        string   `json:"name"`
	P50         *float64 `json:"p50_us"`
	P99         *float64 `json:"p99_us"`
	P999        *float64 `json:"p999_us"`
	PerSecond   *float64 `json:"per_second"`
	AllocsPerOp *float64 `json:"allocs_per_op"`
	CPUPerOp    *float64 `json:"cpu_us_per_op"`
	RatioToC    *float64 `json:"ratio_to_c"`

	// With all processes on one core, which is where the ratio is from.
	OneCoreP50  *float64 `json:"one_core_p50_us"`
	OneCoreP99  *float64 `json:"one_core_p99_us"`
	OneCoreP999 *float64 `json:"one_core_p999_us"`
	OneCoreCPU  *float64 `json:"one_core_cpu_us_per_op"`

	Note string `json:"note"`
}

// JSON gives the file's bytes.
func JSON(all []row.Figures) ([]byte, error) {
	lines := make([]line, len(all))
	for i := range all {
		lines[i] = newLine(&all[i])
	}
	b, err := json.MarshalIndent(lines, "", "  ")
	return append(b, '\n'), err
}

func newLine(f *row.Figures) line {
	l := line{Name: f.Row.Name, Note: note(f)}
	if measured(&f.Unpinned) {
		u := &f.Unpinned
		l.P50, l.P99, l.P999 = number(u.P50), number(u.P99), number(u.P999)
		l.PerSecond, l.CPUPerOp = number(u.PerSecond), number(u.CPU)
		if u.Allocs >= 0 {
			l.AllocsPerOp = number(u.Allocs)
		}
	}
	if measured(&f.Pinned) {
		p := &f.Pinned
		l.RatioToC = number(f.Ratio)
		l.OneCoreP50, l.OneCoreP99, l.OneCoreP999 = number(p.P50), number(p.P99), number(p.P999)
		l.OneCoreCPU = number(p.CPU)
	}
	return l
}

func measured(r *load.Result) bool { return r.Questions > 0 }

// number keeps four significant digits: the rest is noise.
func number(v float64) *float64 {
	if v != 0 {
		scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
		v = math.Round(v*scale) / scale
	}
	return &v
}

// note says what a reader of the row must know.
func note(f *row.Figures) string {
	var parts []string
	if f.Missing != "" {
		parts = append(parts, "not measured: "+f.Missing)
	}
	if f.Row.Note != "" {
		parts = append(parts, f.Row.Note)
	}
	if f.Unexpected > 0 {
		parts = append(parts, fmt.Sprintf("%.2g %% of the answers were of another origin", 100*f.Unexpected))
	}
	return strings.Join(parts, "; ")
}
