package registry

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// drawer is a folder that a test brings models to.
type drawer struct {
	t   *testing.T
	dir string
	*Folder
	*Registry
}

func newDrawer(t *testing.T) *drawer {
	d := &drawer{t: t, dir: t.TempDir()}
	d.Folder = Dir(d.dir)
	d.Registry = New(d.Folder, Embedded())
	return d
}

func (d *drawer) write(name string, data []byte) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), data, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// bring adds a workload model that says cpu, whatever it is asked. Everything about it
// is in the manifest: the file is what a converter writes.
func (d *drawer) bring(version string, cpu float32, bend func(e *models.Entry, layer *enginetest.Dense)) {
	d.t.Helper()
	layer := enginetest.Dense{Inputs: 2, Bias: []float32{cpu, 1, 0}}
	e := models.Entry{
		Predictor: "workload", File: version + ".onnx", Name: "mine", Version: version, Features: "fields/1",
		Inputs: []string{"current_cpu", "historical_cpu_0"}, Outputs: []string{"predicted_cpu", "predicted_memory", "predicted_gpu"},
	}
	sure := float32(0.9)
	e.Confidence = &sure
	if bend != nil {
		bend(&e, &layer)
	}
	d.write(e.File, layer.ONNX())
	text, err := json.Marshal(e)
	if err != nil {
		d.t.Fatal(err)
	}
	d.write(version+".manifest.json", text)
}

// serves reloads and gives the label that serves, and what is wrong.
func (d *drawer) serves() (string, error) {
	_ = d.Reload()
	return d.Snapshot().Model(ipc.Workload).Label, d.Snapshot().Problem(ipc.Workload)
}

func (d *drawer) expect(when, label, problem string) {
	d.t.Helper()
	got, err := d.serves()
	if got != label || (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
		d.t.Errorf("%s: %s serves, problem %v; want %s and %q", when, got, err, label, problem)
	}
}

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

// TestBadModelsAreRefused lists what must not serve, and what is said about it.
func TestBadModelsAreRefused(t *testing.T) {
	for want, bend := range map[string]func(*models.Entry, *enginetest.Dense){
		"gives NaN":                  func(e *models.Entry, l *enginetest.Dense) { l.Bias[0], l.Operator = -1, "Sqrt" },
		`operator "Erfinv"`:          func(_ *models.Entry, l *enginetest.Dense) { l.Operator = "Erfinv" },
		"no input is called \"cpu\"": func(e *models.Entry, _ *enginetest.Dense) { e.Inputs[0] = "cpu" },
		"has 2 inputs":               func(e *models.Entry, _ *enginetest.Dense) { e.Inputs = e.Inputs[:1] },
		"this program computes":      func(e *models.Entry, _ *enginetest.Dense) { e.Features, e.Inputs = "workload-0", nil },
		"sha256":                     func(e *models.Entry, _ *enginetest.Dense) { e.SHA256 = strings.Repeat("0", 64) },
		"no output \"confidence\"":   func(e *models.Entry, _ *enginetest.Dense) { e.Confidence = nil },
		"names 1 of them":            func(e *models.Entry, _ *enginetest.Dense) { e.Outputs = e.Outputs[:1] },
		"the manifest":               func(e *models.Entry, l *enginetest.Dense) { l.Metadata = map[string]string{"version": "9"} },
		"predicted_gpu, ram":         func(e *models.Entry, _ *enginetest.Dense) { e.Outputs[1] = "ram" },
		"fields/1":                   func(e *models.Entry, _ *enginetest.Dense) { e.Features, e.Inputs = "fields/9", nil },
	} {
		d := newDrawer(t)
		d.bring("1", 0.25, nil)
		d.expect(want, "mine@1", "")
		d.bring("2", 0.5, bend)
		d.expect(want, "mine@1", want)
		list, err := d.List()
		if err != nil || len(list) != 2 || list[1].Valid || !strings.Contains(list[1].Error, want) || list[0].Role != "serving" || list[0].Single <= 0 {
			t.Errorf("%s: listed as %+v, %v", want, list, err)
		}
	}
}

// TestWhatIsNoFileOfTheFolderIsNotOpened: a pipe would keep the reader for good.
func TestWhatIsNoFileOfTheFolderIsNotOpened(t *testing.T) {
	for file, want := range map[string]string{"pipe": "not a file", "link": "not a file", "sub": "not a file", "/etc/passwd": "not below", "../1.onnx": "not below"} {
		d := newDrawer(t)
		if err := unix.Mkfifo(filepath.Join(d.dir, "pipe"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("pipe", filepath.Join(d.dir, "link")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(d.dir, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
		d.bring("1", 0.25, nil)
		text, err := json.Marshal(models.Entry{Predictor: "workload", File: file, Name: "mine", Version: "2", Features: "fields/1"})
		if err != nil {
			t.Fatal(err)
		}
		d.write("2.manifest.json", text)
		d.expect(file, "mine@1", want)
	}
}

// TestBrokenManifestsChangeNothing: nobody knows what they would have said.
func TestBrokenManifestsChangeNothing(t *testing.T) {
	for want, text := range map[string]string{
		"unexpected":    `{"predictor":`,
		"unknown field": `{"predictor":"workload","file":"1.onnx","name":"x","version":"2","feature":"fields/1"}`,
		"role":          `{"predictor":"workload","file":"1.onnx","name":"x","version":"2","role":"king"}`,
		"share":         `{"predictor":"workload","file":"1.onnx","name":"x","version":"2","role":"share","share":1}`,
		"without the":   `{"predictor":"workload","file":"1.onnx","name":"x","version":"2","share":0.1}`,
		"missing":       `{"predictor":"workload","file":"1.onnx"}`,
		"format":        `{"predictor":"workload","file":"1.onnx","name":"x","version":"2","format":"pickle"}`,
		"several":       `{"predictor":"workload","file":"1.onnx","name":"mine","version":"1"}`,
	} {
		d := newDrawer(t)
		d.bring("1", 0.25, nil)
		d.expect(want, "mine@1", "")
		d.write("new.manifest.json", []byte(text))
		d.expect(want, "mine@1", want)
	}
}

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
		if err := d.Problem(ipc.Workload); err == nil {
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

// TestABadFileInPlaceChangesNothing: what serves goes on serving when its own file is
// written again and is no good, also where an older model could take its place.
func TestABadFileInPlaceChangesNothing(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.expect("the first", "mine@1", "")
	d.bring("2", 0.5, nil)
	d.expect("the second", "mine@2", "")
	served := d.Snapshot().Model(ipc.Workload)
	good, err := os.ReadFile(filepath.Join(d.dir, "2.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("2.onnx", good[:len(good)/2])
	d.expect("cut short", "mine@2", "mine@2")
	if d.Snapshot().Model(ipc.Workload) != served {
		t.Error("cut short: another model serves")
	}
	d.write("2.onnx", good)
	d.expect("mended", "mine@2", "")

	// A process that begins with the bad file has the older model, until the file is good.
	d.write("2.onnx", good[:len(good)/2])
	again := &drawer{t: t, dir: d.dir, Folder: Dir(d.dir)}
	again.Registry = New(again.Folder, Embedded())
	again.expect("started with it", "mine@1", "mine@2")
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
