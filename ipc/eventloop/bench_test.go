package eventloop

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkDeadline reports how late timers of 300 µs fire on an otherwise idle
// loop, and how late time.Timer does in the same run.
func BenchmarkDeadline(b *testing.B) {
	const d = 300 * time.Microsecond
	late := func(b *testing.B, measure func() time.Duration) {
		var all []time.Duration
		for b.Loop() {
			all = append(all, measure())
		}
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1e3, "µs-late-p50")
		b.ReportMetric(float64(all[len(all)*99/100].Nanoseconds())/1e3, "µs-late-p99")
	}
	b.Run("loop", func(b *testing.B) {
		l := running(b)
		fired := make(chan time.Duration, 1)
		var at int64
		timer := Timer{Fire: func() { fired <- time.Duration(clock() - at) }}
		arm := func() { at = clock() + int64(d); l.Arm(&timer, at) }
		late(b, func() time.Duration {
			l.Post(arm)
			return <-fired
		})
	})
	b.Run("time.Timer", func(b *testing.B) {
		late(b, func() time.Duration {
			at := time.Now().Add(d)
			<-time.After(d)
			return time.Since(at)
		})
	})
}

// BenchmarkRound is one descriptor served and one timer moved.
func BenchmarkRound(b *testing.B) {
	l := newLoop(b)
	defer l.Close()
	x, y := pair(b)
	defer unix.Close(x)
	defer unix.Close(y)
	var buf [8]byte
	if err := l.Watch(x, Readable, handlerFunc(func(bool, bool) { _, _ = unix.Read(x, buf[:]) })); err != nil {
		b.Fatal(err)
	}
	timer := Timer{Fire: func() {}}
	b.ReportAllocs()
	for b.Loop() {
		l.ArmIn(&timer, time.Second)
		_, _ = unix.Write(y, buf[:])
		waitRound(b, l)
	}
}
