package predict

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// saying is a model on plain fields that copies columns of its row to its outputs.
// An output "name" takes the column of from, plus add.
type saying struct {
	kind    ipc.Kind
	outputs []string
	from    map[string]string
	add     map[string]float32
	more    map[string]string // metadata
	through string            // operator on all outputs
	beside  map[string]string // said in the manifest
}

func (s saying) metadata() map[string]string {
	m := map[string]string{
		"predictor": s.kind.String(), "features": features.FieldsVersion, "name": "saying", "version": "1",
		"outputs": strings.Join(s.outputs, ","),
	}
	maps.Copy(m, s.more)
	return m
}

func (s saying) load(t *testing.T) (*Predictor, error) {
	t.Helper()
	layout := features.FieldsOf(s.kind)
	d := enginetest.Dense{Inputs: layout.Width(), Weights: map[[2]int]float32{}, Operator: s.through, Metadata: s.metadata()}
	for i, name := range s.outputs {
		d.Bias = append(d.Bias, s.add[name])
		if column := s.from[name]; column != "" {
			d.Weights[[2]int{slices.Index(layout.Names, column), i}] = 1
		}
	}
	m, err := engine.Load(d.ONNX(), engine.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return New(s.kind, m, s.beside)
}

// ask puts q to the model.
func (s saying) ask(t *testing.T, q ipc.Request) *ipc.Prediction {
	t.Helper()
	p, err := s.load(t)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]ipc.Prediction, 1)
	if err := p.Predict([]ipc.Request{q}, out); err != nil {
		t.Fatal(err)
	}
	if err := out[0].Validate(); err != nil {
		t.Errorf("%v", err)
	}
	return &out[0]
}

var workloadOutputs = []string{"predicted_cpu", "predicted_memory", "predicted_gpu", "confidence"}

func TestWorkloadOnPlainFields(t *testing.T) {
	s := saying{
		kind: ipc.Workload, outputs: workloadOutputs,
		from: map[string]string{"predicted_cpu": "historical_cpu_8", "predicted_memory": "current_memory", "predicted_gpu": "current_gpu"},
		add:  map[string]float32{"predicted_memory": 1, "confidence": 0.75},
	}
	q := &ipc.WorkloadRequest{HistoricalCPU: []float32{0.25, 0.5}, CurrentCPU: 0.5, CurrentMemory: 2 << 30, HistoricalGPU: []float32{0}}
	got := s.ask(t, q).Workload
	want := ipc.WorkloadPrediction{CPU: 0.25, Memory: 3 << 30, GPU: ipc.Some(float32(0)), Confidence: 0.75}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	q.HistoricalGPU = nil
	if got := s.ask(t, q).Workload.GPU; got.Valid {
		t.Errorf("an agent without a GPU got %v", got)
	}
	s.more = map[string]string{"memory_unit": "1"}
	if got := s.ask(t, q).Workload.Memory; got != 2<<30 { // +1 is lost in a float32
		t.Errorf("memory in bytes: %d, want %d", got, 2<<30)
	}
}

func TestThreatOnPlainFields(t *testing.T) {
	s := saying{
		kind: ipc.Threat, outputs: []string{"threat_score"}, from: map[string]string{"threat_score": "historical_threats_9"},
	}
	q := &ipc.ThreatRequest{HistoricalThreats: []float32{0.9}}
	want := ipc.ThreatPrediction{Score: 0.9, Type: threatType(q), Confidence: 0.9, Action: ipc.ActionIsolate}
	if got := s.ask(t, q).Threat; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.outputs = append(s.outputs, "confidence", "threat_type_0", "threat_type_1", "threat_type_2", "threat_type_3", "threat_type_4", "threat_type_5")
	s.add = map[string]float32{"confidence": 0.6, "threat_type_2": 1}
	want.Type, want.Confidence = ipc.ThreatPasswordGuessing, 0.6
	if got := s.ask(t, q).Threat; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFailureOnPlainFields(t *testing.T) {
	s := saying{
		kind: ipc.Failure, outputs: []string{"failure_probability"}, from: map[string]string{"failure_probability": "health_score"},
	}
	q := &ipc.FailureRequest{Component: "network-0", HealthScore: 0.25, TimeSinceLastFailure: ipc.Never}
	want := ipc.FailurePrediction{Probability: 0.25, Confidence: 0.75, Type: ipc.FailureNetwork}
	if got := s.ask(t, q).Failure; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.outputs = append(s.outputs, "predicted_time")
	for ms, want := range map[float32]ipc.Optional[uint64]{
		0: ipc.Some(uint64(0)), 1500: ipc.Some(uint64(1_500_000_000)), -1: {},
		math.MaxFloat32: ipc.Some(uint64(maxTimeMs) * 1_000_000),
	} {
		s.add = map[string]float32{"predicted_time": ms}
		if got := s.ask(t, q).Failure.PredictedTime; got != want {
			t.Errorf("%v ms became %v, want %v", ms, got, want)
		}
	}
}

func TestMemoryOnPlainFields(t *testing.T) {
	s := saying{
		kind: ipc.Memory, outputs: []string{"next_page", "access_probability"},
		add: map[string]float32{"next_page": -1.2, "access_probability": 0.5},
	}
	q := &ipc.MemoryRequest{CurrentAddress: 1<<53 + 4097, AccessHistory: []uint64{1<<53 + 4097}, AccessTypes: []uint8{ipc.AccessExecute}}
	want := ipc.MemoryPrediction{NextAddress: 1 << 53, Probability: 0.5, Confidence: 0.5, Type: ipc.AccessExecute}
	if got := s.ask(t, q).Memory; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestPlainModelsSayWhatTheyLack lists models whose files do not fit.
func TestPlainModelsSayWhatTheyLack(t *testing.T) {
	good := saying{kind: ipc.Workload, outputs: workloadOutputs}
	for want, bend := range map[string]func(*saying){
		`no output "confidence"`:      func(s *saying) { s.outputs = workloadOutputs[:3] },
		`no output "prediction"`:      func(s *saying) { s.outputs = append(slices.Clone(workloadOutputs), "prediction") },
		`two outputs are called`:      func(s *saying) { s.outputs = append(slices.Clone(workloadOutputs), "confidence") },
		"the outputs have 4 numbers":  func(s *saying) { s.more = map[string]string{"outputs": "predicted_cpu"} },
		"names 5":                     func(s *saying) { s.more = map[string]string{"outputs": "a,b,c,d,e"} },
		`"outputs" names 0`:           func(s *saying) { s.more = map[string]string{"outputs": ""} },
		`"memory_unit": "0"`:          func(s *saying) { s.more = map[string]string{"memory_unit": "0"} },
		"the file holds a threat":     func(s *saying) { s.more = map[string]string{"predictor": "threat"} },
		"no output \"threat_type_1\"": func(s *saying) { *s = saying{kind: ipc.Threat, outputs: []string{"threat_score", "threat_type_0"}} },
		"this program computes":       func(s *saying) { s.more = map[string]string{"features": "fields/2"} },
	} {
		s := good
		bend(&s)
		if _, err := s.load(t); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", s.more, err, want)
		}
	}
	good.outputs = append(slices.Clone(workloadOutputs), "-", "-")
	if _, err := good.load(t); err != nil {
		t.Errorf("numbers that are passed over: %v", err)
	}
}
