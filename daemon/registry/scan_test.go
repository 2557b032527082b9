package registry

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestMarkTellsChanges: by it mld knows when to look again.
func TestMarkTellsChanges(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	_, _ = d.serves()
	mark := d.Mark()
	if d.Mark() != mark {
		t.Error("the mark of an unchanged folder changes")
	}
	d.bring("2", 0.5, nil)
	if d.Mark() == mark {
		t.Error("a new model does not change the mark")
	}
	_, _ = d.serves()
	mark = d.Mark()
	if _, err := d.Rollback(ipc.Workload); err != nil || d.Mark() == mark {
		t.Errorf("a rollback does not change the mark, %v", err)
	}
}

// TestMarkTellsOfWeights: TensorFlow.js wrote them without an ending once, and a folder may
// be called anything.
func TestMarkTellsOfWeights(t *testing.T) {
	for _, file := range []string{"tf/weights.bin", "tf/group1-shard1of1", "tf[1]/weights.bin"} {
		d := newDrawer(t)
		folder, _ := filepath.Split(file)
		if err := os.Mkdir(filepath.Join(d.dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		d.write(folder+"model.json", []byte("{}"))
		d.write(file, []byte("1"))
		d.write("1.manifest.json", []byte(`{"predictor":"workload","file":"`+folder+`model.json","name":"tf","version":"1"}`))
		mark := d.Mark()
		if d.write(file, []byte("12")); d.Mark() == mark {
			t.Errorf("%s: other weights do not change the mark", file)
		}
		mark = d.Mark()
		if d.write(folder+"other.onnx", nil); d.Mark() != mark {
			t.Errorf("%s: another model's file changes the mark", file)
		}
	}
}

// counted counts how often each file is opened.
type counted struct {
	fs.StatFS
	opened map[string]int
}

func (c counted) Open(name string) (fs.File, error) {
	c.opened[name]++
	return c.StatFS.Open(name)
}

// TestALookReadsEachFileOnce: however much is asked of it, a look is of one moment.
func TestALookReadsEachFileOnce(t *testing.T) {
	d := newDrawer(t)
	for _, version := range []string{"1", "2", "3"} {
		d.bring(version, 0.25, nil)
	}
	d.write("manifest.json", []byte("[]"))
	later := time.Now().Add(time.Hour)
	for _, version := range []string{"1", "2", "3"} {
		if err := os.Chtimes(filepath.Join(d.dir, version+".onnx"), later, later); err != nil {
			t.Fatal(err)
		}
	}
	d.expect("before", "mine@3", "")
	files := counted{d.fsys.(fs.StatFS), make(map[string]int)}
	d.fsys = files
	for _, c := range []struct {
		what string
		look func()
	}{
		{"reload", func() { d.expect("reload", "mine@3", "") }},
		{"list", func() { _, _ = d.List() }},
		{"mark", func() { d.Mark() }},
		{"decision", func() { _ = d.Try("mine@1", 0) }},
	} {
		clear(files.opened)
		c.look()
		// The models are young: their times do not tell yet whether they are what they were.
		for _, name := range []string{"manifest.json", "1.manifest.json", "2.manifest.json", "3.manifest.json", "1.onnx", "2.onnx", "3.onnx", stateFile} {
			want := 1
			if c.what == "mark" && !strings.HasSuffix(name, "manifest.json") {
				want = 0
			}
			if got := files.opened[name]; got != want {
				t.Errorf("%s: %s was read %d times, want %d", c.what, name, got, want)
			}
		}
	}
}
