//go:build ort && linux

package registry

import (
	"os"
	"strings"
	"testing"
)

// TestWhatTheEngineRefusesGoesToONNXRuntime, which has to be named.
func TestWhatTheEngineRefusesGoesToONNXRuntime(t *testing.T) {
	data, err := os.ReadFile("../engine/ort/testdata/gru.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv(ortLibrary) == "" {
		t.Fatalf("tests with the tag ort need %s, the path of libonnxruntime.so", ortLibrary)
	}
	m, err := load(data)
	if err != nil || m.Inputs() != 10 || m.Outputs()[0].Width != 2 || m.Metadata()["name"] != "gru" {
		t.Errorf("%+v, %v", m, err)
	}
	t.Setenv(ortLibrary, "")
	if _, err := load(data); err == nil || !strings.Contains(err.Error(), "unsupported") || !strings.Contains(err.Error(), ortLibrary) {
		t.Errorf("without a library: %v, want one that says so and names %s", err, ortLibrary)
	}
}
