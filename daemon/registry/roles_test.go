package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
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

// TestAStateThatCannotBeReadChangesNothing: nobody knows what was decided. Whoever wants to
// decide is told which file it is, what is wrong with it, what goes on and what to do.
func TestAStateThatCannotBeReadChangesNothing(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.bring("2", 0.5, nil)
	d.expect("two", "mine@2", "")
	const good = `{"kinds":{"workload":{"history":["mine@1"],"passed":["mine@2"]}}}`
	for text, want := range map[string]string{
		"":  d.dir + ": state.json: unexpected end of JSON input",
		"{": d.dir + ": state.json: unexpected end of JSON input",
		`{"kinds":{"workload":{"roles":{"mine@1":{"role":"king"}}}}}`: d.dir + `: state.json: workload: mine@1: role "king" is not`,
		`{"kinds":[]}`: d.dir + ": state.json: json: cannot unmarshal array",
	} {
		d.write(stateFile, []byte(text))
		d.expect(text, "mine@2", want)
		for _, err := range []error{d.Promote("mine@1"), d.Try("mine@1", 0), d.Stop("mine@1"), second(d.Rollback(ipc.Workload)), second(d.List())} {
			var whole *UnreadableError
			if !errors.As(err, &whole) {
				t.Errorf("%q: decided, %v", text, err)
				continue
			}
			for _, want := range []string{want, "what serves goes on serving", "put a good copy back, or take it away"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q: %v does not say %q", text, err, want)
				}
			}
		}
		if got, err := os.ReadFile(filepath.Join(d.dir, stateFile)); err != nil || string(got) != text {
			t.Errorf("%q was overwritten: %q, %v", text, got, err)
		}
	}
	d.write(stateFile, []byte(good))
	d.expect("a good copy put back", "mine@1", "")
	d.write(stateFile, nil)
	d.expect("spoilt again", "mine@1", stateFile)
	if err := os.Remove(filepath.Join(d.dir, stateFile)); err != nil {
		t.Fatal(err)
	}
	d.expect("taken away", "mine@1", "")
	if got, err := os.ReadFile(filepath.Join(d.dir, stateFile)); err != nil || !strings.Contains(string(got), "mine@1") {
		t.Errorf("what was remembered is not written again: %s, %v", got, err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestTheStateIsForTheDaemon: an operator decides as root, and the daemon that reads what was
// decided is another user.
func TestTheStateIsForTheDaemon(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.bring("2", 0.5, nil)
	d.expect("two", "mine@2", "")
	if err := d.Promote("mine@1"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(d.dir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o644 {
		t.Errorf("%s has mode %o, which keeps others from reading it", stateFile, mode)
	}
}
