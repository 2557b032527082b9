package registry

import (
	"strings"
	"testing"
)

// TestTwoKindsWithOneLabel: a decision is about one model, or about none.
func TestTwoKindsWithOneLabel(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.write("memory.manifest.json", []byte(`{"predictor":"memory","file":"1.onnx","name":"mine","version":"1","features":"fields/1"}`))
	const want = "mine@1: 1.manifest.json (file 1.onnx) brings a workload and memory.manifest.json (file 1.onnx) a memory model"
	if err := d.Stop("mine@1"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("one of two was stopped: %v", err)
	}
}
