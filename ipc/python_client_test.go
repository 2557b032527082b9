package ipc

import (
	"os/exec"
	"testing"
)

// TestPythonClient runs the independent client, which follows PROTOCOL.md and
// shares no code with this package, against the golden vectors and a live server.
func TestPythonClient(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here; the Go tests walk the same vectors")
	}
	backend := &modelBackend{observed: make(chan int, 16)}
	conn := vectorServer(t, backend)()
	cmd := exec.CommandContext(t.Context(), python, "../testdata/client/conformance.py",
		"--vectors", vectorDir, "--socket", conn.RemoteAddr().String())
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
