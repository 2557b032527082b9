package status

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/bridge/histogram"
	"github.com/mlbridge/mlbridge/ipc"
)

// counter is a bridge that answers what the test says.
type counter struct {
	answers [len(ipc.Kinds)][len(ipc.Sources)]uint64
	late    uint64
	took    [len(ipc.Kinds)]histogram.Histogram
}

func (c *counter) count(out *Counters) {
	for i := range out {
		out[i].Answers = c.answers[i]
		c.took[i].Read(&out[i].Latency)
	}
	out[ipc.Threat-1].Late = c.late
}

func (c *counter) answer(k ipc.Kind, from ipc.Source, took time.Duration) {
	c.answers[k-1][from]++
	c.took[k-1].Observe(took)
}

// A sample has what happened in its second and nothing else.
func TestSamplesAreDifferences(t *testing.T) {
	c := new(counter)
	r := NewRecorder(c.count)
	start := time.UnixMilli(1_000_000)
	c.answer(ipc.Workload, ipc.SourceModel, time.Hour) // before the recorder began
	r.look(start)
	for range 99 {
		c.answer(ipc.Workload, ipc.SourceCache, 10*time.Microsecond)
	}
	c.answer(ipc.Memory, ipc.SourceStale, 2*time.Millisecond)
	c.answers[ipc.Failure-1][ipc.SourceNone]++
	c.late++
	r.look(start.Add(time.Second))
	r.look(start.Add(2 * time.Second))
	c.answer(ipc.Threat, ipc.SourceRule, time.Microsecond)
	r.look(start.Add(3 * time.Second))

	d := Document{Kinds: make([]Kind, len(ipc.Kinds))}
	r.Fill(&d, 0)
	answers := func(model, cache, stale, rule, none uint64) map[string]uint64 {
		return map[string]uint64{"model": model, "cache": cache, "stale": stale, "rule": rule, "none": none}
	}
	kinds := func(w, t, f, m uint64) map[string]uint64 {
		return map[string]uint64{"workload": w, "threat": t, "failure": f, "memory": m}
	}
	near := func(d time.Duration) int64 { // the end of the bucket that d is in
		var h histogram.Histogram
		var c histogram.Counts
		h.Observe(d)
		h.Read(&c)
		return int64(c.Quantile(1))
	}
	ten, two, one := near(10*time.Microsecond), near(2*time.Millisecond), near(time.Microsecond)
	want := []Sample{
		{At: 1_001_000, Answers: answers(0, 99, 1, 0, 0), Kinds: kinds(99, 0, 1, 1), Late: 1, P50: ten, P99: ten, P999: two},
		{At: 1_002_000, Answers: answers(0, 0, 0, 0, 0), Kinds: kinds(0, 0, 0, 0)},
		{At: 1_003_000, Answers: answers(0, 0, 0, 1, 0), Kinds: kinds(0, 1, 0, 0), P50: one, P99: one, P999: one},
	}
	want[0].Answers["none"] = 1
	if diff := cmp.Diff(want, d.Samples); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Quantiles{N: 99, P50: ten, P99: ten, P999: ten}, d.Kinds[ipc.Workload-1].Latency); diff != "" {
		t.Errorf("workload: %s", diff)
	}
	if diff := cmp.Diff(answers(0, 99, 0, 0, 0), d.Kinds[ipc.Workload-1].Recent); diff != "" {
		t.Errorf("workload: %s", diff)
	}
	if diff := cmp.Diff(Quantiles{N: 101, P50: ten, P99: ten, P999: two}, d.Latency); diff != "" {
		t.Errorf("all: %s", diff)
	}
	r.Fill(&d, 1_001_000)
	if diff := cmp.Diff(want[1:], d.Samples); diff != "" {
		t.Errorf("since the first: %s", diff)
	}
	r.Fill(&d, 1_003_000)
	if d.Samples == nil || len(d.Samples) != 0 {
		t.Errorf("since the last: %v, want an empty list", d.Samples)
	}
}

// The history is bounded, and quantiles look back over the window alone.
func TestHistoryForgets(t *testing.T) {
	c := new(counter)
	r := NewRecorder(c.count)
	at := time.UnixMilli(0)
	for range history + 50 {
		c.answer(ipc.Workload, ipc.SourceModel, time.Second)
		r.look(at)
		at = at.Add(Every)
	}
	for range window {
		c.answer(ipc.Workload, ipc.SourceModel, time.Microsecond)
		r.look(at)
		at = at.Add(Every)
	}
	d := Document{Kinds: make([]Kind, len(ipc.Kinds))}
	r.Fill(&d, 0)
	if len(d.Samples) != history || d.Samples[history-1].At != at.Add(-Every).UnixMilli() {
		t.Errorf("%d samples to %d, want %d to %d", len(d.Samples), d.Samples[len(d.Samples)-1].At, history, at.Add(-Every).UnixMilli())
	}
	if d.Latency.N != window || d.Latency.P999 > int64(2*time.Microsecond) {
		t.Errorf("the window has %+v, want its own %d answers", d.Latency, window)
	}
}

// What a clock dated that was set back since lies ahead of it: it would hide all that comes
// until the clock is there again.
func TestHistoryOfAClockThatIsSetBack(t *testing.T) {
	r := NewRecorder(new(counter).count)
	for _, at := range []int64{7_000, 8_000, 9_000, 10_000, 8_500, 9_500} {
		r.look(time.UnixMilli(at))
	}
	for _, c := range []struct {
		since int64
		want  []int64
	}{{0, []int64{8_000, 8_500, 9_500}}, {8_500, []int64{9_500}}, {10_000, nil}} {
		var d Document
		r.Fill(&d, c.since)
		var got []int64
		for i := range d.Samples {
			got = append(got, d.Samples[i].At)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("since %d: samples of %d, want %d", c.since, got, c.want)
		}
	}
}

// Before the first look, and before the second, there is nothing, and that is said
// as empty lists and zeros.
func TestNothingYet(t *testing.T) {
	c := new(counter)
	r := NewRecorder(c.count)
	for range 2 {
		d := Document{Kinds: make([]Kind, len(ipc.Kinds))}
		r.Fill(&d, 0)
		if d.Samples == nil || len(d.Samples) != 0 || d.Latency != (Quantiles{}) || d.Every != int64(time.Second) || d.Window != 10*int64(time.Second) {
			t.Errorf("%+v", d)
		}
		c.answer(ipc.Workload, ipc.SourceModel, time.Second) // the past of a bridge that ran before
		r.look(time.UnixMilli(1))
	}
}

func TestRunLooksOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		r := NewRecorder(func(*Counters) { looks++ })
		go r.Run(t.Context())
		time.Sleep(10*Every + Every/2)
		synctest.Wait()
		if looks != 11 {
			t.Errorf("%d looks in 10.5 seconds, want 11", looks)
		}
	})
}

func BenchmarkLook(b *testing.B) {
	r := NewRecorder(new(counter).count)
	b.ReportAllocs()
	for b.Loop() {
		r.look(time.UnixMilli(1))
	}
}
