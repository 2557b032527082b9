package registry

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// drawer is a folder that a test brings models to.
type drawer struct {
	t   *testing.T
	dir string
	*Folder
	*Registry
}

func newDrawer(t *testing.T) *drawer {
	d := &drawer{t: t, dir: t.TempDir()}
	d.Folder = Dir(d.dir)
	d.Registry = New(d.Folder, Embedded())
	return d
}

func (d *drawer) write(name string, data []byte) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), data, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// bring adds a workload model that says cpu, whatever it is asked. Everything about it
// is in the manifest: the file is what a converter writes.
func (d *drawer) bring(version string, cpu float32, bend func(e *models.Entry, layer *enginetest.Dense)) {
	d.t.Helper()
	layer := enginetest.Dense{Inputs: 2, Bias: []float32{cpu, 1, 0}}
	e := models.Entry{
		Predictor: "workload", File: version + ".onnx", Name: "mine", Version: version, Features: "fields/1",
		Inputs: []string{"current_cpu", "historical_cpu_0"}, Outputs: []string{"predicted_cpu", "predicted_memory", "predicted_gpu"},
	}
	sure := float32(0.9)
	e.Confidence = &sure
	if bend != nil {
		bend(&e, &layer)
	}
	d.write(e.File, layer.ONNX())
	text, err := json.Marshal(e)
	if err != nil {
		d.t.Fatal(err)
	}
	d.write(version+".manifest.json", text)
}

// serves reloads and gives the label that serves, and what is wrong.
func (d *drawer) serves() (string, error) {
	_ = d.Reload()
	return d.Snapshot().Model(ipc.Workload).Label, d.Snapshot().Problem(ipc.Workload)
}

func (d *drawer) expect(when, label, problem string) {
	d.t.Helper()
	got, err := d.serves()
	if got != label || (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
		d.t.Errorf("%s: %s serves, problem %v; want %s and %q", when, got, err, label, problem)
	}
}
