package registry

import (
	"slices"
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

// TestRolesOfAFolderThatNobodyServes: as nobody has chosen yet, the list says whom a daemon
// would choose, and it does.
func TestRolesOfAFolderThatNobodyServes(t *testing.T) {
	d := newDrawer(t)
	is := func(when string, want ...string) {
		t.Helper()
		list, err := Dir(d.dir).List()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range list {
			got = append(got, l.Role)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	d.bring("1", 0.25, nil)
	is("one", RoleServing)
	d.bring("2", 0.5, nil)
	is("two", RoleWaiting, RoleServing)
	d.bring("3", 50, nil) // not a share
	is("a bad one beside them", RoleWaiting, RoleServing, RoleInvalid)
	d.expect("a daemon", "mine@2", "predicted_cpu gives 50")
	for range 2 {
		if _, err := Dir(d.dir).Rollback(ipc.Workload); err != nil {
			t.Fatal(err)
		}
	}
	is("both rolled back", RoleRejected, RoleRejected, RoleInvalid)
}
