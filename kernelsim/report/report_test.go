package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file in testdata, or rewrites the file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func write(t testing.TB, f func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestText(t *testing.T) {
	r := sample()
	golden(t, "sample.txt", write(t, func(b *bytes.Buffer) error { return r.Text(b) }))
}

func TestColorTextIsTextWithColor(t *testing.T) {
	r := sample()
	plain := write(t, func(b *bytes.Buffer) error { return r.Text(b) })
	color := string(write(t, func(b *bytes.Buffer) error { return r.ColorText(b) }))
	for _, s := range []style{bold, dim, red, green, yellow} {
		color = strings.ReplaceAll(color, "\x1b["+string(s)+"m", "")
	}
	if color = strings.ReplaceAll(color, "\x1b[0m", ""); color != string(plain) {
		t.Errorf("without its colours, ColorText differs from Text")
	}
	if bytes.ContainsRune(plain, 0x1b) {
		t.Errorf("Text has escape sequences")
	}
}

func TestTextOfAnEmptyReport(t *testing.T) {
	r := &Report{Title: "empty", Verdict: Verdict{State: "void", Reason: "no call was made"}}
	golden(t, "empty.txt", write(t, func(b *bytes.Buffer) error { return r.Text(b) }))
}

func TestJSONRoundTrip(t *testing.T) {
	want := sample()
	b := write(t, func(b *bytes.Buffer) error { return want.JSON(b) })
	got := new(Report)
	if err := json.Unmarshal(b, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report changes on its way through JSON (-want +got):\n%s", diff)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil || string(fields["schema"]) != `"mlbridge.report/1"` {
		t.Errorf("schema field %s, error %v", fields["schema"], err)
	}
}

// TestNoNumberIsNone: an effect that was not measured has null, and a dash for people. Any
// other figure that is none is a mistake.
func TestNoNumberIsNone(t *testing.T) {
	r, back := sample(), new(Report)
	r.Effects = []Effect{{Subsystem: "a", Name: "lead", Value: math.NaN(), Unit: "s", Note: RuleAlone(math.NaN(), "s")}, {Name: "b", Value: 0, Unit: "%"}}
	text := write(t, func(b *bytes.Buffer) error { return r.JSON(b) })
	if err := json.Unmarshal(text, back); err != nil || !bytes.Contains(text, []byte(`"value": null`)) || !math.IsNaN(back.Effects[0].Value) || back.Effects[1] != r.Effects[1] {
		t.Errorf("%v: %+v", err, back.Effects)
	}
	shown := string(write(t, func(b *bytes.Buffer) error { return r.Text(b) }))
	if !regexp.MustCompile(`a +lead +– +rule alone: –\n +b +0 %\n`).MatchString(shown) || strings.Contains(htmlOf(t, r), "NaN") {
		t.Errorf("shown as\n%s", shown)
	}
	r.Total.Share = math.NaN()
	if err := r.JSON(&bytes.Buffer{}); err == nil {
		t.Errorf("JSON of a NaN has no error")
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := Value(v); got != nil {
			t.Errorf("Value(%v) = %v, want nil", v, *got)
		}
	}
}

func TestAddLoad(t *testing.T) {
	r := sample()
	p := r.Predictions[3]
	if p.Calls != p.Answered+p.Errors+p.Dropped+p.Lost {
		t.Errorf("calls of %s do not add up: %+v", p.Name, p)
	}
	if r.Total.Calls != 30005 || r.Verdict.State != "fail" && r.Verdict.State != "pass" {
		t.Errorf("total %d calls, verdict %q", r.Total.Calls, r.Verdict.State)
	}
	// Unanswered calls keep the curve below 1: it is a share of all calls.
	if last := p.CDF[len(p.CDF)-1]; last.Share >= 1 || last.Share != float64(p.Answered)/float64(p.Calls) {
		t.Errorf("last point of the CDF is %+v, want %d of %d", last, p.Answered, p.Calls)
	}
	if last := r.Predictions[0].CDF; last[len(last)-1].Share != 1 {
		t.Errorf("CDF of a kind that was answered in full ends at %v, want 1", last[len(last)-1].Share)
	}
	if p.Latency.P99 <= p.NaiveP99 {
		t.Errorf("p99 %v is not above the naive one, %v, although there was a stall", p.Latency.P99, p.NaiveP99)
	}
}

func TestNewReportIsVoid(t *testing.T) {
	r := New("x")
	if r.Schema != Schema || r.Verdict.State != "void" || r.Host.CPUs < 1 || r.Host.Kernel == "" || r.Created.IsZero() {
		t.Errorf("New = %+v", r)
	}
	empty := &load.Result{Budget: time.Millisecond}
	r.AddLoad(empty, load.RequiredShare)
	if r.Verdict.State != "void" {
		t.Errorf("a run without a call is %q, want void", r.Verdict.State)
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		ml, rule *float64
		higher   bool
		diff     *Span
		want     string
	}{
		{Value(2), Value(1), true, nil, BetterML},
		{Value(2), Value(1), false, nil, BetterRule},
		{Value(1), Value(2), false, nil, BetterML},
		{Value(1), Value(1), true, nil, BetterUnclear},
		{Value(2), Value(1), true, &Span{-0.1, 2}, BetterUnclear},
		{Value(2), Value(1), true, &Span{0.1, 2}, BetterML},
		{nil, Value(1), true, nil, BetterUnknown},
		{Value(0), nil, false, nil, BetterUnknown},
	} {
		if got := (Comparison{ML: c.ml, Rule: c.rule, HigherIsBetter: c.higher, Difference: c.diff}).Judge().Better; got != c.want {
			t.Errorf("ML %v, rule %v, higher %v, interval %v: better %q, want %q",
				valueText(c.ml, ""), valueText(c.rule, ""), c.higher, c.diff, got, c.want)
		}
	}
}

func TestHostFacts(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	root := fstest.MapFS{
		"proc/cpuinfo":                   file("processor\t: 0\nmodel name\t: Some CPU: fast\nprocessor\t: 1\nmodel name\t: Other\n"),
		"proc/meminfo":                   file("MemTotal:        2048000 kB\nMemFree: 1 kB\n"),
		"proc/sys/kernel/osrelease":      file("6.18.0\n"),
		"proc/pressure/cpu":              file("some avg10=0.00\n"),
		"proc/version":                   file("Linux version 6.18.0 #1 SMP PREEMPT_DYNAMIC\n"),
		"sys/kernel/sched_ext/state":     file("enabled\n"),
		"sys/kernel/sched_ext/root/ops":  file("lavd\n"),
		"sys/kernel/debug/sched/preempt": file("none voluntary (full) lazy\n"),
	}
	want := Host{
		CPUModel: "Some CPU: fast", MemoryKiB: "2048000", Kernel: "6.18.0", PSI: true,
		SchedExt: "enabled (lavd)", Preemption: "full",
	}
	if diff := cmp.Diff(want, readHost(root)); diff != "" {
		t.Errorf("readHost (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Host{}, readHost(fstest.MapFS{})); diff != "" {
		t.Errorf("readHost of nothing (-want +got):\n%s", diff)
	}
	for _, c := range [][4]string{
		{"", "quiet preempt=lazy", "PREEMPT_DYNAMIC", "lazy (boot)"},
		{"", "quiet", "#1 SMP PREEMPT_RT x", "PREEMPT_RT (build)"},
		{"", "", "", ""},
	} {
		if got := preemption(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("preemption(%q, %q, %q) = %q, want %q", c[0], c[1], c[2], got, c[3])
		}
	}
}

func TestNumbersForPeople(t *testing.T) {
	for got, want := range map[string]string{
		usText(0): "–", usText(0.482): "0.48", usText(41.26): "41.3", usText(999.96): "1,000", usText(1234567): "1,234,567",
		usUnit(0.5): "500 ns", usUnit(1): "1 µs", usUnit(12.34): "12.3 µs", usUnit(1000): "1 ms", usUnit(2.5e6): "2.5 s", usUnit(450): "450 µs",
		shareText(0.9999999): "99.999 %", shareText(1): "100.000 %", shareText(0.999): "99.900 %",
		grouped(0): "0", grouped(999): "999", grouped(1000): "1,000", grouped(1234567): "1,234,567",
		number(-1.5): "−1.5", number(0.03125): "0.03125", number(12345): "12,345", number(4.635e-5): "0.00004635", number(-12345.6): "−12,346", number(0.5): "0.5", number(999.96): "1,000",
		number(math.Inf(1)): "–", number(-3): "−3",
		signed(2): "+2", signed(-2): "−2",
		clock(65 * time.Second): "01:05", clock(3 * time.Hour): "3:00:00",
		plain("a\x1b[2Jb\nc\u009b"): "a [2Jb c ",
		trimmedShare(0.999):         "99.9 %",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
