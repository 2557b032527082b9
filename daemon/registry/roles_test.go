package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTwoKindsWithOneLabel: a decision is about one model, or about none.
func TestTwoKindsWithOneLabel(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.write("memory.manifest.json", []byte(`{"predictor":"memory","file":"1.onnx","name":"mine","version":"1","features":"fields/1"}`))
	if err := d.Stop("mine@1"); err == nil || !strings.Contains(err.Error(), "another name") {
		t.Errorf("one of two was stopped: %v", err)
	}
}

// TestAStateThatCannotBeReadChangesNothing: nobody knows what was decided.
func TestAStateThatCannotBeReadChangesNothing(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.bring("2", 0.5, nil)
	d.expect("two", "mine@2", "")
	d.write(stateFile, []byte("{"))
	d.expect("a state that is none", "mine@2", "state.json")
}

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
