package bridge

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestLosses by hand, each in the prediction's own terms.
func TestLosses(t *testing.T) {
	threat := func(score float32, kind uint8) *ipc.Prediction {
		return &ipc.Prediction{Kind: ipc.Threat, Threat: ipc.ThreatPrediction{Score: score, Type: kind}}
	}
	failure := func(p float32, after ipc.Optional[uint64], kind uint8) *ipc.Prediction {
		return &ipc.Prediction{Kind: ipc.Failure, Failure: ipc.FailurePrediction{Probability: p, PredictedTime: after, Type: kind}}
	}
	access := func(address uint64, kind uint8) *ipc.Prediction {
		return &ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: address, Type: kind}}
	}
	none, after := ipc.Optional[uint64]{}, ipc.Some[uint64]
	not := math.NaN() // not judged
	for _, c := range []struct {
		line         string
		said, actual *ipc.Prediction
		want         [3]float64 // of the parts
	}{
		{"right of an attack", threat(1, 5), threat(1, 5), [3]float64{0, 0}},
		{"another type", threat(0.5, 5), threat(1, 1), [3]float64{0.25, 1}},
		{"a type, though it is hardly an attack", threat(0.25, 5), threat(1, 5), [3]float64{0.5625, 0}},
		{"no type of what is one", threat(0.5, 0), threat(1, 5), [3]float64{0.25, 1}},
		{"no type of what is none", threat(0.25, 0), threat(1, 5), [3]float64{0.5625, not}},
		{"a type that nobody knows", threat(1, 5), threat(1, 0), [3]float64{0, not}},
		{"a type of what did not happen", threat(1, 5), threat(0, 5), [3]float64{1, not}},

		{"right of a failure", failure(1, after(60e9), 5), failure(1, after(60e9), 5), [3]float64{0, 0, 0}},
		{"a quarter too late, another type", failure(0.5, after(5<<34), 4), failure(1, after(4<<34), 5), [3]float64{0.25, 0.25, 1}},
		{"ten times too late is as wrong as now", failure(1, after(600e9), 5), failure(1, after(60e9), 5), [3]float64{0, 1, 0}},
		{"now", failure(1, after(0), 5), failure(1, after(60e9), 5), [3]float64{0, 1, 0}},
		{"at once, and it was", failure(1, after(0), 5), failure(1, after(0), 5), [3]float64{0, 0, 0}},
		{"later, and it was at once", failure(1, after(1), 5), failure(1, after(0), 5), [3]float64{0, 1, 0}},
		{"expected, and never", failure(0.5, none, 5), failure(1, after(60e9), 5), [3]float64{0.25, 1, 0}},
		{"not expected, and no time", failure(0.25, none, 5), failure(1, after(60e9), 5), [3]float64{0.5625, not, 0}},
		{"nobody knows when", failure(1, after(60e9), 5), failure(1, none, 5), [3]float64{0, not, 0}},
		{"did not happen", failure(1, after(60e9), 5), failure(0, after(60e9), 4), [3]float64{1, not, not}},

		{"right of an access", access(8192, 1), access(8192+4095, 1), [3]float64{0, 0}},
		{"another page, right kind", access(8192, 1), access(4096, 1), [3]float64{1, 0}},
		{"a page 2^44 away", access(8192, 1), access(8192+1<<44, 0), [3]float64{1, 1}},
		{"a page of whose number half looks like a NaN", access(unsaid<<pageShift, 1), access(unsaid<<pageShift, 1), [3]float64{0, 0}},
	} {
		said, actual := judged(c.said, 1), happened(&ipc.Outcome{Actual: *c.actual}, 1)
		for i, part := range partsOf(c.said.Kind) {
			got := math.NaN()
			if part.judgeable(&said, &said, &actual) {
				got = part.loss(&said, &actual)
			}
			if got != c.want[i] && !(math.IsNaN(got) && math.IsNaN(c.want[i])) {
				t.Errorf("%s: part %d: %v, want %v", c.line, i, got, c.want[i])
			}
		}
	}
}

// TestTheUnobservedIsNotJudged by the bit of its element, whatever stands in its place.
func TestTheUnobservedIsNotJudged(t *testing.T) {
	for _, k := range ipc.Kinds {
		o := ipc.Outcome{Actual: ipc.Prediction{Kind: k}}
		o.Actual.Workload = ipc.WorkloadPrediction{GPU: ipc.Some[float32](0)}
		o.Actual.Threat = ipc.ThreatPrediction{Score: 1, Type: 1}
		o.Actual.Failure = ipc.FailurePrediction{Probability: 1, PredictedTime: ipc.Some[uint64](1)}
		for i, part := range partsOf(k) {
			v := happened(&o, 1)
			if !part.judgeable(&v, &v, &v) {
				t.Errorf("%v, part %d: observed and not judged", k, i)
			}
			if part.bit == answer && k != ipc.Workload {
				continue // an outcome without it is none
			}
			o.Unobserved = part.bit
			if v = happened(&o, 1); part.judgeable(&v, &v, &v) {
				t.Errorf("%v, part %d: judged though nobody observed it", k, i)
			}
			o.Unobserved = 0
		}
	}
}

// TestTheRuleHasAWordOnEverything: on what it does not expect, too.
func TestTheRuleHasAWordOnEverything(t *testing.T) {
	calm := []ipc.Request{workload(1, 0.5), &ipc.ThreatRequest{}, &ipc.FailureRequest{Component: "memory", HealthScore: 1}, &ipc.MemoryRequest{}}
	for _, q := range calm {
		v := ruleSays(q, 1)
		for i, part := range partsOf(q.Kind()) {
			if q.Kind() == ipc.Workload && i == 2 {
				continue // no gpu
			}
			if !part.judgeable(&v, &v, &v) {
				t.Errorf("%v, part %d: the rule has no word on it", q.Kind(), i)
			}
		}
	}
}

// TestLossesDifferByNoMoreThanIsSaid: the bets rely on it. What is said is also reached.
func TestLossesDifferByNoMoreThanIsSaid(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := map[measure]func() uint32{
		share: func() uint32 { return number(r.Float32()) },
		brier: func() uint32 { return number(r.Float32()) },
		duration: func() uint32 {
			return number([]float32{0, 1, float32(math.Inf(1)), float32(math.Exp(20 * r.Float64()))}[min(r.IntN(40), 3)])
		},
		label: func() uint32 { return uint32(r.IntN(6)) },
		page:  func() uint32 { return uint32(r.IntN(3)) },
	}
	for m, next := range draw {
		p := part{measure: m}
		for range 3000 {
			a, b := values{next(), next()}, values{next(), next()}
			most, reached := p.apart(&a, &b), 0.0
			// What came was finite, near one of them half of the time, and a failure that
			// happened or not.
			for range 100 {
				actual := values{next(), next()}
				switch m {
				case brier:
					actual[0] = number(float32(r.IntN(2)))
				case duration:
					near := []float64{a.at(0), b.at(0), max(a.at(0), b.at(0)) / 2}[r.IntN(3)]
					if r.IntN(2) == 0 && !math.IsInf(near, 1) {
						actual[0] = number(float32(near))
					}
					if math.IsInf(actual.at(0), 1) {
						continue
					}
				case share, label, page:
					actual = []values{a, b, actual}[r.IntN(3)]
				}
				reached = max(reached, math.Abs(p.loss(&a, &actual)-p.loss(&b, &actual)))
			}
			if reached > most+1e-9 || reached < most-1e-6 && !math.IsInf(max(a.at(0), b.at(0)), 1) {
				t.Fatalf("measure %d: losses of %v and %v differ by %v, said to be at most %v", m, a.at(0), b.at(0), reached, most)
			}
		}
	}
}
