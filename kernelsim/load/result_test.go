package load

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name     string
		intended uint64
		inBudget uint64
		pacing   time.Duration
		want     State
		says     string
	}{
		{"no call", 0, 0, 0, Void, "no call"},
		{"all", 1000, 1000, 0, Pass, "100.000 % of 1000 calls answered within 1ms, required 99.900 %"},
		{"exactly enough", 1000, 999, 0, Pass, "99.900 % of"},
		{"one too few", 1000, 998, 0, Fail, "99.800 % of"},
		{"pacing at the bound", 1000, 1000, 99 * time.Microsecond, Pass, "100.000 %"},
		{"bad pacing", 1000, 1000, 101 * time.Microsecond, Void, "woken too late (p99 pacing error 101µs, at most 100µs)"},
		{"bad pacing and slow", 1000, 0, time.Second, Void, "p99 pacing error 1"},
	} {
		r := sampleResult(t)
		r.Labels[0].Intended, r.Labels[0].InBudget = c.intended, c.inBudget
		record(r.Pacing, int64(c.pacing))
		if v := r.Verdict(RequiredShare); v.State != c.want || !strings.Contains(v.Reason, c.says) {
			t.Errorf("%s: verdict %v (%s), want %v", c.name, v.State, v.Reason, c.want)
		}
	}
}

// TestNoVerdictOfAPart: what was not measured may have been otherwise, also where the part
// is long and good, or bad.
func TestNoVerdictOfAPart(t *testing.T) {
	for _, c := range []struct {
		intended, inBudget uint64
		pacing             time.Duration
		says               string
	}{
		{1e6, 1e6, 0, "interrupted after 1.5s of 1h0m0s"},
		{1e6, 0, 0, "interrupted after 1.5s of 1h0m0s"},
		{1000, 999, time.Second, "interrupted after 1.5s of 1h0m0s"},
		{0, 0, 0, "interrupted before anything was measured"},
	} {
		r := sampleResult(t)
		r.Interrupted, r.Elapsed, r.Planned = true, 1501*time.Millisecond, time.Hour
		r.Labels[0].Intended, r.Labels[0].InBudget = c.intended, c.inBudget
		record(r.Pacing, int64(c.pacing))
		if v := r.Verdict(RequiredShare); v.State != Void || v.Reason != c.says {
			t.Errorf("%d of %d calls in time: verdict %v (%s), want void: %s", c.inBudget, c.intended, v.State, v.Reason, c.says)
		}
	}
}

// sampleResult is an empty result with one label and one source.
func sampleResult(t testing.TB) *Result {
	o := Options{Duration: time.Second, Labels: []string{"a"}, Sources: []string{"s"}}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	books := newTally(&o)
	return &Result{
		Mode: "open", Budget: o.Budget, Labels: books.labels, Sources: o.Sources,
		Pacing: books.pacing, Issue: books.issue,
	}
}

func TestShareOfNothing(t *testing.T) {
	if a, b := (&Label{}).Share(), (LabelSnapshot{}).Share(); a != 0 || b != 0 {
		t.Errorf("shares of no calls: %v, %v; want 0", a, b)
	}
}

func TestPercentNeverRoundsUp(t *testing.T) {
	for share, want := range map[float64]string{1: "100.000 %", 0.999999: "99.999 %", 0.999: "99.900 %", 0: "0.000 %"} {
		if got := percent(share); got != want {
			t.Errorf("percent(%v) = %q, want %q", share, got, want)
		}
	}
}

func TestReasonsAreCountedBySource(t *testing.T) {
	o := Options{
		Duration: time.Second, Labels: []string{"a"},
		Sources: []string{"model", "rule"}, Reasons: []string{"deadline", "low confidence"},
	}
	books := []*tally{newTally(&o), newTally(&o)}
	for _, b := range books {
		b.end(0, Outcome{Source: 0}, 1, 1)
		b.end(0, Outcome{Source: 1, Reason: 2}, 1, 1)
		b.end(0, Outcome{Source: 1, Reason: 3}, 1, 1) // has no name
		b.end(0, Outcome{Source: 1, Reason: -1}, 1, 1)
		b.end(0, Outcome{Source: 1, Reason: 1, Err: errors.New("late")}, 1, 1)
	}
	books[0].merge(books[1])
	l := books[0].labels[0]
	if got, want := fmt.Sprint(l.Sources[0].Reasons, l.Sources[1].Reasons), "[0 0] [0 2]"; got != want {
		t.Errorf("reasons by source %s, want %s", got, want)
	}
	if l.Answered != 4 || l.Errors != 6 || l.Messages[errBadReason.Error()] != 4 {
		t.Errorf("%d answers and errors %v, want 4, and 4 for a reason without a name", l.Answered, l.Messages)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	l := newLabel("a", []string{"s"}, nil)
	for i := range 100 {
		l.fail(fmt.Errorf("error %d", i%50))
	}
	l.fail(errors.New("error 0"))
	if len(l.Messages) != maxMessages+1 || l.Messages["error 0"] != 3 || l.Messages[otherMessages] != 100-2*maxMessages {
		t.Errorf("messages %v", l.Messages)
	}
}

func TestHistogramKeepsWhatIsTooLong(t *testing.T) {
	h := newHistogram()
	record(h, int64(time.Hour))
	record(h, -5)
	if q := QuantilesOf(h); q.Count != 2 || !near(q.Max, time.Minute) {
		t.Errorf("quantiles %+v, want both values, the long one as a minute", q)
	}
}

// TestQuantilesAreOfAllCalls: those without an answer come last, whatever became of them.
func TestQuantilesAreOfAllCalls(t *testing.T) {
	for _, c := range []struct {
		answered, others uint64 // answers take 1 µs, 2 µs …
		want             [4]time.Duration
	}{
		{1000, 0, [4]time.Duration{500, 900, 990, 999}},
		{999, 1, [4]time.Duration{500, 900, 990, 999}},
		{998, 2, [4]time.Duration{500, 900, 990, Unanswered}},
		{990, 10, [4]time.Duration{500, 900, 990, Unanswered}},
		{989, 11, [4]time.Duration{500, 900, Unanswered, Unanswered}},
		{500, 500, [4]time.Duration{500, Unanswered, Unanswered, Unanswered}},
		{499, 501, [4]time.Duration{Unanswered, Unanswered, Unanswered, Unanswered}},
		{0, 1, [4]time.Duration{Unanswered, Unanswered, Unanswered, Unanswered}},
		{0, 0, [4]time.Duration{}},
	} {
		for name, of := range map[string]func(*Label) *uint64{
			"errors": func(l *Label) *uint64 { return &l.Errors }, "dropped": func(l *Label) *uint64 { return &l.Dropped },
			"lost": func(l *Label) *uint64 { return &l.Lost },
		} {
			l := newLabel("a", []string{"s"}, nil)
			for i := range c.answered {
				l.answer(0, int64(i+1)*1000, int64(i+1)*1000, 0)
			}
			*of(l) = c.others
			l.Intended = c.answered + c.others
			q := l.Quantiles()
			got := [4]time.Duration{q.P50, q.P90, q.P99, q.P999}
			for i, v := range got {
				if want := c.want[i]; want == Unanswered != (v == Unanswered) || want != Unanswered && !near(v, want*time.Microsecond) {
					t.Errorf("%d answered, %d %s: %v, want %v µs", c.answered, c.others, name, got, c.want)
					break
				}
			}
			if !near(q.Max, time.Duration(c.answered)*time.Microsecond) || q.Count != c.answered {
				t.Errorf("%d answered, %d %s: max %v of %d, want those of answers", c.answered, c.others, name, q.Max, q.Count)
			}
			books := &tally{labels: []*Label{l}}
			if s := books.snapshot().Labels[0]; name != "lost" && s.Latency != q {
				t.Errorf("%d answered, %d %s: %+v while it goes on, %+v at the end", c.answered, c.others, name, s.Latency, q)
			}
		}
	}
}

func TestCDF(t *testing.T) {
	h := newHistogram()
	for _, empty := range []*hdrhistogram.Histogram{nil, h} {
		if got := CDF(empty, 10); got != nil {
			t.Errorf("CDF of nothing = %v", got)
		}
	}
	record(h, 1000)
	if got := CDF(h, 10); len(got) != 1 || got[0].Share != 1 || !near(got[0].At, 1000) {
		t.Errorf("CDF of one value = %v", got)
	}
	for v := int64(1000); v < 10_000_000; v += 997 {
		record(h, v)
	}
	points := CDF(h, 50)
	if len(points) > 50 || len(points) < 20 {
		t.Fatalf("CDF has %d points, want 20 to 50", len(points))
	}
	for i, p := range points {
		if i > 0 && (p.At <= points[i-1].At || p.Share <= points[i-1].Share) {
			t.Fatalf("point %d %v does not rise from %v", i, p, points[i-1])
		}
		// Uniform values: the share at a time is known.
		if want := float64(p.At-1000) / 9.999e6; p.Share < want-0.01 || p.Share > want+0.01 {
			t.Errorf("share at %v is %v, want about %v", p.At, p.Share, want)
		}
	}
	if last := points[len(points)-1]; last.Share != 1 {
		t.Errorf("last point %v, want share 1", last)
	}
	decades := map[int]int{} // from 1 µs to 10 ms, twelve each; the first has fewer values than that
	for _, p := range points {
		decades[int(math.Log10(float64(p.At)))]++
	}
	for d, n := range decades {
		if d > 3 && d < 7 && (n < 10 || n > 14) {
			t.Errorf("%d of %d points from 10^%d ns, want about 12: %v", n, len(points), d, points)
		}
	}
}

func TestIntervalsStayFew(t *testing.T) {
	for _, total := range []time.Duration{time.Second, time.Hour, 2*time.Hour + 1, 30 * 24 * time.Hour} {
		iv := intervalFor(time.Second, total)
		if n := int(total / iv); n > maxPoints || iv%time.Second != 0 {
			t.Errorf("intervalFor(1s, %v) = %v: %d points", total, iv, n)
		}
		o := Options{Duration: total / 2, Drain: total / 2, Labels: []string{"a"}, Sources: []string{"s"}}
		if err := o.complete(); err != nil || o.Interval != iv {
			t.Errorf("%v, and as long to drain: intervals of %v (%v), want %v", total/2, o.Interval, err, iv)
		}
	}
	o := Options{Duration: 1, Interval: 10 * time.Millisecond, Labels: []string{"a"}, Sources: []string{"s"}}
	if err := o.complete(); err != nil || o.Interval != 10*time.Millisecond {
		t.Errorf("intervals of 10ms: %v, %v", o.Interval, err)
	}
}

// A real clock, so only order and sanity are asserted.
func TestMonotonicClock(t *testing.T) {
	for _, spin := range []time.Duration{-1, 0, time.Millisecond} {
		c := NewMonotonic(spin)
		before := c.Now()
		c.SleepUntil(before + int64(2*time.Millisecond))
		if after := c.Now(); after-before < int64(2*time.Millisecond) {
			t.Errorf("spin %v: woke %v too early", spin, 2*time.Millisecond-time.Duration(after-before))
		}
		c.SleepUntil(before) // long past
	}
}

func TestOpenLoopOnTheRealClock(t *testing.T) {
	answers := make(chan Call, 64)
	go func() {
		for c := range answers {
			c.Done(Outcome{})
		}
	}()
	res := runOpen(t, Options{
		Pacer: mustPace(t, "poisson:2000"), Duration: 100 * time.Millisecond,
		Labels: []string{"a"}, Sources: []string{"s"},
	}, func(c Call) { answers <- c })
	close(answers)
	all := res.Total()
	if all.Answered == 0 || all.Answered+all.Dropped+all.Lost != all.Intended {
		t.Errorf("books do not add up: %+v", all)
	}
	if q, naive := QuantilesOf(all.Latency), QuantilesOf(all.Naive); q.Max < naive.P50 {
		t.Errorf("latency %+v is shorter than naive latency %+v", q, naive)
	}
}
