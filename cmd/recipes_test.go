package cmd_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/bridge/status"
)

// The recipes of the documentation run as they are, against a real bridge: each ends
// well, and the bridge was asked what the recipe is about.
func TestRecipesRun(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir+"/", "../docs/recipes/...")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	chain := startChain(t)
	walk := strings.Repeat("7 0x7f0000001000 r\n7 0x7f0000002000 w\n", 50)
	recipes := []struct {
		name, kind, input string
		args              []string
	}{
		{"cpumanager", "workload", "", []string{"-every", "200ms", "-rounds", "10"}},
		{"tiering", "memory", walk, []string{"-wait", startup.String()}},
		{"threatscore", "threat", strings.Repeat("7 0\n7 257\n", 200), []string{"-wait", startup.String()}},
	}
	// A kernel without pressure stall information has no node health to tell.
	if _, err := os.Stat("/proc/pressure/memory"); err == nil {
		recipes = append(recipes, struct {
			name, kind, input string
			args              []string
		}{"nodehealth", "failure", "", []string{"-every", "200ms", "-rounds", "10"}})
	}
	for _, r := range recipes {
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, r.name), append(r.args, "-socket", chain.socket)...)
		cmd.Stdin = strings.NewReader(r.input)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) == 0 {
			t.Errorf("%s: %v: %s", r.name, err, out)
		}
	}
	resp, err := http.Get(chain.http + "/api/ml/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var d status.Document
	if err := json.NewDecoder(resp.Body).Decode(&d); err != nil {
		t.Fatal(err)
	}
	answers := make(map[string]uint64)
	for _, k := range d.Kinds {
		for _, n := range k.Answers {
			answers[k.Kind] += n
		}
	}
	for _, r := range recipes {
		if answers[r.kind] == 0 {
			t.Errorf("%s ran, and the bridge was asked nothing about %s", r.name, r.kind)
		}
	}
}
