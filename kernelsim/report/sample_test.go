package report

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// sampleKinds shapes the made-up run of sample: per kind the median of a source's
// latencies in microseconds, and how often it answers.
var sampleKinds = []struct {
	name    string
	medians [4]float64
	weights [4]float64
}{
	{"workload", [4]float64{62, 17, 18, 0.6}, [4]float64{0.3, 0.6, 0.08, 0.02}},
	{"threat", [4]float64{85, 18, 19, 0.7}, [4]float64{0.7, 0.2, 0.02, 0.08}},
	{"failure", [4]float64{58, 17, 18, 0.6}, [4]float64{0.2, 0.7, 0.09, 0.01}},
	{"memory", [4]float64{110, 21, 22, 0.9}, [4]float64{0.85, 0.1, 0.03, 0.02}},
}

// sample is a report with everything in it, the same on every call. Nothing in it
// was measured: it is a drawing of what a report looks like.
func sample() *Report {
	r := &Report{
		Schema: Schema, Title: "kernelsim: four subsystems against ml-bridge",
		Created: time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC),
	}
	r.AddLoad(sampleLoad(), load.RequiredShare)
	r.Host = Host{
		CPUs: 2, CPUModel: "Example CPU @ 2.00GHz", MemoryKiB: "8152320", Kernel: "6.18.0", Preemption: "lazy (boot)",
		SchedExt: "disabled", PSI: true, GoVersion: "go1.26.0", GOARCH: "amd64", GOMAXPROCS: 2,
		Programs: map[string]string{"ml-bridge": "v0.1.0", "mld": "v0.1.0"}, Arguments: []string{"run", "--rate", "2000"},
	}
	r.Run.Settings = map[string]string{"socket": "/run/mlbridge/bridge.sock"}
	r.Comparisons = []Comparison{
		Comparison{
			Subsystem: "scheduler", Metric: "mean absolute cpu error", ML: Value(0.0312), Rule: Value(0.0447), N: 14203,
			Difference: &Span{-0.0151, -0.0119},
		}.Judge(),
		Comparison{
			Subsystem: "memory", Metric: "prefetch hit rate", Unit: "%", ML: Value(61.4), Rule: Value(38.25), HigherIsBetter: true, N: 15020,
			Difference: &Span{21.9, 24.4},
		}.Judge(),
		Comparison{
			Subsystem: "healing", Metric: "failures caught early", Unit: "%", ML: Value(71), Rule: Value(74.5), HigherIsBetter: true, N: 62,
			Difference: &Span{-19.2, 12.1}, Note: "too few failures to tell",
		}.Judge(),
		Comparison{Subsystem: "security", Metric: "false alarms", Unit: "/h", ML: Value(0.4), Rule: nil, N: 3, Note: "the rule has no score"}.Judge(),
		Comparison{Subsystem: "security", Metric: "type right where found", N: 0}.Judge(),
		Comparison{
			Subsystem: "healing", Metric: "false alarms of all", ML: Value(0.0463), Rule: Value(0.0925), N: 62,
			Difference: &Span{-0.0712, -0.0208}, Note: "alarms whose horizon is over, out of all that were raised in this part of the run",
		}.Judge(),
	}
	r.Effects = []Effect{
		{"scheduler", "over-allocation", 12.25, "% of a core", "mean over agents"},
		{"memory", "prefetches", 15020, "", ""},
		{"memory", "prefetch hits", 9222, "", "page used within 50 steps"},
	}
	r.Notes = []string{
		"Workload and failure: live from /proc and pressure stall information; memory and threat: recorded traces. A note may be long, and a terminal is not: it is broken where it would run out of it.",
		"The four subsystems are simulated; latencies are of the real socket, bridge and daemon.",
	}
	return r
}

// sampleLoad is drawn once: reports take copies of it.
var sampleLoad = sync.OnceValue(sampleResult)

// sampleResult draws 30 s of latencies, with a stall in the middle, from a seeded
// generator; the conversion to a report is that of a real run.
func sampleResult() *load.Result {
	rng := rand.New(rand.NewPCG(7, 11))
	res := &load.Result{
		Mode: "open", Schedule: "constant 1000/s", Elapsed: 30 * time.Second,
		Began:      time.Date(2026, 11, 23, 3, 59, 0, 0, time.UTC),
		Processors: 0.31, Warmup: 2 * time.Second, WarmupCalls: 2000, Budget: time.Millisecond,
		Sources: []string{"model", "cache", "stale", "rule", "none"}, Reasons: []string{"deadline", "low confidence"}, Pacing: newSampleHistogram(),
	}
	for _, k := range sampleKinds {
		l := &load.Label{Name: k.name, Latency: newSampleHistogram(), Naive: newSampleHistogram(), Messages: map[string]uint64{}}
		for _, s := range res.Sources {
			l.Sources = append(l.Sources, load.Source{Name: s, Reasons: make([]uint64, 2), Latency: newSampleHistogram()})
		}
		res.Labels = append(res.Labels, l)
	}
	for second := range 30 {
		window := newSampleHistogram()
		p := load.Point{At: time.Duration(second+1) * time.Second, For: time.Second, Sources: make([]uint64, 5)}
		for n := range 1000 {
			drawCall(rng, res, &p, window, second, n)
		}
		q := load.QuantilesOf(window)
		p.P50, p.P99, p.Max = q.P50, q.P99, q.Max
		res.Points = append(res.Points, p)
	}
	res.Labels[3].Dropped, res.Labels[3].Errors, res.Labels[3].Intended = 3, 2, res.Labels[3].Intended+5
	res.Labels[3].Messages["connection reset"] = 2
	return res
}

func newSampleHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(time.Minute), 3)
}

// drawCall makes up call n of a second.
func drawCall(rng *rand.Rand, res *load.Result, p *load.Point, window *hdrhistogram.Histogram, second, n int) {
	kind := n % len(sampleKinds)
	k, l := sampleKinds[kind], res.Labels[kind]
	source, x := 0, rng.Float64()
	for x > k.weights[source] && source < 3 {
		x -= k.weights[source]
		source++
	}
	if second == 17 && source == 0 {
		source = 3 // the daemon is away
	}
	us := k.medians[source] * math.Exp(0.28*rng.NormFloat64())
	if rng.IntN(900) == 0 {
		us *= 9
	}
	naive := us
	if second == 16 && n < 20 {
		us += float64(1900 - 90*n) // a stall: what the naive figure does not see
	}
	ns := int64(us * 1e3)
	l.Intended++
	l.Answered++
	p.Answered++
	if ns <= int64(res.Budget) {
		l.InBudget++
		p.InBudget++
	}
	l.Sources[source].Count++
	if source >= 2 && n%10 > 0 { // a tenth without a reason
		l.Sources[source].Reasons[n/10%2]++
	}
	p.Sources[source]++
	for _, h := range []*hdrhistogram.Histogram{l.Latency, l.Sources[source].Latency, window} {
		_ = h.RecordValue(ns)
	}
	_ = l.Naive.RecordValue(int64(naive * 1e3))
	_ = res.Pacing.RecordValue(int64(90 * math.Exp(rng.NormFloat64())))
}
