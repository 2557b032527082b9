package curve

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// Points travel from the client process to its parent as JSON: what is missing stays so.
func TestPointsTravel(t *testing.T) {
	p := NewPoint(Batch, 64)
	p.P50, p.PerSecond, p.Note = 12.34567, 0, "a note"
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var got Point
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Curve != p.Curve || got.X != 64 || got.P50 != 12.35 || got.PerSecond != 0 || got.Note != p.Note {
		t.Errorf("%+v became %+v", p, got)
	}
	if got.P99.Known() || !got.PerSecond.Known() || !strings.Contains(string(b), `"p99_us":null`) {
		t.Errorf("missing and 0 are not told apart: %s", b)
	}
}

// figures must name every figure of a point, or new ones would begin as 0.
func TestNewPointMissesAll(t *testing.T) {
	p := NewPoint(Batch, 1)
	v := reflect.ValueOf(p)
	for i := range v.NumField() {
		if f, ok := v.Field(i).Interface().(Figure); ok && f.Known() {
			t.Errorf("%s of a new point is %v", v.Type().Field(i).Name, f)
		}
	}
}

// The document explains every field of the file and names every curve.
func TestDocumentNamesFields(t *testing.T) {
	text, err := os.ReadFile("../../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	of := reflect.TypeFor[Point]()
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/scaling.md does not explain `%s`", name)
		}
	}
	for _, c := range All() {
		if !strings.Contains(string(text), "`"+c.Name+"`") {
			t.Errorf("docs/scaling.md does not name the curve `%s`", c.Name)
		}
	}
}

func TestTables(t *testing.T) {
	c := sample()
	var plain, markdown strings.Builder
	if err := Table(&plain, []Curve{c}); err != nil {
		t.Fatal(err)
	}
	if err := Markdown(&markdown, []Curve{c}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"25 %", "knee", "void: the generator was late", "-"} {
		if !strings.Contains(plain.String(), want) || !strings.Contains(markdown.String(), want) {
			t.Errorf("a table does not say %q:\n%s%s", want, plain.String(), markdown.String())
		}
	}
	if strings.Contains(plain.String(), "p99.9") {
		t.Error("a column that no point has a figure for is there")
	}
	rows := c.rows()
	for i, row := range rows {
		if len(row) != len(rows[0]) {
			t.Errorf("row %d has %d cells, the head %d", i, len(row), len(rows[0]))
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -12345: "-12,345"} {
		if got := Short(v); got != want {
			t.Errorf("Short(%v) = %q, want %q", v, got, want)
		}
	}
	for f, want := range map[Figure]string{1: "100 %", 0.99996: "99.99 %", 0.5: "50 %"} {
		if got := percent(f); got != want {
			t.Errorf("percent(%v) = %q, want %q", f, got, want)
		}
	}
}
