package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/mlbridge/mlbridge/bench/internal/compare"
	"github.com/mlbridge/mlbridge/bench/internal/report"
)

// names are the figures', as the JSON file and the closing line have them.
var names = [figures]string{"time", "CPU", "allocations"}

// outcome is a row with what the pairs say about it.
type outcome struct {
	pairs      *pairs
	judgements [figures]judgement
}

func newOutcome(p *pairs) outcome {
	o := outcome{pairs: p}
	for f := range figures {
		o.judgements[f] = p.judge(f)
	}
	if p.uncounted() {
		o.judgements[allocs].result = compare.Result{}
	}
	return o
}

// table prints a line a row.
func table(w io.Writer, m report.Machine, sides [2]side, all []outcome) error {
	fmt.Fprintf(w, "\n%v\n%s, then %s: medians of the pairs, all processes on one core. × C is the p50 to the C floor's, CPU is a call's of\n"+
		"all processes to the floor's; in brackets the %g %% interval of the median change.\n\n", m, sides[old].tree.Label, sides[fresh].tree.Label, 100*confidence)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tpairs\t× C\tchange\t\tCPU × C\tchange\t\tallocs\tchange\t")
	for _, o := range all {
		if o.missing() != "" {
			fmt.Fprintf(t, "%s\t0\tnot measured: %s\n", o.pairs.row.Name, o.missing())
			continue
		}
		fmt.Fprintf(t, "%s\t%d", o.pairs.row.Name, len(o.pairs.samples))
		for f, j := range o.judgements {
			fmt.Fprintf(t, "\t%s → %s\t%s\t%v", amount(j.old), amount(j.fresh), change(figure(f), j.result), j.result.Verdict)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// amount writes a figure; a client's hit is a hundredth of the floor.
func amount(v float64) string {
	if v > 0 && v < 0.1 {
		return fmt.Sprintf("%.4f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// change writes a difference and its interval, of factors in per cent.
func change(f figure, r compare.Result) string {
	if f == allocs {
		return fmt.Sprintf("%+.2f [%+.2f, %+.2f]", r.Median, r.Low, r.High)
	}
	return fmt.Sprintf("%+.1f %% [%+.1f, %+.1f]", percent(r.Median), percent(r.Low), percent(r.High))
}

// percent turns a difference of logarithms into a change in per cent.
func percent(d float64) float64 { return 100 * math.Expm1(d) }

func (o *outcome) missing() string {
	for i, err := range o.pairs.err {
		if err != nil {
			return [2]string{"the old side: ", "the new side: "}[i] + err.Error()
		}
	}
	return ""
}

// with lists what has a verdict, such as "bridge-hit: time +18 %".
func with(v compare.Verdict, all []outcome) (list []string) {
	for _, o := range all {
		var parts []string
		for f, j := range o.judgements {
			switch {
			case o.missing() != "" || j.result.Verdict != v:
			case figure(f) == allocs:
				parts = append(parts, fmt.Sprintf("%s %+.2f", names[f], j.result.Median))
			default:
				parts = append(parts, fmt.Sprintf("%s %+.0f %%", names[f], percent(j.result.Median)))
			}
		}
		if len(parts) > 0 {
			list = append(list, o.pairs.row.Name+": "+strings.Join(parts, ", "))
		}
	}
	return list
}

// line is a row of the JSON file.
type line struct {
	Name    string                   `json:"name"`
	Pairs   int                      `json:"pairs"`
	Missing string                   `json:"missing,omitempty"`
	P50     [2]float64               `json:"one_core_p50_us"` // old, new
	CPU     [2]float64               `json:"one_core_cpu_us_per_op"`
	Figures map[string]comparedValue `json:"figures,omitempty"`
}

// comparedValue is a figure of the JSON file. Changes of time and CPU are factors less
// one, of allocations differences; the ends of an interval are null when there is none.
type comparedValue struct {
	Old     float64  `json:"old"`
	New     float64  `json:"new"`
	Change  float64  `json:"change"`
	Low     *float64 `json:"low"`
	High    *float64 `json:"high"`
	Verdict string   `json:"verdict"`
}

func newLine(o *outcome) line {
	p := o.pairs
	l := line{Name: p.row.Name, Pairs: len(p.samples), Missing: o.missing()}
	if l.Missing != "" {
		return l
	}
	for i := range l.P50 {
		l.P50[i], l.CPU[i] = compare.Median(side1(p.p50, i)), compare.Median(side1(p.cpu, i))
	}
	l.Figures = make(map[string]comparedValue)
	for f, j := range o.judgements {
		unit := math.Expm1
		if figure(f) == allocs {
			unit = func(v float64) float64 { return v }
		}
		end := func(v float64) *float64 {
			if math.IsInf(v, 0) {
				return nil
			}
			v = unit(v)
			return &v
		}
		l.Figures[strings.ToLower(names[f])] = comparedValue{
			Old: j.old, New: j.fresh, Change: unit(j.result.Median),
			Low: end(j.result.Low), High: end(j.result.High), Verdict: j.result.Verdict.String(),
		}
	}
	return l
}

func side1(vs [][2]float64, i int) []float64 {
	out := make([]float64, len(vs))
	for k := range vs {
		out[k] = vs[k][i]
	}
	return out
}

// writeJSON writes regress.json.
func writeJSON(dir string, m report.Machine, sides [2]side, all []outcome) error {
	file := struct {
		Old     string         `json:"old"`
		New     string         `json:"new"`
		Machine report.Machine `json:"machine"`
		Rows    []line         `json:"rows"`
	}{sides[old].tree.Label, sides[fresh].tree.Label, m, nil}
	for i := range all {
		file.Rows = append(file.Rows, newLine(&all[i]))
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "regress.json"), append(data, '\n'), 0o644)
}
