package load

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// TestProcessors: a run says how many processors the process had, in either loop; one that
// computes had more than one that sleeps.
func TestProcessors(t *testing.T) {
	o := Options{Duration: 200 * time.Millisecond, Labels: []string{"a"}, Sources: []string{"s"}}
	compute := func(d time.Duration) {
		for end := processTime() + d; processTime() < end; {
		}
	}
	closed := func(call func()) float64 {
		o := o
		o.Workers = 1
		run, err := StartClosed(t.Context(), o, func(context.Context, int, uint64, int) Outcome { call(); return Outcome{} })
		if err != nil {
			t.Fatal(err)
		}
		return run.Wait().Processors
	}
	open := func(call func()) float64 {
		o := o
		o.Pacer = mustPace(t, "constant:200")
		return runOpen(t, o, func(c Call) { call(); c.Done(Outcome{}) }).Processors
	}
	for name, run := range map[string]func(func()) float64{"closed": closed, "open": open} {
		idle, busy := run(func() { time.Sleep(5 * time.Millisecond) }), run(func() { compute(4 * time.Millisecond) })
		if most := float64(runtime.NumCPU()) + 0.1; idle <= 0 || busy < 2*idle || busy > most {
			t.Errorf("%s loop: %.3f processors asleep and %.3f computing, of %.1f", name, idle, busy, most)
		}
	}
	if n := (meter{wall: time.Now().Add(time.Hour)}).average(); n != 0 {
		t.Errorf("%v processors of no time", n)
	}
}
