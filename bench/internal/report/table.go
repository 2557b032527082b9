package report

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/mlbridge/mlbridge/bench/internal/row"
)

// Table prints both placements side by side.
func Table(w io.Writer, m Machine, all []row.Figures) error {
	fmt.Fprintf(w, "\n%v\nLatencies in µs; CPU in µs a question, all processes; × C is the p50 to the C floor's, both on one core.\n\n", m)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tone core\t\t\t\t\tall cores\t\t\t\t\t\t\t")
	fmt.Fprintln(t, "row\t× C\tp50\tp99\tp99.9\tCPU\tp50\tp99\tp99.9\tper second\tallocs\tCPU\t  note")
	for i := range all {
		l := newLine(&all[i])
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t  %s\n", l.Name,
			text(l.RatioToC, 2), text(l.OneCoreP50, 1), text(l.OneCoreP99, 1), text(l.OneCoreP999, 1), text(l.OneCoreCPU, 1),
			text(l.P50, 1), text(l.P99, 1), text(l.P999, 1), text(l.PerSecond, 0), text(l.AllocsPerOp, 2), text(l.CPUPerOp, 1), l.Note)
	}
	return t.Flush()
}

func text(v *float64, digits int) string {
	if v == nil {
		return "-"
	}
	if digits > 0 && *v != 0 && *v < 0.1 {
		digits = 3
	}
	return fmt.Sprintf("%.*f", digits, *v)
}
