// Package load drives callers in a closed loop and measures them: latency of each
// call, calls a second, allocations of this process and CPU time of all that take part.
//
// A closed loop is right here because rows are compared at a fixed number of calls in
// flight. It says nothing about latency at a given rate; kernelsim does.
package load

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mlbridge/mlbridge/bench/internal/process"
)

// Caller asks one question after the other. One goroutine uses it.
type Caller interface {
	// Call asks question i (and those behind it, for a batch) and waits. It reports
	// how many answers were not of the expected origin.
	Call(i int) (unexpected int, err error)
}

// Plan says how long to run and whose CPU time counts besides this process's.
type Plan struct {
	Warm, Run time.Duration
	Batch     int   // questions a call; 1 when 0
	Repeat    int   // calls timed together, for calls shorter than reading the clock; 1 when 0
	PIDs      []int // the servers
}

// Result is what one run measured. Latencies are in µs, of whole calls.
type Result struct {
	P50, P99, P999 float64
	Questions      int64   // answered in the measured time
	PerSecond      float64 // questions
	CPU            float64 // µs a question, of all processes
	OwnCPU         float64 // of which this process
	Allocs         float64 // mallocs a question, of this process
	Unexpected     int64   // answers of another origin than the row is about
}

// highest is the longest latency a histogram tells apart, in ns.
const highest = int64(30 * time.Second)

// NewHistogram gives a histogram of ns with errors below 0.1 %.
func NewHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, highest, 3) }

// Run lets every caller ask in its own goroutine, for Warm unmeasured and then for Run.
func Run(callers []Caller, p Plan) (Result, error) {
	p.Batch, p.Repeat = max(p.Batch, 1), max(p.Repeat, 1)
	g := &gang{callers: callers, plan: p, next: make([]int, len(callers))}
	for w := range callers {
		g.next[w] = w * p.Batch
	}
	if err := g.run(p.Warm, nil); err != nil {
		return Result{}, err
	}
	hists := make([]*hdrhistogram.Histogram, len(callers))
	for i := range hists {
		hists[i] = NewHistogram()
	}
	g.unexpected = make([]int, len(callers)) // a first answer may differ while warming up
	pids := append([]int{os.Getpid()}, p.PIDs...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, own := process.CPUTime(pids), process.CPUTime(pids[:1])
	began := time.Now()
	err := g.run(p.Run, hists)
	took := time.Since(began)
	cpu, own = process.CPUTime(pids)-cpu, process.CPUTime(pids[:1])-own
	runtime.ReadMemStats(&after)
	if err != nil {
		return Result{}, err
	}
	all := hists[0]
	for _, h := range hists[1:] {
		all.Merge(h)
	}
	r := Summary(all, all.TotalCount()*int64(p.Batch*p.Repeat), took, cpu)
	r.OwnCPU = float64(own.Nanoseconds()) / 1e3 / float64(max(r.Questions, 1))
	r.Allocs = float64(after.Mallocs-before.Mallocs) / float64(r.Questions)
	for _, n := range g.unexpected {
		r.Unexpected += int64(n)
	}
	return r, nil
}

// Summary turns latencies in ns into a result.
func Summary(h *hdrhistogram.Histogram, questions int64, took, cpu time.Duration) Result {
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1e3 }
	n := float64(max(questions, 1))
	return Result{
		P50: at(50), P99: at(99), P999: at(99.9), Questions: questions,
		PerSecond: float64(questions) / took.Seconds(), CPU: float64(cpu.Nanoseconds()) / 1e3 / n,
	}
}

// gang is the callers and where each of them is in the sequence of questions.
type gang struct {
	callers    []Caller
	plan       Plan
	next       []int
	unexpected []int
}

// run lets all callers ask for d. Latencies go to hists, one each, unless it is nil.
func (g *gang) run(d time.Duration, hists []*hdrhistogram.Histogram) error {
	if g.unexpected == nil {
		g.unexpected = make([]int, len(g.callers))
	}
	errs := make([]error, len(g.callers))
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for w := range g.callers {
		wg.Go(func() {
			var h *hdrhistogram.Histogram
			if hists != nil {
				h = hists[w]
			}
			errs[w] = g.one(w, end, h)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// one is the loop of caller w. One reading of the clock ends a call and begins the next.
func (g *gang) one(w int, end time.Time, h *hdrhistogram.Histogram) error {
	step := len(g.callers) * g.plan.Batch
	for at := time.Now(); at.Before(end); {
		for range g.plan.Repeat {
			n, err := g.callers[w].Call(g.next[w])
			if err != nil {
				return fmt.Errorf("caller %d, question %d: %w", w, g.next[w], err)
			}
			g.unexpected[w] += n
			g.next[w] += step
		}
		now := time.Now()
		if h != nil {
			if err := h.RecordValue(max(1, now.Sub(at).Nanoseconds()/int64(g.plan.Repeat))); err != nil {
				return err
			}
		}
		at = now
	}
	return nil
}
