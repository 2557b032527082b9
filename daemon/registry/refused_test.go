package registry

import (
	"encoding/json"
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
		"1.manifest.json (file 1.onnx) and new.manifest.json (file sub/2.onnx) both bring a workload model mine@1": `{"predictor":"workload","file":"sub/2.onnx","name":"mine","version":"1"}`,
	} {
		d := newDrawer(t)
		d.bring("1", 0.25, nil)
		d.expect(want, "mine@1", "")
		d.write("new.manifest.json", []byte(text))
		d.expect(want, "mine@1", want)
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

// TestTooManyModels: who collects them without an end is told so, and what serves goes on.
func TestTooManyModels(t *testing.T) {
	entries := func(n int) (list []models.Entry) {
		for i := range n {
			list = append(list, models.Entry{Predictor: "workload", File: "none.onnx", Name: "many", Version: strconv.Itoa(i), Role: models.RoleOff})
		}
		return list
	}
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	list := func(n int) {
		t.Helper()
		text, err := json.Marshal(entries(n))
		if err != nil {
			t.Fatal(err)
		}
		d.write("manifest.json", text)
	}
	list(maxModels - 1)
	d.expect("as many as may be", "mine@1", "")
	d.bring("2", 0.5, nil)
	d.expect("one more", "mine@1", "over 1024 models in the folder: take old ones away")
	list(0)
	d.expect("less", "mine@2", "")
	for i := range maxModels {
		d.write("x"+strconv.Itoa(i)+".manifest.json", []byte("["))
	}
	d.expect("more manifests", "mine@2", "1027 manifests, at most 1024")
}

// TestManyProblemsAreToldInFew: an upgrade may refuse all models of before at once.
func TestManyProblemsAreToldInFew(t *testing.T) {
	d := newDrawer(t)
	d.bring("good", 0.25, nil)
	for i := range 20 {
		d.bring(strconv.Itoa(10+i), 37, nil)
		at := time.Now().Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(filepath.Join(d.dir, strconv.Itoa(10+i)+".manifest.json"), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, serves := range []string{"mine@good", ""} {
		if serves != "" {
			d.expect("one good", serves, "and 16 more: models list says")
		} else if err := d.Stop("mine@good"); err != nil {
			t.Fatal(err)
		}
		_ = d.Reload()
		if n := d.Snapshot().Refused(ipc.Workload); n != 20 {
			t.Errorf("%d are refused, want 20", n)
		}
		text := d.Snapshot().Problem(ipc.Workload).Error()
		if lines := strings.Count(text, "\n") + 1; lines != 5 || !strings.Contains(text, "mine@29: ") || strings.Contains(text, "mine@25: ") {
			t.Errorf("%d lines, not of the newest four: %s", lines, text)
		}
	}
	if list, err := d.List(); err != nil || len(list) != 21 || list[3].Error == "" {
		t.Errorf("%d are listed, %v", len(list), err)
	}
}
