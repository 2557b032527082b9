package predict

import (
	"math"
	"time"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// failure serves models with the outputs probability (a failure begins within
// the horizon of the component's family) and log2_intervals (how many reporting
// intervals until then, if it does). The metadata interval_ms has the length of
// an interval of each family's recordings: a request does not say how far its
// samples are apart, so a time can only be told in the interval learnt from.
type failure struct {
	probability, intervals int
	intervalNs             [features.Families]float64
}

// timeThreshold is the probability from which a time is told: below, the
// failure most likely does not come within the horizon at all.
const timeThreshold = 0.2

// maxIntervalMs and maxIntervals bound a told time to 45 years, far inside u64
// nanoseconds.
const (
	maxIntervalMs    = 24 * 60 * 60 * 1000
	maxLog2Intervals = 14
)

func newFailure(m *metadata) *failure {
	m.layout(&features.Failure)
	f := &failure{probability: m.output("probability"), intervals: m.output("log2_intervals")}
	for i, ms := range m.numbers("interval_ms", len(f.intervalNs), maxIntervalMs) {
		f.intervalNs[i] = float64(ms) * float64(time.Millisecond)
	}
	return f
}

func (*failure) maxRows() int { return 1 }

func (*failure) prepare(req ipc.Request, s *slot, dst []float32) int {
	q := req.(*ipc.FailureRequest)
	var rule ipc.FailurePrediction
	rules.Failure(q, &rule)
	s.kind = rule.Type // by the component's name: no data here teaches types
	features.FailureRow(q, s.kind, dst)
	return 1
}

func (m *failure) conclude(req ipc.Request, s *slot, w *worker, first int, out *ipc.Prediction) {
	p := &out.Failure
	p.Probability = unit(w.read(m.probability, first))
	p.Type = s.kind
	p.Confidence = verdict(p.Probability)
	if p.Probability >= timeThreshold {
		intervals := math.Exp2(max(0, min(maxLog2Intervals, float64(w.read(m.intervals, first)))))
		p.PredictedTime = ipc.Some(uint64(intervals * m.intervalNs[features.Family(s.kind, req.(*ipc.FailureRequest).TimeSinceLastFailure)]))
	}
}
