package chaos

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

func TestRowJudges(t *testing.T) {
	good := Row{Sent: 10, Answered: 10, GoroutinesBefore: 5, GoroutinesAfter: 5 + leaks, DescriptorsAfter: leaks}
	for what, c := range map[string]struct {
		change func(*Row)
		want   string
	}{
		"good":        {func(*Row) {}, ""},
		"wrong":       {func(r *Row) { r.Wrong = 1 }, "1 answers were wrong"},
		"lost":        {func(r *Row) { r.Lost = 2 }, "2 calls were lost"},
		"nothing":     {func(r *Row) { r.Sent = 0 }, "no call was made"},
		"goroutines":  {func(r *Row) { r.GoroutinesAfter++ }, "goroutines are left"},
		"descriptors": {func(r *Row) { r.DescriptorsAfter++ }, "descriptors are left"},
		"failed":      {func(r *Row) { r.Failed, r.Lost = "it did not come back", 1 }, "it did not come back; 1 calls were lost"},
	} {
		r := good
		c.change(&r)
		if r.judge(); c.want == "" && r.Failed != "" || !strings.Contains(r.Failed, c.want) {
			t.Errorf("%s: failed = %q, want %q", what, r.Failed, c.want)
		}
	}
}

// A call that was not answered, or not made, is one of those that percentiles are of, and took
// longer than any.
func TestPercentilesAreOfAllCalls(t *testing.T) {
	c := &Counts{Sent: 990, Answered: 980, Lost: 10, Dropped: 10, Latency: hdrhistogram.New(1, int64(time.Minute), 3)}
	for range 980 {
		if err := c.Latency.RecordValue(int64(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	var r Row
	r.count(c)
	var s Soak
	s.count(c)
	for what, got := range map[string][2]float64{"row": {r.P50us, r.P99us}, "soak": {s.P50us, s.P99us}} {
		if math.Abs(got[0]-1000) > 1 || load.Micros(got[1]) != "none" {
			t.Errorf("%s: p50 %v µs, p99 %v, want 1000 and none", what, got[0], got[1])
		}
	}
	var page bytes.Buffer
	if err := s.Markdown(&page); err != nil || !strings.Contains(page.String(), " 10 | 10 | 1000 | none | none | 0 |") {
		t.Errorf("%v; the page says\n%s", err, page.String())
	}
}

// The file is an array of rows with the names that readers rely on, the page has a line
// for each, and what was not run says why.
func TestRowsAreWritten(t *testing.T) {
	rows := []Row{
		{Fault: "mld: kill -9", What: "killed", Group: "mld", Ran: true, Sent: 10, Answered: 10, InBudget: 9, BySource: map[string]uint64{"rule": 10}, GoroutinesAfter: 12, RSSMBAfter: 30},
		{Fault: "disk full", What: "no room", Group: "privileged", NotRun: "needs root"},
		{Fault: "frozen", Group: proofs, Ran: true, Sent: 5, Frozen: &Frozen{Verdict: void, Runs: []FrozenRun{{}, {}}, FrozenRun: FrozenRun{Windows: 100, Valid: 2, First: 1, Calls: 1000, InTime: 999, VoidCalls: 200, VoidInTime: 100}}},
		{Fault: "hostile peer: floods", Group: proofs, Ran: true, Sent: 5, Hostile: &Hostile{Verdict: "pass", Quota: "*:conns=4", Peer: HostileSide{CPU: 0.5, Windows: 10, Valid: 7, Calls: 700}, Other: HostileSide{Windows: 10, Valid: 8, Calls: 800}}, Failed: "a\nb"},
	}
	var data, page bytes.Buffer
	if err := WriteJSON(&data, rows); err != nil {
		t.Fatal(err)
	}
	var back []map[string]any
	if err := json.Unmarshal(data.Bytes(), &back); err != nil || len(back) != len(rows) {
		t.Fatalf("%v\n%s", err, &data)
	}
	for _, name := range []string{"fault", "sent", "answered", "in_budget", "by_source", "wrong", "lost", "goroutines_after", "rss_mb_after"} {
		if _, ok := back[0][name]; !ok {
			t.Errorf("a row has no %s", name)
		}
	}
	if err := WriteMarkdown(&page, rows, "a machine"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| mld: kill -9 | 10 | 10 | 90.0 % |", "Not run: needs root", "## A frozen daemon", "**void**: 999 of 1000 calls in time (0.0000 %) in the 2 valid windows of 100; in the void ones 100 of 200 (50.0 %)", "Of the 2 runs 1 have", "| all | 2 of 100 | 1000 | 1 |", "not allowed to go before others", "| floods, held to `*:conns=4` | 0.50, 0.00 | 7, 8 of 10 | 700, 800 |", "**Failed: a.**"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not say %q:\n%s", want, &page)
		}
	}
	if strings.Contains(page.String(), "%!") {
		t.Errorf("the page is badly formatted:\n%s", &page)
	}
}
