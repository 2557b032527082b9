package engine

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oracleDir holds models and what ONNX Runtime computes for them; oracle/make.py
// writes it and documents the form.
const oracleDir = "../../testdata/oracle"

// tolerance against ONNX Runtime, relative to values above 1 and absolute below.
// Both sides compute in float32 but add in different orders.
const tolerance = 1e-5

// oracleCase is NAME.json; nil is NaN.
type oracleCase struct {
	Rows    [][]*float32
	Outputs []struct {
		Name   string
		Values [][]*float32
	}
}

func flat(rows [][]*float32) []float32 {
	var out []float32
	for _, row := range rows {
		for _, v := range row {
			if v == nil {
				out = append(out, float32(math.NaN()))
			} else {
				out = append(out, *v)
			}
		}
	}
	return out
}

func oracleNames(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(oracleDir, "*.onnx"))
	if err != nil || len(files) < 40 {
		t.Fatalf("Glob(%s) = %d files, %v; want at least 40", oracleDir, len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".onnx")
	}
	return files
}

func oracleModel(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(oracleDir, name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func loadOracle(t testing.TB, name string) (*Model, oracleCase) {
	t.Helper()
	m, err := Load(oracleModel(t, name), Limits{})
	if err != nil {
		t.Fatalf("Load(%s) = %v", name, err)
	}
	text, err := os.ReadFile(filepath.Join(oracleDir, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var c oracleCase
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatalf("%s.json: %v", name, err)
	}
	return m, c
}

func near(got, want float32) bool {
	if got != got || want != want {
		return got != got && want != want
	}
	return math.Abs(float64(got)-float64(want)) <= tolerance*max(1, math.Abs(float64(want)))
}

func TestOracle(t *testing.T) {
	for _, name := range oracleNames(t) {
		t.Run(name, func(t *testing.T) {
			m, c := loadOracle(t, name)
			if got, want := len(m.Outputs()), len(c.Outputs); got != want {
				t.Fatalf("Outputs() has %d, want %d", got, want)
			}
			n := len(c.Rows)
			s := m.NewSession(n)
			if err := s.Run(flat(c.Rows), n); err != nil {
				t.Fatal(err)
			}
			for i, want := range c.Outputs {
				out := m.Outputs()[i]
				if out.Name != want.Name || out.Width != len(want.Values[0]) {
					t.Errorf("output %d is %+v, want %s of width %d", i, out, want.Name, len(want.Values[0]))
					continue
				}
				compareRows(t, out, s.Output(i), flat(want.Values))
			}
		})
	}
}

// compareRows stops at the first difference of an output.
func compareRows(t *testing.T, out Output, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("output %s has %d values, want %d", out.Name, len(got), len(want))
		return
	}
	for j := range got {
		if !near(got[j], want[j]) {
			t.Errorf("output %s row %d column %d = %v, want %v", out.Name, j/out.Width, j%out.Width, got[j], want[j])
			return
		}
	}
}

// TestBatching: results do not depend on how rows are grouped, to the bit.
func TestBatching(t *testing.T) {
	for _, name := range oracleNames(t) {
		m, c := loadOracle(t, name)
		rows, n, f := flat(c.Rows), len(c.Rows), m.Inputs()
		whole, part := m.NewSession(n), m.NewSession(5)
		if err := whole.Run(rows, n); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, size := range []int{1, 2, 3, 5} {
			for at := 0; at+size <= n; at += size {
				if err := part.Run(rows[at*f:(at+size)*f], size); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for i, o := range m.Outputs() {
					for j, got := range part.Output(i) {
						want := whole.Output(i)[at*o.Width+j]
						if math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
							t.Fatalf("%s: output %s of row %d in a batch of %d = %v, in one of %d %v",
								name, o.Name, at+j/o.Width, size, got, n, want)
						}
					}
				}
			}
		}
	}
}

// TestRunAllocates: no model of the set allocates in Run.
func TestRunAllocates(t *testing.T) {
	for _, name := range oracleNames(t) {
		m, c := loadOracle(t, name)
		rows, n := flat(c.Rows), len(c.Rows)
		s := m.NewSession(n)
		var err error
		if got := testing.AllocsPerRun(10, func() { err = s.Run(rows, n) }); got != 0 || err != nil {
			t.Errorf("%s: Run allocates %v times (%v), want 0", name, got, err)
		}
	}
}
