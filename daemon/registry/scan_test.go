package registry

import (
	"os"
	"path/filepath"
	"testing"

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
