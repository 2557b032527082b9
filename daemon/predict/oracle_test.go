package predict

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// embedded loads the default model of kind k.
func embedded(t testing.TB, k ipc.Kind) *engine.Model {
	t.Helper()
	_, data, err := models.Default(k)
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.Load(data, engine.Limits{})
	if err != nil {
		t.Fatalf("engine.Load(%v model): %v", k, err)
	}
	return m
}

func predictor(t testing.TB, k ipc.Kind) *Predictor {
	t.Helper()
	p, err := New(k, embedded(t, k), nil)
	if err != nil {
		t.Fatalf("New(%v): %v", k, err)
	}
	return p
}

// vector is what the training command recorded about one request of a test set:
// its rows, ONNX Runtime's outputs for them, and for workloads the value that
// Python makes of the output.
type vector struct {
	Source  string
	Request string
	Rows    [][]float32
	Outputs map[string][]float32
	CPU     *float64
	Mem     *float64 // next memory / current memory
}

func vectors(t *testing.T, k ipc.Kind) (list []vector, reqs []ipc.Request) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "models", "testdata", k.String()+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		raw, err := hex.DecodeString(list[i].Request)
		if err != nil {
			t.Fatal(err)
		}
		q := ipc.NewRequest(k)
		if rest, err := ipc.ParseRequest(raw, q); err != nil || len(rest) != 0 {
			t.Fatalf("vector %d: ParseRequest: %v, %d bytes left", i, err, len(rest))
		}
		reqs = append(reqs, q)
	}
	if len(list) < 8 {
		t.Fatalf("%d vectors, want at least 8", len(list))
	}
	return list, reqs
}

// near allows for sums of a hundred float32 leaves added in another order.
func near(a, b float64) bool { return math.Abs(a-b) <= 2e-5*(1+math.Abs(b)) }

func TestEngineAnswersLikeONNXRuntime(t *testing.T) {
	for _, k := range ipc.Kinds {
		m := embedded(t, k)
		list, _ := vectors(t, k)
		s := m.NewSession(features.MaxPages)
		for _, v := range list {
			var rows []float32
			for _, r := range v.Rows {
				rows = append(rows, r...)
			}
			if err := s.Run(rows, len(v.Rows)); err != nil {
				t.Fatal(err)
			}
			for i, o := range m.Outputs() {
				want := v.Outputs[o.Name]
				for r, got := range s.Output(i) {
					if !near(float64(got), float64(want[r])) {
						t.Errorf("%v: output %q of row %d = %v, ONNX Runtime says %v", k, o.Name, r, got, want[r])
					}
				}
			}
		}
	}
}

// The rows that serving makes of a request are those that training saw, and
// the predictions are those that training judged.
func TestPredictionsAreThoseOfTraining(t *testing.T) {
	for _, k := range ipc.Kinds {
		t.Run(k.String(), func(t *testing.T) {
			p := predictor(t, k)
			list, reqs := vectors(t, k)
			out := make([]ipc.Prediction, len(reqs))
			if err := p.Predict(reqs, out); err != nil {
				t.Fatal(err)
			}
			for i := range out {
				if err := out[i].Validate(); err != nil {
					t.Errorf("request %d: %v", i, err)
				}
				list[i].check(t, reqs[i], &out[i])
			}
		})
	}
}

func (v *vector) check(t *testing.T, q ipc.Request, got *ipc.Prediction) {
	t.Helper()
	first := func(name string) float64 { return float64(v.Outputs[name][0]) }
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		if v.CPU != nil && (!near(float64(got.Workload.CPU), *v.CPU) || !near(float64(got.Workload.Confidence), first("confidence"))) {
			t.Errorf("%s: %+v, want cpu %v, confidence %v", v.Source, got.Workload, *v.CPU, first("confidence"))
		}
		if v.Mem != nil && !near(float64(got.Workload.Memory), *v.Mem*float64(q.CurrentMemory)) {
			t.Errorf("%s: memory %d, want %v × %d", v.Source, got.Workload.Memory, *v.Mem, q.CurrentMemory)
		}
	case *ipc.FailureRequest:
		if !near(float64(got.Failure.Probability), first("probability")) {
			t.Errorf("%s: %+v, want probability %v", v.Source, got.Failure, first("probability"))
		}
	case *ipc.ThreatRequest:
		if !near(float64(got.Threat.Score), first("probability")) {
			t.Errorf("%s: %+v, want score %v", v.Source, got.Threat, first("probability"))
		}
	case *ipc.MemoryRequest:
		best := float32(0)
		for _, c := range v.Outputs["probability"] {
			best = max(best, c)
		}
		if !near(float64(got.Memory.Probability), float64(best)) {
			t.Errorf("%s: %+v, want probability %v", v.Source, got.Memory, best)
		}
	}
}
