package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestAModelServesByBeingThere is the life of a folder.
func TestAModelServesByBeingThere(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.expect("the first", "mine@1", "")
	out := make([]ipc.Prediction, 1)
	if err := d.Snapshot().Model(ipc.Workload).Predict([]ipc.Request{&ipc.WorkloadRequest{}}, out); err != nil ||
		out[0].Workload.CPU != 0.25 || out[0].Workload.Confidence != 0.9 || out[0].Workload.Memory != 1<<30 {
		t.Errorf("%+v, %v", out[0].Workload, err)
	}
	if _, err := os.Stat(filepath.Join(d.dir, stateFile)); err == nil {
		t.Error("a folder with one model was written to")
	}
	d.bring("2", 0.5, nil)
	d.expect("a newer one", "mine@2", "")
	d.bring("3", 37, nil) // percent, perhaps
	d.expect("a bad one", "mine@2", "want a number in [0, 1]")
	if err := d.Promote("mine@3"); err == nil {
		t.Error("a bad model was promoted")
	}
	d.bring("3", 0.75, nil)
	d.expect("the same, mended", "mine@3", "")
	if before, err := d.Rollback(ipc.Workload); before != "mine@2" || err != nil {
		t.Errorf("rolled back to %q, %v", before, err)
	}
	d.expect("rolled back", "mine@2", "")
	d.expect("and the next time it is looked at", "mine@2", "")

	// Another process finds what was decided.
	again := &drawer{t: t, dir: d.dir, Folder: Dir(d.dir)}
	again.Registry = New(again.Folder, Embedded())
	again.expect("after a restart", "mine@2", "")
	if err := again.Promote("mine@3"); err != nil {
		t.Error(err)
	}
	again.expect("promoted by hand", "mine@3", "")
	d.expect("and the first process follows", "mine@3", "")

	for range 3 {
		if _, err := d.Rollback(ipc.Workload); err != nil {
			t.Errorf("rollback: %v", err)
		}
		_, _ = d.serves()
	}
	if got, _ := d.serves(); !strings.HasPrefix(got, "workload-") {
		t.Errorf("all rolled back: %s serves, want the built-in model", got)
	}
	if _, err := d.Rollback(ipc.Workload); !errors.Is(err, ErrUnknown) {
		t.Errorf("nothing left to roll back: %v", err)
	}
}

// TestTheNewestServesHoweverOftenItIsLookedAt: of several models that are there at once the
// older ones have been passed over, and do not come forward one after the other; nor does
// one that served so long ago that nobody knows it did, nor any when another is promoted.
func TestTheNewestServesHoweverOftenItIsLookedAt(t *testing.T) {
	d := newDrawer(t)
	bring := func(version string, age time.Duration) {
		t.Helper()
		d.bring(version, 0.25, nil)
		at := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(d.dir, version+".manifest.json"), at, at); err != nil {
			t.Fatal(err)
		}
	}
	always := func(when, label string) {
		t.Helper()
		for range 4 {
			d.expect(when, label, "")
		}
	}
	restart := func() {
		d.Folder = Dir(d.dir)
		d.Registry = New(d.Folder, Embedded())
	}
	bring("1", 3*time.Hour)
	bring("2", 2*time.Hour)
	bring("3", time.Hour)
	always("three at once", "mine@3")
	restart()
	always("after a restart", "mine@3")
	if err := d.Promote("mine@1"); err != nil {
		t.Fatal(err)
	}
	always("the oldest promoted", "mine@1")
	restart()
	always("after another restart", "mine@1")
	bring("old", 24*time.Hour)
	always("one that came with its time, an old one", "mine@old")
	if _, err := d.Rollback(ipc.Workload); err != nil {
		t.Fatal(err)
	}
	always("rolled back", "mine@1")
	if _, err := d.Rollback(ipc.Workload); err != nil {
		t.Fatal(err)
	}
	always("rolled back again", "mine@3")
	if _, err := d.Rollback(ipc.Workload); err != nil {
		t.Fatal(err)
	}
	always("with none that served", "mine@2")
	for i := range maxGone + 3 {
		version := "v" + string(rune('a'+i))
		bring(version, 0)
		always("one after the other", "mine@"+version)
	}
}
