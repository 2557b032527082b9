package predict

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine"
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
	p, err := New(k, embedded(t, k))
	if err != nil {
		t.Fatalf("New(%v): %v", k, err)
	}
	return p
}

// Rows recorded by the training command must get the answers that ONNX Runtime
// gave to them.
func TestModelsAnswerLikeONNXRuntime(t *testing.T) {
	for _, k := range ipc.Kinds {
		t.Run(k.String(), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "models", "testdata", k.String()+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Rows    [][]float32
				Outputs map[string][]float32
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			m := embedded(t, k)
			var rows []float32
			for _, r := range want.Rows {
				rows = append(rows, r...)
			}
			s := m.NewSession(len(want.Rows))
			if err := s.Run(rows, len(want.Rows)); err != nil {
				t.Fatal(err)
			}
			for i, o := range m.Outputs() {
				oracle := want.Outputs[o.Name]
				if len(oracle) != len(want.Rows) {
					t.Fatalf("output %q: %d recorded answers to %d rows", o.Name, len(oracle), len(want.Rows))
				}
				for r, got := range s.Output(i) {
					// Sums of up to a hundred float32 leaves, added in another order.
					if d := math.Abs(float64(got - oracle[r])); d > 2e-5*(1+math.Abs(float64(oracle[r]))) {
						t.Errorf("output %q of row %d = %v, ONNX Runtime says %v", o.Name, r, got, oracle[r])
					}
				}
			}
		})
	}
}
