package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/bench/internal/checkout"
	"github.com/mlbridge/mlbridge/bench/internal/compare"
	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/bench/internal/row"
)

// measured gives a row of 15 pairs whose new side takes factor times the old one's time
// and more allocations, with a little noise.
func measured(name string, factor, more float64) *pairs {
	p := &pairs{row: row.Row{Name: name}}
	for i := range 15 {
		noise := 1 + 0.002*float64(i%5)
		p.samples = append(p.samples, [2]sample{{2, 3, 0.5}, {2 * factor * noise, 3 * factor * noise, 0.5 + more}})
		p.p50 = append(p.p50, [2]float64{20, 20 * factor})
		p.cpu = append(p.cpu, [2]float64{15, 15 * factor})
	}
	return p
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name         string
		factor, more float64
		want         [figures]compare.Verdict
		err          error
	}{
		{"the same", 1, 0, [figures]compare.Verdict{compare.Same, compare.Same, compare.Same}, nil},
		{"slower by 2 %", 1.02, 0, [figures]compare.Verdict{compare.Same, compare.Same, compare.Same}, nil},
		{"slower by 10 %", 1.1, 0, [figures]compare.Verdict{compare.Worse, compare.Worse, compare.Same}, errWorse},
		{"faster", 0.8, 0, [figures]compare.Verdict{compare.Better, compare.Better, compare.Same}, nil},
		{"one allocation more", 1, 1, [figures]compare.Verdict{compare.Same, compare.Same, compare.Worse}, errWorse},
	} {
		o := newOutcome(measured("x", c.factor, c.more))
		for f, want := range c.want {
			if got := o.judgements[f].result.Verdict; got != want {
				t.Errorf("%s: %s is %v, want %v", c.name, names[f], got, want)
			}
		}
		if err := verdict([]outcome{o}); !errors.Is(err, c.err) {
			t.Errorf("%s: verdict = %v, want %v", c.name, err, c.err)
		}
	}
}

// TestVerdictOfFailures: a row that the old side cannot answer is new, one that the new
// side cannot answer is lost.
func TestVerdictOfFailures(t *testing.T) {
	for side, want := range [2]bool{false, true} {
		p := &pairs{row: row.Row{Name: "x"}}
		p.err[side] = errors.New("no such flag")
		o := newOutcome(p)
		if err := verdict([]outcome{o}); (err != nil) != want {
			t.Errorf("side %d failed: verdict = %v", side, err)
		}
		if !strings.Contains(o.missing(), "no such flag") {
			t.Errorf("missing = %q", o.missing())
		}
	}
}

func TestUncounted(t *testing.T) {
	p := measured("x", 1, 0)
	p.samples[3][fresh][allocs] = -1e9
	if got := newOutcome(p).judgements[allocs].result.Verdict; got != compare.Unclear {
		t.Errorf("allocations that a side could not tell are %v", got)
	}
}

// TestReport writes the table and the file of one row that got worse and one that could
// not be measured.
func TestReport(t *testing.T) {
	lost := &pairs{row: row.Row{Name: "lost"}}
	lost.err[old] = errors.New("no such flag")
	all := []outcome{newOutcome(measured("slow", 1.25, 0)), newOutcome(lost)}
	sides := [2]side{{tree: checkout.Tree{Label: "v1.0.0 (abc)"}}, {tree: checkout.Tree{Label: "work tree"}}}
	var text strings.Builder
	if err := table(&text, report.Machine{}, sides, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"v1.0.0 (abc), then work tree", "+25.5 %", "2.00 → 2.51", "worse", "lost  0      not measured: the old side: no such flag"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, text.String())
		}
	}
	data, err := json.Marshal(newLine(&all[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name":"slow"`, `"one_core_p50_us":[20,25]`, `"verdict":"worse"`, `"change":0.25`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the file has no %s: %s", want, data)
		}
	}
}
