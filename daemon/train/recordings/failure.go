package recordings

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// FailureSets are the recordings of failures, by the families of components, and
// what this project recorded beside them: programs to learn from, a strained host.
var FailureSets = []Set{{Name: "lanl"}, {Name: "oom"}, {Name: "smd"}, {Name: "exhaustion", Derived: true}, {Name: "stress", Derived: true}}

// ReadFailure asks at every moment of a set whether a failure comes.
func ReadFailure(s *Set, o Options, to Sink) error {
	switch s.Name {
	case "lanl":
		return readLANLSet(o, to)
	case "oom":
		return readOOMSet(o, to)
	case "exhaustion":
		return readExhaustion(to)
	case "stress":
		return readStress(to)
	}
	return readSMDHealthSet(o, to)
}

// probe is one component's past, sampled at even intervals.
type probe struct {
	component string
	health    []float32
	flags     []uint8
	reading   []float32
	sum       float64   // of all readings so far: the baseline
	rates     []float32 // longer counts, where they are kept
}

func (p *probe) sample(health, reading float64, failed bool) {
	p.health = append(p.health, float32(math.Max(0, math.Min(1, health))))
	p.flags = append(p.flags, uint8(b2i(failed)))
	p.reading = append(p.reading, float32(reading))
	p.sum += reading
}

// request asks now, since ms after the last failure (ipc.Never: none).
func (p *probe) request(since uint64) *ipc.FailureRequest {
	n := len(p.health)
	q := &ipc.FailureRequest{
		Component: p.component, HealthScore: p.health[n-1], CurrentValue: p.reading[n-1],
		Baseline: float32(p.sum / float64(n)), TimeSinceLastFailure: since,
		HistoricalHealth: p.health[max(0, n-ipc.MaxHealthHistory):],
		FailureHistory:   p.flags[max(0, n-ipc.MaxFailureHistory):],
		FailureRates:     p.rates,
	}
	q.Trend = trend(q.HistoricalHealth)
	return q
}

// trend compares the health now with the mean of the four values before: a
// kernel's healing subsystem reports its own reading, the thresholds are this
// recording's.
func trend(h []float32) int8 {
	n := len(h)
	if n < 2 {
		return ipc.TrendStable
	}
	var sum float32
	before := h[max(0, n-5) : n-1]
	for _, v := range before {
		sum += v
	}
	switch d := h[n-1] - sum/float32(len(before)); {
	case d < -0.2:
		return ipc.TrendCritical
	case d < -0.02:
		return ipc.TrendDegrading
	case d > 0.02:
		return ipc.TrendImproving
	}
	return ipc.TrendStable
}

// ask asks now. left is the number of intervals until the next failure begins,
// negative when none is known; keep is the weight of a sampled question.
func (p *probe) ask(to Sink, entity int, since uint64, left, horizon int, keep float64) error {
	q := p.request(since)
	if err := q.Validate(); err != nil {
		return err
	}
	ago := math.Inf(1)
	if since != ipc.Never {
		ago = float64(since)
	}
	return to.Ask(&Question{
		Request: q, Entity: entity, Failed: left > 0 && left <= horizon, Left: max(left, 0), Keep: keep, Since: ago,
	})
}
