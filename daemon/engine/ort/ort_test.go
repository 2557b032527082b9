//go:build ort && linux

package ort

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine"
)

// libraryPath is where ONNX Runtime is; without it there is nothing to test.
func libraryPath(t *testing.T) string {
	path := os.Getenv("MLBRIDGE_ORT_LIBRARY")
	if path == "" {
		t.Fatal("tests with the tag ort need MLBRIDGE_ORT_LIBRARY, the path of libonnxruntime.so")
	}
	return path
}

const vectors = "../../../testdata/oracle"

// TestOracle runs the engine's own vectors: what ONNX Runtime computed when they were
// made. Those with strings or lists as outputs cannot be had as float32.
func TestOracle(t *testing.T) {
	path := libraryPath(t)
	files, err := filepath.Glob(filepath.Join(vectors, "*.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".onnx")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Load(path, data)
		if errors.Is(err, engine.ErrUnsupported) {
			t.Logf("%s: %v", name, err)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		compared++
		check(t, strings.TrimSuffix(file, ".onnx"), m)
	}
	t.Logf("%d of %d compared", compared, len(files))
	if compared < 35 {
		t.Errorf("%d of %d compared, want at least 35", compared, len(files))
	}
}

func check(t *testing.T, name string, m *engine.Model) {
	text, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Rows    [][]*float32
		Outputs []struct {
			Name   string
			Values [][]*float32
		}
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	s := m.NewSession(len(c.Rows))
	if err := s.Run(flat(c.Rows), len(c.Rows)); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for i, want := range c.Outputs {
		got, values := s.Output(i), flat(want.Values)
		if o := m.Outputs()[i]; o.Name != want.Name || len(got) != len(values) {
			t.Errorf("%s: output %+v of %d values, want %s of %d", name, o, len(got), want.Name, len(values))
			continue
		}
		for j, v := range values {
			if d := math.Abs(float64(got[j]) - float64(v)); d > 1e-5*max(1, math.Abs(float64(v))) || got[j] != got[j] && v == v {
				t.Errorf("%s: %s[%d] = %v, want %v", name, want.Name, j, got[j], v)
				break
			}
		}
	}
}

func flat(rows [][]*float32) (out []float32) {
	for _, row := range rows {
		for _, v := range row {
			if v == nil {
				out = append(out, float32(math.NaN()))
			} else {
				out = append(out, *v)
			}
		}
	}
	return out
}

// TestARecurrentNet is beyond the engine's subset, and what this package is for.
func TestARecurrentNet(t *testing.T) {
	data, err := os.ReadFile("testdata/gru.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Load(data, engine.Limits{}); !errors.Is(err, engine.ErrUnsupported) {
		t.Fatalf("the engine: %v, want %v", err, engine.ErrUnsupported)
	}
	m, err := Load(libraryPath(t), data)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "testdata/gru", m)
}

// TestMetadataAndManyCallersAtOnce with the embedded failure model, which has both.
func TestMetadataAndManyCallersAtOnce(t *testing.T) {
	data, err := os.ReadFile("../../models/failure.onnx")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(libraryPath(t), data)
	if err != nil {
		t.Fatal(err)
	}
	own, err := engine.Load(data, engine.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range own.Metadata() {
		if got := m.Metadata()[key]; got != want {
			t.Errorf("metadata %s is %q, want %q", key, got, want)
		}
	}
	row := make([]float32, m.Inputs())
	want := own.NewSession(1)
	if err := want.Run(row, 1); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			s := m.NewSession(1)
			for range 50 {
				if err := s.Run(row, 1); err != nil {
					t.Error(err)
					return
				}
				if got := s.Output(0)[0]; math.Abs(float64(got-want.Output(0)[0])) > 1e-5 {
					t.Errorf("%v, want %v", got, want.Output(0)[0])
				}
			}
		})
	}
	wait.Wait()
}

func TestWhatIsNoModelIsRefused(t *testing.T) {
	path := libraryPath(t)
	for _, data := range [][]byte{nil, []byte("no model"), make([]byte, 1000)} {
		if _, err := Load(path, data); !errors.Is(err, engine.ErrMalformed) {
			t.Errorf("%d bytes: %v, want %v", len(data), err, engine.ErrMalformed)
		}
	}
}
