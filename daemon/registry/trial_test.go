package registry

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestAModelWrittenTwiceInATick: two files of one length and one time are two models.
func TestAModelWrittenTwiceInATick(t *testing.T) {
	for _, age := range []time.Duration{0, settled / 2, -time.Hour} {
		d := newDrawer(t)
		at := time.Now().Add(-age)
		bring := func(cpu float32) {
			t.Helper()
			d.bring("1", cpu, nil)
			if err := os.Chtimes(filepath.Join(d.dir, "1.onnx"), at, at); err != nil {
				t.Fatal(err)
			}
		}
		bring(37)
		_ = d.Reload()
		if err := d.Snapshot().Problem(ipc.Workload); err == nil {
			t.Errorf("%v old: 37 passed for a share", age)
		}
		bring(0.25)
		d.expect("mended in the same tick", "mine@1", "")
		served := d.Snapshot().Model(ipc.Workload)
		if d.expect("looked at again", "mine@1", ""); d.Snapshot().Model(ipc.Workload) != served {
			t.Errorf("%v old: a model that is as it was is another one", age)
		}
	}
}

// TestEachModelIsTriedOnce: validating takes milliseconds, also where a folder has many.
func TestEachModelIsTriedOnce(t *testing.T) {
	d := newDrawer(t)
	for i := range maxTried + 8 {
		d.bring(strconv.Itoa(i), 0.25, nil)
	}
	_ = d.Reload()
	before := maps.Clone(d.tried)
	if len(before) != maxTried+8 {
		t.Fatalf("%d models were tried", len(before))
	}
	_ = d.Reload()
	if !maps.Equal(before, d.tried) {
		t.Error("a look at what is as it was tried models anew")
	}
	// What is no longer there is kept for a while, not for good.
	for i := range maxTried + 8 {
		if err := os.Remove(filepath.Join(d.dir, strconv.Itoa(i)+".manifest.json")); err != nil {
			t.Fatal(err)
		}
	}
	d.bring("new", 0.25, nil)
	d.expect("all others gone", "mine@new", "")
	if len(d.tried) > maxTried+1 {
		t.Errorf("%d trials are kept of a folder with one model", len(d.tried))
	}
}
