package row

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/bench/internal/load"
)

func TestParseFloor(t *testing.T) {
	out := []byte("4 2000000 100000\n")
	for _, ns := range []uint32{10_000, 20_000, 30_000, 40_000} {
		out = binary.LittleEndian.AppendUint32(out, ns)
	}
	r, err := parseFloor(out)
	if err != nil {
		t.Fatal(err)
	}
	if r.Questions != 4 || r.PerSecond != 2000 || r.CPU != 25 {
		t.Errorf("parseFloor = %d questions, %v a second, %v µs CPU; want 4, 2000, 25", r.Questions, r.PerSecond, r.CPU)
	}
	if r.P50 < 19.9 || r.P50 > 20.1 || r.P999 < 39.9 || r.P999 > 40.1 {
		t.Errorf("p50 %v, p99.9 %v; want 20 and 40", r.P50, r.P999)
	}
	for _, bad := range [][]byte{nil, []byte("0 1 1\n"), out[:len(out)-1], bytes.Replace(out, []byte("4"), []byte("5"), 1)} {
		if _, err := parseFloor(bad); err == nil {
			t.Errorf("parseFloor(%q) took it", bad)
		}
	}
}

func TestFigures(t *testing.T) {
	s := series{
		free:   []load.Result{{P50: 3, Questions: 10, Unexpected: 1}, {P50: 1, Questions: 10}, {P50: 2, Questions: 20}},
		pinned: []load.Result{{P50: 20, Questions: 10}, {P50: 40, Questions: 50}},
		ratios: []float64{2, 4},
	}
	f := s.figures(Row{Name: "x"}, "")
	if f.Unpinned.P50 != 2 || f.Pinned.P50 != 30 || f.Ratio != 3 || f.Unexpected != 0.01 {
		t.Errorf("figures = %+v", f)
	}
	if f = s.figures(Row{Name: "x"}, "no node"); f.Missing != "no node" || f.Unpinned.Questions != 0 {
		t.Errorf("figures of a missing row = %+v", f)
	}
}

// TestNames: other programs find rows by their names.
func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range All() {
		if seen[r.Name] {
			t.Errorf("two rows are called %s", r.Name)
		}
		seen[r.Name] = true
	}
	for _, name := range strings.Fields("c-floor client-hit bridge-hit cold-http-unix cold-http-tcp cold-embedded cold-64x1 cold-1x64 batch-64 ttrpc grpc net-http-json origin") {
		if !seen[name] {
			t.Errorf("no row is called %s", name)
		}
	}
}
