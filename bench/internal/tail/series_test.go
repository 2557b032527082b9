package tail

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

func TestParseSeries(t *testing.T) {
	out := []byte("1000 500 3\n")
	for _, ns := range []uint32{10, 20, 30} {
		out = binary.LittleEndian.AppendUint32(out, ns)
	}
	s, err := parseSeries(out)
	if err != nil || s.Start != 1000 || s.Interval != 500 || !slices.Equal(s.Late, []uint32{10, 20, 30}) {
		t.Errorf("parseSeries = %+v, %v", s, err)
	}
	for _, bad := range [][]byte{nil, []byte("1 1 0\n"), []byte("x"), out[:len(out)-1]} {
		if _, err := parseSeries(bad); err == nil {
			t.Errorf("parseSeries(%q) took it", bad)
		}
	}
}

// TestQuantiles: of 1,000 values the 999th is the 99.9th percentile.
func TestQuantiles(t *testing.T) {
	var a, b Series
	for v := uint32(1000); v > 0; v-- {
		s := &a
		if v%2 == 0 {
			s = &b
		}
		s.Late = append(s.Late, v*1000)
	}
	if got, want := quantiles([]Series{a, b}), (Quantiles{500, 990, 999, 1000}); got != want {
		t.Errorf("quantiles = %+v, want %+v", got, want)
	}
	// Ten of a thousand have no answer; of one that was not made nothing is noted.
	a.From = make([]uint8, len(a.Late))
	for k := range 10 {
		a.From[2*k], a.Late[2*k] = noAnswer, uint32(k)
	}
	never := float64(load.Unanswered) / 1e3
	if got, want := quantiles([]Series{a, b}), (Quantiles{500, 1000, never, 1000}); got != want {
		t.Errorf("ten without an answer: %+v, want %+v", got, want)
	}
	if got := quantiles(nil); got != (Quantiles{}) {
		t.Errorf("quantiles of nothing = %+v", got)
	}
}

// TestAccompanied puts one slow call beside sleepers that were late then, at another
// time, or too little.
func TestAccompanied(t *testing.T) {
	calls := func() Series {
		s := Series{Start: 1_000_000, Interval: 1000, Late: make([]uint32, 100)}
		for i := range s.Late {
			s.Late[i] = 10
		}
		s.Late[50] = 5000 // from 1,050,000 to 1,055,000
		return s
	}
	sleeper := func(k int, late uint32) Series {
		s := Series{Start: 1_000_500, Interval: 1000, Late: make([]uint32, 100)}
		s.Late[k] = late
		return s
	}
	for _, c := range []struct {
		name    string
		sleeper Series
		want    float64
	}{
		{"late within the call", sleeper(51, 3000), 1},
		{"late since before the call", sleeper(47, 2600), 1},
		{"due just before the call's end", sleeper(54, 9000), 1},
		{"awake before the call", sleeper(46, 3000), 0},
		{"due after the call", sleeper(55, 9000), 0},
		{"hardly late", sleeper(51, 2000), 0},
	} {
		s := calls()
		if got, slow := accompanied(&s, []Series{sleeper(0, 0), c.sleeper}); got != c.want || slow != 1 {
			t.Errorf("%s: %v of %d, want %v of 1", c.name, got, slow, c.want)
		}
	}
}

func TestSpell(t *testing.T) {
	s := Series{Interval: 500_000, From: []uint8{0, 3, 3, 1, 4, 3, 3, 0, 3}}
	wanted := func(from uint8) bool { return from < 2 }
	if got := spell([]Series{s, {Interval: 500_000, From: []uint8{3, 3}}}, wanted); got != 1.5 {
		t.Errorf("spell = %v ms, want 1.5", got)
	}
}

func TestParseCounters(t *testing.T) {
	page := "# HELP x a help\n# TYPE x counter\nx{kind=\"a b\"} 3\ngo_gc_duration_seconds_count 7\ngo_gc_duration_seconds_sum 0.0014\ngo_gc_duration_seconds{quantile=\"1\"} 0.0009\n"
	c, err := parseCounters(strings.NewReader(page))
	if err != nil || c[`x{kind="a b"}`] != 3 {
		t.Fatalf("parseCounters = %v, %v", c, err)
	}
	before := counters{"go_gc_duration_seconds_count": 5, "go_gc_duration_seconds_sum": 0.001}
	got := collections(before, c)
	if got.Cycles != 2 || got.MeanUS < 199.9 || got.MeanUS > 200.1 || got.WorstUS != 900 {
		t.Errorf("collections = %+v, want 2 of 200 µs, the worst 900", got)
	}
	if sum := got.add(Collections{Cycles: 2, MeanUS: 100, WorstUS: 1000}); sum.Cycles != 4 || sum.WorstUS != 1000 || sum.MeanUS < 149 || sum.MeanUS > 151 {
		t.Errorf("add = %+v", sum)
	}
}

// TestRow: a call without an answer is in nobody's budget, however early it came back.
func TestRow(t *testing.T) {
	run := func() *Run {
		return &Run{
			Calls: Series{Interval: 500_000, Late: []uint32{1000, 1000, 2_000_000, 1000}, From: []uint8{0, 3, 0, noAnswer}, Why: []uint8{0, 3, 0, 0}},
			Proof: Proof{2, "swaps"}, Waiting: Waiting{Bridge: 4},
		}
	}
	r := newRow(&Cell{Condition: Condition{Name: "reload"}, Stream: Stream{Name: "cold"}, Runs: []*Run{run(), run()}})
	if r.Calls != 8 || r.Reasons[ipc.Reason(3).String()] != 0.25 || r.InBudget != 0.5 || r.Sources["model"] != 0.5 || r.Sources["none"] != 0.25 || r.Proof.Count != 4 || r.Waiting.Bridge != 4 {
		t.Errorf("newRow = %+v", r)
	}
	report := &Report{Rows: []Row{r}}
	if err := report.Unproven(); err != nil {
		t.Errorf("Unproven = %v", err)
	}
	report.Rows[0].Proof.Count = 0
	if err := report.Unproven(); err == nil {
		t.Error("a disturbance that left no trace is no error")
	}
}
