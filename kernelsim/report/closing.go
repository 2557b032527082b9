package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Closing writes the verdict once more, for the end of the terminal's output: the
// report's head has scrolled away by then. It is two lines or three, and says of a
// void run what that means and what to do about it.
func (r *Report) Closing(w io.Writer, color bool) error {
	var b bytes.Buffer
	t := textWriter{&b, styles(color), r}
	state := t.state()
	figures := fmt.Sprintf("%s of %s calls %s (required %s), p99 %s", shareText(r.Verdict.Share),
		grouped(r.Total.Calls), within(r.Run.BudgetUS), trimmedShare(r.Run.Required), usUnit(r.Total.Latency.P99))
	if r.Run.Mode == "closed" {
		figures += "; closed loop"
	}
	switch {
	case r.Total.Calls == 0:
		fmt.Fprintf(t, "%s: %s\n", state, plain(r.Verdict.Reason))
	case r.Verdict.State == "void":
		t.hang(state+": ", len("VOID: "), plain(r.Verdict.Reason)+", so the latencies of this run are not judged.")
		helps := ""
		if r.Verdict.Remedy != "" {
			helps = "What helps: " + plain(r.Verdict.Remedy) + ". "
		}
		t.hang("      ", len("VOID: "), helps+"Not judged: "+figures+".")
	default:
		fmt.Fprintf(t, "%s: %s\n", state, figures)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// state is the verdict's word in its colour.
func (t textWriter) state() string {
	shade := map[string]style{"pass": green, "fail": red, "void": yellow}[t.r.Verdict.State]
	return t.color.use(shade).on(strings.ToUpper(plain(t.r.Verdict.State)))
}
