package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/cmd/internal/doctor"
)

// TestDoctorBesideARunningBridge: told of the socket alone it looks where that bridge has its
// API and its models, not where a bridge without settings would.
func TestDoctorBesideARunningBridge(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bridge.sock")
	p := startBridge(t, "--socket", socket, "--http", "127.0.0.1:0", "--models", "embedded")
	out, _ := command(t, "doctor", "--json", "--socket", socket).Output() // its exit status tells of the machine too
	var r doctor.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	said := make(map[string]string)
	for _, f := range r.Findings {
		said[f.Area] += string(f.Level) + ": " + f.Text + "\n"
	}
	if !strings.HasPrefix(said["mld"], "good: not needed") || !strings.Contains(said["http"], p.http) || strings.Contains(said["http"], "nobody answers") {
		t.Errorf("mld: %shttp: %s", said["mld"], said["http"])
	}
}
