package tfjs_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/engine/tfjs"
)

// oracle holds models and what TensorFlow.js computes for them; oracle/make.js writes it.
const oracle = "../../../testdata/oracle/tfjs"

// beside reads the weight files of a model of the oracle.
func beside(dir string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) }
}

func load(t testing.TB, dir string) (*engine.Model, error) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	onnx, err := tfjs.Convert(text, beside(dir))
	if err != nil {
		return nil, err
	}
	return engine.Load(onnx, engine.Limits{})
}

func TestAnswersLikeTensorFlowJS(t *testing.T) {
	dirs, err := filepath.Glob(oracle + "/*")
	if err != nil || len(dirs) < 10 {
		t.Fatalf("%d models, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m, err := load(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			var c struct{ Rows, Values [][]float32 }
			text, err := os.ReadFile(filepath.Join(dir, "case.json"))
			if err == nil {
				err = json.Unmarshal(text, &c)
			}
			if err != nil {
				t.Fatal(err)
			}
			s := m.NewSession(len(c.Rows))
			var rows []float32
			for _, r := range c.Rows {
				rows = append(rows, r...)
			}
			if err := s.Run(rows, len(c.Rows)); err != nil {
				t.Fatal(err)
			}
			got, width := s.Output(0), len(c.Values[0])
			for i, want := range c.Values {
				for j, v := range want {
					if d := math.Abs(float64(got[i*width+j] - v)); !(d <= 1e-5*max(1, math.Abs(float64(v)))) {
						t.Errorf("row %d, output %d: %v, TensorFlow.js says %v", i, j, got[i*width+j], v)
					}
				}
			}
		})
	}
}

// bend changes a text of the origin's model and tells what becomes of it.
func TestRefusesWhatItDoesNotUnderstand(t *testing.T) {
	dir := filepath.Join(oracle, "dropout")
	text, err := os.ReadFile(filepath.Join(dir, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		old, new string
		kind     error
		want     string
	}{
		{`"class_name":"Dropout"`, `"class_name":"LSTM"`, engine.ErrUnsupported, "LSTM"},
		{`"activation":"tanh"`, `"activation":"selu"`, engine.ErrUnsupported, "selu"},
		{`"class_name":"Sequential"`, `"class_name":"Transformer"`, engine.ErrUnsupported, "Transformer"},
		{`"format":"layers-model"`, `"format":"graph-model"`, engine.ErrUnsupported, "graph-model"},
		{`"shape":[5,8],"dtype":"float32"`, `"shape":[5,8],"dtype":"int32"`, engine.ErrUnsupported, "int32"},
		{`[null,5]`, `[null,null]`, engine.ErrUnsupported, "no fixed shape"},
		{`[null,5]`, `[null,6]`, engine.ErrMalformed, "has shape [5 8], want [6 8]"},
		{`[null,5]`, `[null,5,2]`, engine.ErrUnsupported, "only Flatten"},
		{`"batch_input_shape":[null,5]`, `"batch":1`, engine.ErrMalformed, "batch_input_shape"},
		{`"shape":[5,8]`, `"shape":[5,1000000000]`, engine.ErrMalformed, "bytes left"},
		{`"shape":[5,8]`, `"shape":[5,-8]`, engine.ErrMalformed, "bytes left"},
		{`"paths":["weights.bin"]`, `"paths":["../dropout/weights.bin"]`, engine.ErrMalformed, "not beside"},
		{`"paths":["weights.bin"]`, `"paths":["nothing.bin"]`, fs.ErrNotExist, "nothing.bin"},
		{`"paths":["weights.bin"]`, `"paths":["weights.bin","weights.bin"]`, engine.ErrMalformed, "bytes behind"},
		{`"modelTopology":`, `"topology":`, engine.ErrMalformed, "no modelTopology"},
		{`{"format"`, `["format"`, engine.ErrMalformed, "model.json"},
	} {
		bent := strings.Replace(string(text), c.old, c.new, 1)
		if bent == string(text) {
			t.Errorf("the model has no %s to replace", c.old)
			continue
		}
		if _, err := tfjs.Convert([]byte(bent), beside(dir)); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %v and %q", c.new, err, c.kind, c.want)
		}
	}
	branched, err := os.ReadFile(filepath.Join(oracle, "functional", "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	if i := strings.LastIndex(string(branched), `"inbound_nodes":[[["`); i > 0 {
		bent := string(branched[:i]) + `"inbound_nodes":[[["elsewhere` + string(branched[i+len(`"inbound_nodes":[[["`):])
		if _, err := tfjs.Convert([]byte(bent), beside(filepath.Join(oracle, "functional"))); !errors.Is(err, engine.ErrUnsupported) || !strings.Contains(err.Error(), "chains") {
			t.Errorf("a branch: %v", err)
		}
	} else {
		t.Error("the functional model has no inbound_nodes")
	}
}

// FuzzConvert: whatever the files say, there is a model that the engine runs, or an error.
func FuzzConvert(f *testing.F) {
	dirs, err := filepath.Glob(oracle + "/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, "model.json"))
		if err != nil {
			f.Fatal(err)
		}
		weights, err := os.ReadFile(filepath.Join(dir, "weights.bin"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, weights)
	}
	f.Fuzz(func(t *testing.T, text, weights []byte) {
		onnx, err := tfjs.Convert(text, func(string) ([]byte, error) { return weights, nil })
		if err != nil {
			return
		}
		m, err := engine.Load(onnx, engine.Limits{Width: 1 << 14})
		if err != nil {
			return
		}
		s := m.NewSession(1)
		if err := s.Run(make([]float32, m.Inputs()), 1); err != nil {
			t.Fatal(err)
		}
	})
}
