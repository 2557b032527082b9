package tail

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/bench/internal/report"
)

func sample() *Report {
	streams := Streams()
	var cells []Cell
	for _, cond := range Conditions() {
		for _, s := range streams {
			run := &Run{Calls: Series{Interval: 500_000, Late: []uint32{20_000, 30_000, 4_000_000}}, Proof: Proof{3, "things"}}
			run.Sleepers = []Series{{Interval: 500_000, Late: []uint32{1000, 2000, 3_000_000}}}
			if !s.floor {
				run.Calls.From, run.Calls.Why = []uint8{0, 1, 3}, []uint8{0, 0, 3}
			}
			cells = append(cells, Cell{cond, s, []*Run{run}})
		}
	}
	return NewReport(report.Machine{CPU: "a <fast> & small one"}, 2000, cells)
}

// TestPicture: a picture that is no XML is shown nowhere.
func TestPicture(t *testing.T) {
	svg := string(sample().SVG())
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range Conditions() {
		if !strings.Contains(svg, ">"+c.Title+"<") {
			t.Errorf("the picture does not show %q", c.Title)
		}
	}
	for _, s := range Streams() {
		if !strings.Contains(svg, "\n."+s.Name+" {") && !strings.Contains(svg, " ."+s.Name+" {") {
			t.Errorf("the picture has no colour for %q", s.Name)
		}
	}
	if !strings.Contains(svg, "prefers-color-scheme: dark") || strings.Count(svg, ">4 ms<") == 0 {
		t.Error("the picture has no dark side, or no figures")
	}
}

func TestTables(t *testing.T) {
	r := sample()
	for name, print := range map[string]func(io.Writer) error{"table": r.Table, "Markdown": r.Markdown} {
		var b strings.Builder
		if err := print(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"66.66 %", "model 33.33 %, cache 33.33 %, rule 33.33 %", "3 things"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("the %s has no %q:\n%s", name, want, b.String())
			}
		}
	}
	data, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Rows []map[string]any
	}
	if err := json.Unmarshal(data, &file); err != nil || len(file.Rows) != len(Conditions())*len(Streams()) {
		t.Fatalf("the file has %d rows, %v", len(file.Rows), err)
	}
	if got := file.Rows[1]["p999_us"]; got != 4000.0 {
		t.Errorf("p999_us = %v, want 4000", got)
	}
}

// TestConditions: every disturbance must leave something to prove it by.
func TestConditions(t *testing.T) {
	for i, c := range Conditions() {
		if (c.begin == nil) != (i == 0) || (c.proof == nil) != (i == 0) || c.What == "" || c.Title == "" {
			t.Errorf("%s is calm only in part", c.Name)
		}
	}
}
