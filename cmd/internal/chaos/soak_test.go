package chaos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Memory that grows, and a descriptor more now and then, are told; what fills at first is not.
func TestSoakJudges(t *testing.T) {
	for what, c := range map[string]struct {
		bridge func(i int) Held
		flat   bool
	}{
		"flat":        {func(i int) Held { return Held{RSS: 30 + float64(i%3), Goroutines: 10, Descriptors: 20} }, true},
		"fills":       {func(i int) Held { return Held{RSS: float64(min(10+i, 30)), Goroutines: 10, Descriptors: 20} }, true},
		"leaks":       {func(i int) Held { return Held{RSS: 30 + float64(i)/10, Goroutines: 10, Descriptors: 20} }, false},
		"descriptors": {func(i int) Held { return Held{RSS: 30, Goroutines: 10, Descriptors: 20 + float64(i/10)} }, false},
	} {
		var s Soak
		for i := range 100 {
			s.Samples = append(s.Samples, Sample{Bridge: c.bridge(i), Mld: Held{RSS: 1}})
		}
		if s.judge(); s.Flat != c.flat || s.Good() != c.flat || (len(s.Failed) == 0) != c.flat {
			t.Errorf("%s: flat = %v, failed %v; want %v", what, s.Flat, s.Failed, c.flat)
		}
	}
	var s Soak
	if s.judge(); s.Good() {
		t.Error("a soak without samples is good")
	}
	s = Soak{Flat: true, Lost: 1}
	if s.Good() {
		t.Error("a soak that lost a call is good")
	}
}

// The page's head, and why a run says little about latencies, or does.
func TestSoakPage(t *testing.T) {
	alone := Processors{Load: 0.4, Bridge: 0.5, Mld: 0.8, Count: 2}
	for what, c := range map[string]struct {
		s    Soak
		want string // "" for a run that says something
	}{
		"an hour":            {Soak{Seconds: 3600, Pacing: 100, Sent: 1}, ""},
		"25 minutes":         {Soak{Seconds: 1500, Pacing: 101, Sent: 1}, "late by more than 100 µs, at the 99th"},
		"not made":           {Soak{Seconds: 10, Sent: 100, Dropped: 100}, "50.0 % of the calls that were due were not made"},
		"few not made":       {Soak{Seconds: 10, Sent: 100, Dropped: 1}, ""},
		"in fact":            {Soak{Seconds: 10, Sent: 100, Dropped: 100}, "there were 10 calls a second, 10 %"},
		"the load's doing":   {Soak{Seconds: 60, Sent: 1, Processors: Processors{Load: 1, Bridge: 0.3, Mld: 0.3, Count: 2}}, "busy for more than 75 %"},
		"the daemons' doing": {Soak{Seconds: 60, Sent: 1, Processors: alone}, ""},
		"room for everybody": {Soak{Seconds: 60, Sent: 1, Processors: Processors{Load: 1, Bridge: 0.3, Mld: 0.3, Count: 4}}, ""},
		"interrupted":        {Soak{Seconds: 60, Sent: 1, Interrupted: true}, ""},
	} {
		c.s.MaxRate, c.s.Rate, c.s.Trends = 100, 20, []Trend{{Process: "mld", What: "goroutines"}}
		var page strings.Builder
		if err := c.s.Markdown(&page); err != nil || strings.Contains(page.String(), "%!") {
			t.Errorf("%s: %v\n%s", what, err, page.String())
		}
		if void := strings.Contains(page.String(), "says little about the bridge"); void != (c.want != "") || !strings.Contains(page.String(), c.want) {
			t.Errorf("%s: void %v, want %q:\n%s", what, void, c.want, page.String())
		}
		if strings.Contains(page.String(), "**Interrupted after 60 s.**") != c.s.Interrupted {
			t.Errorf("%s: interrupted %v:\n%s", what, c.s.Interrupted, page.String())
		}
	}
	for seconds, head := range map[float64]string{3600: "# An hour under load\n", 1500: "# 25 minutes under load\n"} {
		var page strings.Builder
		if err := (&Soak{Seconds: seconds, MaxRate: 1}).Markdown(&page); err != nil || !strings.HasPrefix(page.String(), head) {
			t.Errorf("%v s: %v\n%s", seconds, err, page.String())
		}
	}
}

// A soak that is interrupted, as one of an hour may be, has what was found until then.
func TestSoakIsInterrupted(t *testing.T) {
	e := newTestEnv(t)
	e.Oracle, _ = NewOracle(1, 64)
	ctx, interrupt := context.WithCancelCause(t.Context())
	log := writer(func(line string) {
		if strings.HasPrefix(line, "maximum ") {
			time.AfterFunc(time.Second, func() { interrupt(errors.New("enough")) })
		}
	})
	s, err := e.Soak(ctx, SoakPlan{For: time.Hour, Share: 0.02, Sample: 10 * time.Millisecond, Maximum: 200 * time.Millisecond}, log)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Interrupted || s.Sent == 0 || s.Answered != s.Sent || s.Wrong != 0 || s.Lost != 0 || len(s.Samples) < 4 {
		t.Errorf("interrupted %v, %d sent, %d answered, %d wrong, %d lost, %d samples", s.Interrupted, s.Sent, s.Answered, s.Wrong, s.Lost, len(s.Samples))
	}
	if p := s.Processors; p.Load <= 0 || p.Bridge <= 0 || p.Mld <= 0 || p.Load+p.Bridge+p.Mld > float64(p.Count)+0.5 {
		t.Errorf("processors: %+v", p)
	}
}

type writer func(string)

func (w writer) Write(p []byte) (int, error) { w(string(p)); return len(p), nil }
