package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
	"github.com/mlbridge/mlbridge/kernelsim/source"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

// TestAnybodyCanComputeTheEffects from what the bridge recorded and the traces: the
// subsystems run on the shipped models, and a program that shares no code with them comes
// to the same figures.
func TestAnybodyCanComputeTheEffects(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on this machine")
	}
	for range 5 {
		recording, file := reportAndRecording(t)
		cmd := exec.CommandContext(t.Context(), python, "-B", "../testdata/client/effects.py", recording, file)
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), "has a gap") {
			continue // its writer was put to sleep at the wrong moment
		}
		const figures = 45 // but for the procedures by name, and what a demoted model left
		if n := strings.Count(string(out), "ok  "); err != nil || n != figures {
			t.Errorf("%v, and %d figures are the same, want %d\n%s", err, n, figures, out)
		}
		return
	}
	t.Error("no recording without a gap")
}

// reportAndRecording lets the subsystems run on all recorded programs.
func reportAndRecording(t *testing.T) (recording, file string) {
	t.Helper()
	dir := t.TempDir()
	recording, file = filepath.Join(dir, "recording"), filepath.Join(dir, "report.json")
	b := start(t, "ml-bridge", "--socket", dir+"/b.sock", "--http", "127.0.0.1:0", "--models", "embedded", "--record", recording, "--record-ids", "plain")
	c := mlclient.New(mlclient.Config{Path: b.at.Socket, Thresholds: scenario.Thresholds()})
	defer c.Close()
	if err := c.WaitUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorded := []source.Origin{source.Trace}
	o, err := scenario.NewObservation(scenario.Config{
		Predictor: c, Traces: traces.FS, Budget: time.Minute, For: time.Hour, // longer than any machine takes
		Origins: map[ipc.Kind][]source.Origin{ipc.Workload: recorded, ipc.Failure: recorded, ipc.Memory: recorded, ipc.Threat: recorded},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := report.New("effects")
	o.AddTo(r)
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.JSON(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b.signal(syscall.SIGTERM)
	if code := b.end(); code != 0 {
		t.Fatalf("exit code %d, want 0", code)
	}
	return recording, file
}
