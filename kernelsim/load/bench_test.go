package load

import (
	"testing"
	"time"
)

// What a call costs the generator as a whole when the target answers within Issue,
// as a cache hit does: three readings of the clock, Issue, Done, and recording.
func BenchmarkCall(b *testing.B) {
	o := Options{Pacer: mustPace(b, "1000"), Duration: time.Hour, Labels: []string{"a"}, Sources: []string{"s"}}
	if err := o.complete(); err != nil {
		b.Fatal(err)
	}
	r := newOpenLoop(o, TargetFunc(func(c Call) { c.Done(Outcome{}) }))
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		r.begin(n, r.clock.Now())
		if n++; n%reserve == 0 {
			r.drain()
		}
	}
}

// What recording a call costs the recorder.
func BenchmarkAccount(b *testing.B) {
	o := Options{Duration: time.Hour, Labels: []string{"a"}, Sources: []string{"s"}}
	if err := o.complete(); err != nil {
		b.Fatal(err)
	}
	t := newTally(&o)
	b.ReportAllocs()
	latency := int64(10_000)
	for b.Loop() {
		t.end(0, Outcome{}, latency, latency)
		latency = (latency*7 + 1013) % 1_000_000
	}
}
