package registry

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestCandidates: a model may be tried before it serves.
func TestCandidates(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.bring("2", 0.5, func(e *models.Entry, _ *enginetest.Dense) { e.Role = models.RoleShadow })
	d.expect("a shadow", "mine@1", "")
	candidate := func(label string, share float64) {
		t.Helper()
		_, _ = d.serves()
		c := d.Snapshot().Candidate(ipc.Workload)
		if label == "" && c != nil || label != "" && (c == nil || c.Label != label || c.Share != share) {
			t.Errorf("candidate %+v, want %q with %v", c, label, share)
		}
	}
	candidate("mine@2", 0)
	if err := d.Try("mine@2", 0.1); err != nil {
		t.Error(err)
	}
	candidate("mine@2", 0.1)
	if err := d.Try("mine@2", 1); err == nil {
		t.Error("all of the traffic is no share")
	}
	if err := d.Promote("mine@2"); err != nil {
		t.Error(err)
	}
	candidate("", 0)
	d.expect("promoted", "mine@2", "")
	if err := d.Stop("mine@2"); err != nil {
		t.Error(err)
	}
	d.expect("stopped", "mine@1", "")
	candidate("", 0)
	if err := d.Try("mine@9", 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("a model that is not there: %v", err)
	}
}

// TestOneCandidateAtATime: who names a candidate wants that one tried, whichever file is
// newer, and a list that says so.
func TestOneCandidateAtATime(t *testing.T) {
	d := newDrawer(t)
	shadow := func(e *models.Entry, _ *enginetest.Dense) { e.Role = models.RoleShadow }
	d.bring("1", 0.25, nil)
	for i, version := range []string{"2", "3"} {
		d.bring(version, 0.5, shadow)
		at := time.Now().Add(time.Duration(i) * time.Hour)
		if err := os.Chtimes(filepath.Join(d.dir, version+".manifest.json"), at, at); err != nil {
			t.Fatal(err)
		}
	}
	is := func(when, candidate string, roles ...string) {
		t.Helper()
		d.expect(when, "mine@1", "")
		if c := d.Snapshot().Candidate(ipc.Workload); c == nil || c.Label != candidate {
			t.Errorf("%s: %+v is tried, want %s", when, c, candidate)
		}
		list, err := d.List()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range roles {
			if list[i].Role != want {
				t.Errorf("%s: %s is %q, want %q", when, list[i].Model, list[i].Role, want)
			}
		}
	}
	is("two by their manifests", "mine@3", "serving", "waiting", "shadow")
	if err := d.Try("mine@2", 0.1); err != nil {
		t.Fatal(err)
	}
	is("the older by hand", "mine@2", "serving", "share", "off")
	if err := d.Try("mine@3", 0); err != nil {
		t.Fatal(err)
	}
	is("the newer by hand", "mine@3", "serving", "off", "shadow")

	// What was rolled back is not tried either, whatever its manifest says.
	if err := d.Promote("mine@3"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Rollback(ipc.Workload); err != nil {
		t.Fatal(err)
	}
	d.expect("rolled back", "mine@1", "")
	if c := d.Snapshot().Candidate(ipc.Workload); c != nil {
		t.Errorf("rolled back: %s is tried", c.Label)
	}
}

// TestWhatCannotBeReadKeepsTheCandidate: one that was stopped stays so while nobody can read
// what was decided, and one that is tried goes on being tried.
func TestWhatCannotBeReadKeepsTheCandidate(t *testing.T) {
	for file, text := range map[string]string{stateFile: "{", "new.manifest.json": `{"predictor":`} {
		d := newDrawer(t)
		share := func(e *models.Entry, _ *enginetest.Dense) { e.Role, e.Share = models.RoleShare, 0.5 }
		d.bring("1", 0.25, nil)
		d.bring("2", 0.5, share)
		tried := func(when, want string) {
			t.Helper()
			_ = d.Reload()
			got := ""
			if c := d.Snapshot().Candidate(ipc.Workload); c != nil {
				got = c.Label
			}
			if got != want {
				t.Errorf("%s, %s: %q is tried, want %q", file, when, got, want)
			}
		}
		tried("before", "mine@2")
		d.write(file, []byte(text))
		tried("broken", "mine@2")
		if err := os.Remove(filepath.Join(d.dir, file)); err != nil {
			t.Fatal(err)
		}
		if err := d.Stop("mine@2"); err != nil {
			t.Fatal(err)
		}
		tried("stopped", "")
		d.write(file, []byte(text))
		tried("stopped and broken", "")
		if err := os.Remove(filepath.Join(d.dir, file)); err != nil {
			t.Fatal(err)
		}
		tried("stopped and mended", "")
	}
}
