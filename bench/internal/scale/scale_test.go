package scale

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/wire"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

func histogram(values ...time.Duration) *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, int64(time.Minute), 3)
	for _, v := range values {
		_ = h.RecordValue(v.Nanoseconds())
	}
	return h
}

func TestWithin(t *testing.T) {
	h := histogram(10*time.Microsecond, 999*time.Microsecond, time.Millisecond, 1100*time.Microsecond, time.Second)
	if got := within(h, time.Millisecond); got != 3 {
		t.Errorf("within 1 ms = %d, want 3", got)
	}
	if got := within(nil, time.Millisecond); got != 0 {
		t.Errorf("within of nothing = %d", got)
	}
}

// result is an open loop of 1,000 calls a second for a second: 900 answers of the
// model's in time, 50 late, 30 of the rule's in time, 5 refused, 5 lost, 10 dropped.
func result(late time.Duration) *load.Result {
	var model []time.Duration
	for range 900 {
		model = append(model, 100*time.Microsecond)
	}
	for range 50 {
		model = append(model, 2*time.Millisecond)
	}
	l := &load.Label{Intended: 1000, Answered: 980, InBudget: 930, Errors: 5, Lost: 5, Dropped: 10, Latency: histogram(model...), Naive: histogram(model...)}
	for _, name := range wire.Sources {
		l.Sources = append(l.Sources, load.Source{Name: name})
	}
	l.Sources[0].Count, l.Sources[0].Latency = 950, histogram(model...)
	l.Sources[3].Count = 30
	return &load.Result{
		Elapsed: time.Second, Budget: time.Millisecond, Labels: []*load.Label{l}, Sources: wire.Sources,
		Pacing: histogram(late),
	}
}

func TestDescribe(t *testing.T) {
	p := curve.NewPoint(curve.LoadCold, 1000)
	describe(&p, result(10*time.Microsecond), 0.9)
	for name, c := range map[string][2]curve.Figure{
		"model": {p.Model, 0.95}, "model in budget": {p.InBudget, 0.9}, "rule": {p.Rule, 0.03}, "cache": {p.Cache, 0},
		"refused": {p.Refused, 0.01}, "dropped": {p.Dropped, 0.01}, "answered": {p.PerSecond, 980},
	} {
		if c[0] != c[1] {
			t.Errorf("%s = %v, want %v", name, c[0], c[1])
		}
	}
	if p.P50 < 100 || p.P50 > 101 || p.P99.Known() {
		t.Errorf("p50 %v, p99 %v: of all calls one in 100 has no answer", p.P50, p.P99)
	}
	if p.Void {
		t.Error("the servers' failure was called the generator's")
	}
	describe(&p, result(300*time.Microsecond), 0.9)
	if !p.Void {
		t.Error("a late generator's failure was called the servers'")
	}
	// What was served was served, however late the generator.
	p = curve.NewPoint(curve.LoadCold, 900)
	describe(&p, result(300*time.Microsecond), 1)
	if p.Void {
		t.Errorf("a load that was served is void: %+v", p)
	}
}

// collect scrapes until the collector has run once more.
func TestCollect(t *testing.T) {
	scrapes := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		scrapes++
		fmt.Fprintf(w, "go_gc_gogc_percent 100\ngo_gc_duration_seconds_count %d\ngo_memstats_next_gc_bytes %d\n", 3+scrapes/5, 2000+scrapes/5*1000)
	}))
	defer server.Close()
	got, err := collect(t.Context(), strings.TrimPrefix(server.URL, "http://"))
	if err != nil || got != 1500 {
		t.Errorf("collect = %d, %v; want half of 3000 after five scrapes", got, err)
	}
}

func TestAnyOf(t *testing.T) {
	seen := map[uint64]bool{}
	agent := anyOf(10)
	for n := range uint64(1000) {
		seen[agent(n)] = true
	}
	if len(seen) != 10 || seen[0] || !seen[10] {
		t.Errorf("agents of 1..10: %v", seen)
	}
}

func TestEachOfFewIsNothing(t *testing.T) {
	if got := each(1000, 2_001_000, 1000); got != 2000 {
		t.Errorf("each = %v, want 2000", got)
	}
	if got := each(0, 1<<20, 10); got.Known() {
		t.Errorf("growth for ten was divided: %v", got)
	}
}
