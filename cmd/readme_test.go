package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// readmeProgram is the one of README.md, and bridgesAnswer what it prints of an answer that
// has an id: the client's own rule has none. joinedOne is what the bridge tells of its outcome.
var (
	readmeProgram = regexp.MustCompile("(?s)\n```go\n(.*?)```")
	bridgesAnswer = regexp.MustCompile(`^cpu \d\.\d\d: source=(model|cache) model=workload-\S+ reason="" id=[1-9]\d*\n$`)
	joinedOne     = regexp.MustCompile(`(?m)^mlbridge_outcomes_total\{kind="workload"\} [1-9]`)
)

// TestPythonSnippetRuns: what the README of the client in Python shows runs as it stands, beside
// the files there, on the socket that it finds, and of three questions two have an outcome.
func TestPythonSnippetRuns(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on this machine")
	}
	const folder = "../testdata/client"
	text, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)\n```python\n(.*?)```").FindAllSubmatch(text, -1)
	if len(programs) != 1 {
		t.Fatalf("%s/README.md has %d programs in Python, want one", folder, len(programs))
	}
	chain := startChain(t)
	cmd := exec.CommandContext(t.Context(), python, "-B", "-c", string(programs[0][1]))
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "MLBRIDGE_SOCKET="+chain.socket)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "workload-trees@")+strings.Count(string(out), "rule-workload@") != 3 {
		t.Fatalf("%v: %s", err, out)
	}
	for deadline := time.Now().Add(startup); ; time.Sleep(time.Millisecond) {
		if _, page := get(t, chain.http+"/metrics"); strings.Contains(page, `mlbridge_outcomes_total{kind="workload"} 2`) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("what was reported was not joined to its answers")
		}
	}
}

// TestREADMEProgramRuns: the program of the README compiles as it stands, has an answer of the
// model from the bridge that it finds, and what it reports is joined to that answer. Without a
// bridge the rule answers, and it says what was not reported.
func TestREADMEProgramRuns(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := readmeProgram.FindAllSubmatch(text, -1)
	if len(programs) != 1 {
		t.Fatalf("README.md has %d programs in Go, want one", len(programs))
	}
	dir := t.TempDir()
	file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(file, programs[0][1], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := func(socket string) (said, logged string) {
		t.Helper()
		var out, log strings.Builder
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = append(os.Environ(), "MLBRIDGE_SOCKET="+socket)
		cmd.Stdout, cmd.Stderr = &out, &log
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s%s", err, out.String(), log.String())
		}
		return out.String(), log.String()
	}

	said, logged := run(filepath.Join(dir, "none"))
	if !strings.Contains(said, `source=rule model=rule-workload@1 reason="bridge unavailable" id=0`) ||
		!strings.Contains(logged, "no bridge yet: ") || !strings.Contains(logged, "not reported: ") {
		t.Errorf("without a bridge: %s%s", said, logged)
	}

	chain := startChain(t)
	// On a machine that does ten other things the rule may be sooner.
	for deadline := time.Now().Add(startup); ; {
		said, logged = run(chain.socket)
		if bridgesAnswer.MatchString(said) && logged == "" {
			break
		}
		if strings.Contains(said, "bridge unavailable") && !strings.Contains(logged, "no bridge yet: ") {
			t.Fatalf("it did not wait for the bridge: %s%s", said, logged)
		}
		if time.Now().After(deadline) {
			t.Fatalf("no answer of the model within %v: %s%s", startup, said, logged)
		}
	}
	for deadline := time.Now().Add(startup); ; time.Sleep(time.Millisecond) {
		if _, page := get(t, chain.http+"/metrics"); joinedOne.MatchString(page) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("what the program reported was not joined to its answer")
		}
	}
}
