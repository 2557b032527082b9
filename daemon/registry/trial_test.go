package registry

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/daemon/predict"
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

// TestOnlyWhatIsInUseIsInMemory: a folder collects versions, and they wait on the disk.
func TestOnlyWhatIsInUseIsInMemory(t *testing.T) {
	size := func(waiting int) uint64 {
		d := newDrawer(t)
		d.bring("serves", 0.25, nil)
		d.bring("tried", 0.25, func(e *models.Entry, _ *enginetest.Dense) { e.Role = models.RoleShadow })
		for i := range waiting {
			d.bring(strconv.Itoa(i), 0.25, nil)
			old := time.Now().Add(-time.Duration(1+i) * time.Minute)
			if err := os.Chtimes(filepath.Join(d.dir, strconv.Itoa(i)+".manifest.json"), old, old); err != nil {
				t.Fatal(err)
			}
		}
		before := heap()
		d.expect("all", "mine@serves", "")
		if list, err := d.List(); err != nil || len(list) != waiting+2 {
			t.Fatalf("%d are listed, %v", len(list), err)
		}
		after := heap()
		if c := d.Snapshot().Candidate(ipc.Workload); c == nil {
			t.Error("none is tried")
		}
		return after - min(before, after)
	}
	size(0) // what is there once for all
	const waiting = 2 * maxTried
	few, many := size(0), size(waiting)
	if each := (many - min(few, many)) / waiting; each > 10<<10 { // with what a call needs a model has 80 kB
		t.Errorf("%d bytes for each model that waits", each)
	}
}

// heap is how much is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what had a finalizer
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAModelThatWaitedIsReadAnew: it was tried before, and is not tried again, but where its
// file is not what passed.
func TestAModelThatWaitedIsReadAnew(t *testing.T) {
	for cpu, want := range map[float32]string{0.25: "", 0.75: "", 37: "want a number in [0, 1]"} {
		d := newDrawer(t)
		at := time.Now().Add(-time.Hour)
		bring := func(version string, cpu float32) {
			t.Helper()
			d.bring(version, cpu, nil)
			for _, name := range []string{version + ".onnx", version + ".manifest.json"} {
				if err := os.Chtimes(filepath.Join(d.dir, name), at, at); err != nil {
					t.Fatal(err)
				}
			}
			at = at.Add(time.Second)
		}
		bring("1", 0.25)
		bring("2", 0.5)
		d.expect("two", "mine@2", "")
		before := maps.Clone(d.tried)
		at = at.Add(-2 * time.Second)
		bring("1", cpu) // in its place, of the same length and time
		if err := d.Promote("mine@1"); err != nil {
			t.Fatal(err)
		}
		if want != "" {
			d.expect("a bad one", "mine@2", want)
			continue
		}
		d.expect("promoted", "mine@1", "")
		out := make([]ipc.Prediction, 1)
		if err := d.Snapshot().Model(ipc.Workload).Predict([]ipc.Request{&ipc.WorkloadRequest{}}, out); err != nil || out[0].Workload.CPU != cpu {
			t.Errorf("says %v, %v; want %v", out[0].Workload.CPU, err, cpu)
		}
		if same := maps.Equal(before, d.tried); same != (cpu == 0.25) {
			t.Errorf("a file that says %v: tried once, %v", cpu, same)
		}
	}
}

// TestWhatWasTooSlowIsTriedAgain when somebody wants it; what is no good otherwise is not.
func TestWhatWasTooSlowIsTriedAgain(t *testing.T) {
	for _, was := range []error{predict.ErrSlow, errors.New("bad")} {
		d := newDrawer(t)
		d.bring("1", 0.25, nil)
		all, err := d.scan()
		if err != nil {
			t.Fatal(err)
		}
		mark := all.list[0].mark
		d.tried[mark] = &trial{err: fmt.Errorf("recorded questions: %w: %w", predict.ErrTrial, was)}
		_ = d.Reload()
		if err := d.Snapshot().Problem(ipc.Workload); !errors.Is(err, was) {
			t.Errorf("%v: tried by a look, %v", was, err)
		}
		again := was == predict.ErrSlow
		for _, decided := range []error{d.Try("mine@1", 0), d.Promote("mine@1")} {
			if (decided == nil) != again {
				t.Errorf("%v: %v", was, decided)
			}
		}
		if again {
			d.expect("promoted", "mine@1", "")
		}
	}
}
