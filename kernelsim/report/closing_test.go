package report

import (
	"bytes"
	"strings"
	"testing"
)

func closing(t *testing.T, r *Report) string {
	t.Helper()
	return string(write(t, func(b *bytes.Buffer) error { return r.Closing(b, false) }))
}

func TestClosing(t *testing.T) {
	r := sample()
	if got, want := closing(t, r), "PASS: 99.940 % of 30,005 calls within 1 ms (required 99.9 %), p99 181 µs\n"; got != want {
		t.Errorf("closing %q, want %q", got, want)
	}
	r.Run.Mode = "closed"
	if got := closing(t, r); !strings.Contains(got, "closed loop") {
		t.Errorf("closing %q does not say that the loop was closed", got)
	}
	r = sample()
	r.Verdict = Verdict{State: "void", Share: 0.78, Reason: "the load generator itself was woken too late (p99 pacing error 9.8ms, at most 100µs)", Remedy: "a quieter machine, a lower rate"}
	got := closing(t, r)
	for _, want := range []string{
		"VOID: the load generator itself was woken too late", "latencies of this run are not judged", "quieter machine",
		"What helps: a quieter machine, a lower rate.", "78.000 %", "p99 181 µs",
	} {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
			t.Errorf("closing of a void run lacks %q:\n%s", want, got)
		}
	}
	checkWidth(t, "closing", got)
	if page := htmlOf(t, r); !strings.Contains(page, "are not judged") {
		t.Errorf("the page of a void run does not say what that means")
	}
	empty := &Report{Verdict: Verdict{State: "void", Reason: "no call was made"}}
	if got := closing(t, empty); got != "VOID: no call was made\n" {
		t.Errorf("closing of an empty run %q", got)
	}
}

// TestNothingMeasuredIsNoShare: of no calls none was late.
func TestNothingMeasuredIsNoShare(t *testing.T) {
	r := &Report{
		Predictions: []Prediction{{Name: "a"}, {Name: "b", Calls: 2, Share: 0.5}}, Total: Prediction{Calls: 2, Share: 0.5},
		Verdict: Verdict{Share: 0.5}, Run: Run{Required: 0.999},
	}
	for name, text := range map[string]string{"text": string(write(t, func(b *bytes.Buffer) error { return r.Text(b) })), "page": htmlOf(t, r)} {
		if strings.Contains(text, " 0.000 %") || strings.Contains(text, ">0.000 %") || !strings.Contains(text, "50.000 %") {
			t.Errorf("%s: a share of no calls, or none of two", name)
		}
	}
}

// TestAScheduleThatEndedLateSaysSo: its length alone is not how long the run took.
func TestAScheduleThatEndedLateSaysSo(t *testing.T) {
	for late, want := range map[float64]string{6.84: "30.0 s of schedule, whose last start came 6.8 s after its end", 0.02: "30.0 s"} {
		r := sample()
		r.Run.Overtime = late
		if got := r.runFacts()[1]; got.Name != "measured" || got.Value != want {
			t.Errorf("%v s late: %q, want %q", late, got, want)
		}
	}
}

// checkWidth wants text to fit a terminal of 120 columns.
func checkWidth(t *testing.T, name, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := runes(strings.TrimSuffix(line, "\n")); n > 120 {
			t.Errorf("%s: line of %d columns: %s", name, n, line)
		}
	}
}

func TestTextFitsTheTerminal(t *testing.T) {
	slow := sample() // figures as wide as they get
	for i := range slow.Predictions {
		p := &slow.Predictions[i]
		p.Calls, p.Answered, p.Errors = 12_345_678, 12_345_678, 123_456
		p.Latency, p.NaiveP99 = Latency{123_456, 123_456, 123_456, 999_999, 999_999}, 123_456
		p.Messages = []Message{{strings.Repeat("a long error without an end, ", 9), 3}}
	}
	slow.Comparisons[0].Metric = strings.Repeat("a long metric ", 9)
	slow.Verdict.Reason = strings.Repeat("a reason ", 40)
	slow.Run.Settings["socket"] = "/" + strings.Repeat("x", 300)
	folded := strings.Join(strings.Fields(string(write(t, func(b *bytes.Buffer) error { return slow.Text(b) }))), "")
	if n := strings.Count(folded, "metric"); n < 10 { // one is the heading
		t.Errorf("a long name is cut: %d of its 9 words are left", n)
	}
	for name, r := range map[string]*Report{"sample": sample(), "slow": slow, "empty": {}} {
		checkWidth(t, name, string(write(t, func(b *bytes.Buffer) error { return r.Text(b) })))
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"a b", "a b"},
		{"aaaa bbbb cc", "aaaa|bbbb|cc"},
		{"a bb ccc", "a bb|ccc"},
		{"abcdefghijkl", "abcde|fghij|kl"},
		{"ab cdefghijk", "ab|cdefg|hijk"},
		{"µµµµµ µ", "µµµµµ|µ"},
	} {
		if got := strings.Join(wrap(c.in, 5), "|"); got != c.want {
			t.Errorf("wrap(%q, 5) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestBecauses(t *testing.T) {
	r := &Report{Predictions: []Prediction{{
		Name: "memory", Answered: 10, Sources: []Source{
			{Name: "model", Count: 5},
			{Name: "stale", Count: 1, Reasons: []Reason{{"deadline", 1}}},
			{Name: "rule", Count: 4, Reasons: []Reason{{"low confidence", 2}, {"deadline", 1}}},
		},
	}}}
	want := []because{
		{"memory", "stale", "10.0 %", "deadline 10.0 %"},
		{"memory", "rule", "40.0 %", "low confidence 20.0 %, deadline 10.0 %, no reason given 10.0 %"},
	}
	got := r.becauses()
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("becauses %+v, want %+v", got, want)
	}
	if page := htmlOf(t, r); !strings.Contains(page, "low confidence 20.0 %") {
		t.Errorf("the page does not say why")
	}
}

// The label of the budget stands outside of what the axes enclose, wherever the
// line is, and inside the picture.
func TestBudgetLabelHidesNoCurve(t *testing.T) {
	for _, s := range sizes {
		c := newChart("cdf", "", s)
		for x := c.Area.X; x <= c.Area.right(); x += 10 {
			m := budgetMark(c, x, "budget 1 ms")
			length := 6.6 * 11
			left, right := m.TextX, m.TextX+length
			if m.Anchor == "end" {
				left, right = m.TextX-length, m.TextX
			}
			if m.TextY >= c.Area.Y || left < c.Area.X+70 || right > c.W {
				t.Errorf("%s: label at (%v–%v, %v) with the line at %v", s.class, left, right, m.TextY, x)
			}
		}
	}
}

func TestComparisonsWithoutValuesAreNotDrawn(t *testing.T) {
	r := sample()
	if got, want := len(r.compared()), len(r.Comparisons)-1; got != want {
		t.Errorf("%d of the comparisons are drawn, want %d", got, want)
	}
	r.Comparisons = []Comparison{{Subsystem: "security", Metric: "nothing"}}
	page := htmlOf(t, r)
	if strings.Contains(page, "pair of bars") || !strings.Contains(page, "nothing ↓") {
		t.Errorf("a comparison without values has a plot, or no row in the table")
	}
}
