package load

import (
	"context"
	"testing"
	"time"
)

// TestProcessors: a run says how many processors the process had, in either loop. It is held
// between what the calls used for certain and what the process used around the run.
func TestProcessors(t *testing.T) {
	const each = 4 * time.Millisecond
	compute := func() {
		for end := processTime() + each; processTime() < end; {
		}
	}
	o := Options{Duration: 200 * time.Millisecond, Labels: []string{"a"}, Sources: []string{"s"}}
	for name, run := range map[string]func() *Result{
		"closed": func() *Result {
			o := o
			o.Workers = 1
			run, err := StartClosed(t.Context(), o, func(context.Context, int, uint64, int) Outcome { compute(); return Outcome{} })
			if err != nil {
				t.Fatal(err)
			}
			return run.Wait()
		},
		"open": func() *Result {
			o := o
			o.Pacer = mustPace(t, "constant:100")
			return runOpen(t, o, func(c Call) { compute(); c.Done(Outcome{}) })
		},
	} {
		began, before := time.Now(), processTime()
		res := run()
		used, wall := processTime()-before, time.Since(began)
		least := float64(time.Duration(res.Total().Answered)*each) / float64(wall)
		most := float64(used) / float64(o.Duration*9/10) // an open loop ends with its last call
		if res.Total().Answered == 0 || res.Processors < least || res.Processors > most {
			t.Errorf("%s loop: %.3f processors, between %.3f and %.3f are true", name, res.Processors, least, most)
		}
	}
	if n := (meter{wall: time.Now().Add(time.Hour)}).average(); n != 0 {
		t.Errorf("%v processors of no time", n)
	}
}
