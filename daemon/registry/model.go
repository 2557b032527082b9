package registry

import (
	"errors"
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/daemon/predict"
	"github.com/mlbridge/mlbridge/daemon/registry/recorded"
	"github.com/mlbridge/mlbridge/ipc"
)

// Predictor is a model with the preparation of its features: a pure function of
// the requests, safe for concurrent use.
type Predictor interface {
	// Predict answers reqs, which are all of the model's kind and valid, in out of
	// the same length. A *predict.InvalidError is about the questions that it names,
	// any other error about the call as a whole.
	Predict(reqs []ipc.Request, out []ipc.Prediction) error
	Name() string
	Version() string
}

// Model is a predictor that passed validation. It is immutable but for what Invalid counts.
type Model struct {
	Kind   ipc.Kind
	Label  string // "name@version", at most ipc.MaxModelBytes
	Source string // where it was loaded from, for people
	Loaded time.Time
	Trial  predict.Trial // of the recorded questions; zero for a predictor that cannot be tried
	Predictor

	trial   *trial // in a folder
	invalid invalid
}

// Candidate is a model that is tried beside the one that serves.
type Candidate struct {
	*Model
	// Share of the agents or components that it answers; 0 is in the shadow: it is asked
	// what the other is asked, and its answers are only scored.
	Share float64
}

// Same reports whether two candidates are the same model with the same share; both may
// be nil.
func (c *Candidate) Same(other *Candidate) bool {
	if c == nil || other == nil {
		return c == other
	}
	return *c == *other
}

// MaxLatency is how long a model may take for one question, the median of the recorded
// ones on an idle moment: half of the default budget of a call.
const MaxLatency = 500 * time.Microsecond

// errOutput is a prediction outside its range.
var errOutput = errors.New("output fails validation")

// newModel validates p by asking it what every model is asked sooner or later: a
// question without any history, a typical one, and both at once; then what was recorded
// (package recorded). All answers must be inside their ranges. A number that is none is let
// pass of the first questions, which nobody may ever ask, and not of the recorded ones.
func newModel(k ipc.Kind, p Predictor, source string, now time.Time) (m *Model, err error) {
	defer func() {
		// A model file is data from outside. One that crashes its engine is refused
		// like any other bad one.
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	if m, ok := p.(*Model); ok { // validated before
		return m, nil
	}
	label := p.Name() + "@" + p.Version()
	switch {
	case p.Name() == "" || p.Version() == "":
		return nil, errors.New("no name or no version")
	case len(label) > ipc.MaxModelBytes:
		return nil, fmt.Errorf("name and version have %d bytes, at most %d", len(label), ipc.MaxModelBytes)
	}
	trials := trialRequests(k)
	for _, reqs := range [][]ipc.Request{trials[:1], trials[1:], trials} {
		out := make([]ipc.Prediction, len(reqs))
		err := p.Predict(reqs, out)
		none, some := errors.AsType[*predict.InvalidError](err)
		if err != nil && !some {
			return nil, fmt.Errorf("trial run: %w", err)
		}
		for i := range out {
			if none.Of(i) != nil {
				continue
			}
			out[i].Kind = k
			if err := out[i].Validate(); err != nil {
				return nil, fmt.Errorf("trial run: %w: %w", errOutput, err)
			}
		}
	}
	m = &Model{Kind: k, Label: label, Source: source, Loaded: now, Predictor: p}
	return m, m.try()
}

// try asks the model the recorded questions.
func (m *Model) try() (err error) {
	p, ok := m.Predictor.(interface {
		Try(reqs []ipc.Request) (predict.Trial, error)
	})
	if !ok {
		return nil
	}
	reqs, err := recorded.Requests(m.Kind)
	if err != nil {
		return err
	}
	if m.Trial, err = p.Try(reqs); err != nil {
		return fmt.Errorf("recorded questions: %w", err)
	}
	if m.Trial.Single > MaxLatency {
		return fmt.Errorf("recorded questions: %w: %w: %v for one, at most %v", predict.ErrTrial, predict.ErrSlow, m.Trial.Single, MaxLatency)
	}
	return nil
}

// trialRequests gives a bare question and a typical one of kind k.
func trialRequests(k ipc.Kind) []ipc.Request {
	switch k {
	case ipc.Workload:
		return []ipc.Request{&ipc.WorkloadRequest{}, &ipc.WorkloadRequest{
			AgentID: 1, HistoricalCPU: []float32{0.2, 0.25, 0.3}, HistoricalMemory: []uint64{1 << 30, 1<<30 + 4096, 1 << 31},
			HistoricalGPU: []float32{0, 0.1, 0.2}, TimeOfDay: 13, DayOfWeek: 3,
			CurrentCPU: 0.3, CurrentMemory: 1 << 31, CurrentGPU: ipc.Some(float32(0.2)),
		}}
	case ipc.Threat:
		return []ipc.Request{&ipc.ThreatRequest{TimeSinceLastThreat: ipc.Never}, &ipc.ThreatRequest{
			AgentID: 1, Metrics: ipc.ThreatMetrics{OperationCount: 100, SyscallCount: 80, MemoryUsage: 1 << 20, NetworkActivity: 4096},
			Anomalies: []ipc.Anomaly{{Type: 1, Severity: 0.4, Timestamp: 1}}, HistoricalThreats: []float32{0.1, 0.2},
			TimeSinceLastThreat: 60_000,
		}}
	case ipc.Failure:
		return []ipc.Request{
			&ipc.FailureRequest{Component: "memory", TimeSinceLastFailure: ipc.Never},
			&ipc.FailureRequest{
				Component: "disk0", HealthScore: 0.6, CurrentValue: 12, Baseline: 10, Trend: ipc.TrendDegrading,
				HistoricalHealth: []float32{0.9, 0.7, 0.6}, FailureHistory: []uint8{0, 0, 1}, TimeSinceLastFailure: 3_600_000,
			},
		}
	}
	return []ipc.Request{&ipc.MemoryRequest{}, &ipc.MemoryRequest{
		AgentID: 1, AccessHistory: []uint64{0x7f0000000000, 0x7f0000001000, 0x7f0000002000}, AccessTypes: []uint8{0, 1, 0},
		AccessTimestamps: []uint64{1, 2, 3}, CurrentAddress: 0x7f0000002000, LocalityScore: 1,
		Candidates: []uint64{0x7f0000003000},
	}}
}
