package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func htmlOf(t *testing.T, r *Report) string {
	t.Helper()
	return string(write(t, func(b *bytes.Buffer) error { return r.HTML(b) }))
}

func TestHTMLHasEverything(t *testing.T) {
	r := sample()
	page := htmlOf(t, r)
	if path := os.Getenv("REPORT_HTML"); path != "" { // to look at it
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"<strong>PASS</strong>", "99.940 %", "connection reset", "prefetch hit rate ↑", "over-allocation",
		"unclear", "Example CPU @ 2.00GHz", "recorded traces", Schema,
		`aria-label="Share of calls answered within a time`, "budget 1 ms", "required 99.9 %",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	if n := strings.Count(page, "<svg class=\"chart "); n != 8 {
		t.Errorf("page has %d plots, want 4 in 2 sizes", n)
	}
}

// The page must work from a mail attachment: no script, nothing loaded.
func TestHTMLIsSelfContained(t *testing.T) {
	page := htmlOf(t, sample())
	for _, bad := range []string{"<script", "http:", "https:", "src=", "href=", "url(", "@import", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("page contains %q", bad)
		}
	}
	if !strings.Contains(page, `content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"`) &&
		!strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline'"`) {
		t.Errorf("page lacks its content security policy")
	}
}

func TestHTMLEscapesHostileText(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>'</svg></style>`
	r := sample()
	r.Title, r.Verdict.Reason, r.Verdict.State = evil, evil, evil
	r.Sources[0] = evil
	r.Predictions[0].Name = evil
	r.Predictions[0].Messages = []Message{{evil, 1}}
	r.Comparisons[0].Subsystem, r.Comparisons[0].Metric, r.Comparisons[0].Note = evil, evil, evil
	r.Comparisons[0].Unit = evil
	r.Effects[0].Name, r.Effects[0].Note, r.Effects[0].Unit = evil, evil, evil
	r.Notes = []string{evil}
	r.Run.Settings[evil] = evil
	r.Host.CPUModel, r.Host.Arguments = evil, []string{evil}
	r.Host.Programs[evil] = evil
	page := htmlOf(t, r)
	for _, bad := range []string{"<script", "<img", "</svg></style>"} {
		if i := strings.Index(page, bad); i >= 0 {
			t.Errorf("page contains %q: …%s", bad, page[i:min(i+80, len(page))])
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Errorf("the hostile text is not on the page at all")
	}
}

var (
	plots  = regexp.MustCompile(`(?s)<svg class="chart.*?</svg>`)
	broken = regexp.MustCompile(`NaN|Inf| (width|height|x|y)="-`)
)

// Every plot has to be well-formed, in its frame, and free of broken numbers,
// also for reports with hardly anything in them.
func TestPlotsAreWellFormed(t *testing.T) {
	one := sample()
	one.Timeline = one.Timeline[:1]
	one.Predictions = one.Predictions[:1]
	one.Predictions[0].CDF = one.Predictions[0].CDF[:1]
	silent := sample()
	for i := range silent.Timeline {
		silent.Timeline[i] = Interval{End: float64(i + 1), Length: 1, Sources: make([]uint64, 5)}
	}
	long := sample()
	for len(long.Timeline) < 3600 {
		iv := long.Timeline[len(long.Timeline)%30]
		iv.End = float64(len(long.Timeline) + 1)
		long.Timeline = append(long.Timeline, iv)
	}
	for name, r := range map[string]*Report{"sample": sample(), "empty": {}, "one": one, "silent": silent, "long": long} {
		page := htmlOf(t, r)
		svgs := plots.FindAllString(page, -1)
		for _, svg := range svgs {
			checkXML(t, name, svg)
			if bad := broken.FindString(svg); bad != "" {
				t.Errorf("%s: plot contains %q", name, bad)
			}
		}
		if len(page) > 1<<20 {
			t.Errorf("%s: page is %d bytes", name, len(page))
		}
	}
}

func checkXML(t *testing.T, name, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%s: plot is not well-formed: %v", name, err)
			return
		}
	}
}

func TestDrawnTimelineKeepsItsSums(t *testing.T) {
	r := &Report{Sources: []string{"a"}}
	for i := range 3599 {
		r.Timeline = append(r.Timeline, Interval{End: float64(i + 1), Length: 1, Answered: 2, Sources: []uint64{2}, P99: float64(i)})
	}
	got := r.drawn()
	var answered, bySource uint64
	var length float64
	for _, iv := range got {
		answered, bySource, length = answered+iv.Answered, bySource+iv.Sources[0], length+iv.Length
	}
	if len(got) > maxDrawn || answered != 7198 || bySource != 7198 || length != 3599 {
		t.Errorf("%d intervals with %d answers, %d by source, %v s", len(got), answered, bySource, length)
	}
	if last := got[len(got)-1]; last.End != 3599 || last.P99 != 3598 {
		t.Errorf("last interval %+v, want the end and the worst p99", last)
	}
	if r.Timeline[0].Sources[0] != 2 {
		t.Errorf("drawing changed the report")
	}
}

func TestScales(t *testing.T) {
	s := logAround(0, 300, 3, 900)
	if s.low != 1 || s.high != 1000 || math.Abs(s.at(10)-100) > 1e-9 || s.at(0) != 0 || s.at(1e9) != 300 {
		t.Errorf("logAround(3, 900) = %+v", s)
	}
	if s := logAround(0, 1); s.low >= s.high {
		t.Errorf("logAround of nothing = %+v", s)
	}
	if s := logAround(0, 1, 10); s.low >= s.high {
		t.Errorf("logAround of one value = %+v", s)
	}
	for _, c := range []struct {
		span float64
		n    int
		want float64
	}{{30, 10, 5}, {100, 10, 10}, {7, 5, 2}, {1, 5, 0.2}, {0, 5, 1}, {1000, 0, 1000}} {
		if got := roundStep(c.span, c.n); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("roundStep(%v, %d) = %v, want %v", c.span, c.n, got, c.want)
		}
	}
	y := newNines(4, 400, 0)
	for share, want := range map[float64]float64{0: 400, 0.9: 300, 0.99: 200, 0.999: 100, 1: 0, 0.999999: 0} {
		if got := y.at(share); math.Abs(got-want) > 1e-6 {
			t.Errorf("nines at %v = %v, want %v", share, got, want)
		}
	}
}

// Who was better, and at how much, is said at the top; a subsystem's name stands above
// its rows once.
func TestHTMLSaysWhoIsBetter(t *testing.T) {
	r := sample()
	page := htmlOf(t, r)
	if want := "<b>3 of 4</b> measures better by model, 0 by rule"; !strings.Contains(page, want) {
		t.Errorf("the page lacks %q", want)
	}
	if n := strings.Count(page, `<th scope="rowgroup" colspan="6">security</th>`); n != 1 {
		t.Errorf("security heads %d groups of comparisons, want 1", n)
	}
	r.Comparisons = nil
	if page := htmlOf(t, r); strings.Contains(page, "measures better") {
		t.Error("a page without comparisons counts them")
	}
}

// Answers that are the model's in part have a reason; the rest of them need none.
func TestAModelsOwnAnswersNeedNoReason(t *testing.T) {
	r := &Report{Predictions: []Prediction{{Name: "workload", Answered: 100, Sources: []Source{
		{Name: "model", Count: 60, Reasons: []Reason{{"demoted", 20}}},
		{Name: "rule", Count: 40, Reasons: []Reason{{"deadline", 30}}},
	}}}}
	want := []because{
		{"workload", "model", "60.0 %", "demoted 20.0 %, by itself 40.0 %"},
		{"workload", "rule", "40.0 %", "deadline 30.0 %, no reason given 10.0 %"},
	}
	if diff := cmp.Diff(want, r.becauses()); diff != "" {
		t.Error(diff)
	}
}
