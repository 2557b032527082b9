package registry

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// embeddedEntry gives a built-in model that there is.
func embeddedEntry(t *testing.T) (models.Entry, ipc.Kind, []byte) {
	t.Helper()
	list, err := models.Embedded()
	if err != nil || len(list) == 0 {
		t.Fatalf("%d built-in models, %v", len(list), err)
	}
	k, err := list[0].Kind()
	if err != nil {
		t.Fatal(err)
	}
	data, err := models.Read(list[0])
	if err != nil {
		t.Fatal(err)
	}
	return list[0], k, data
}

// TestEmbedded: every built-in model is accepted.
func TestEmbedded(t *testing.T) {
	list, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	r := New(Embedded())
	_ = r.Reload() // kinds without a built-in model
	for _, e := range list {
		k, err := e.Kind()
		if err != nil {
			t.Fatal(err)
		}
		m := r.Snapshot().Model(k)
		if m == nil {
			t.Errorf("%v: %v", k, r.Snapshot().Problem(k))
			continue
		}
		if m.Label != e.Name+"@"+e.Version || m.Source != "embedded:"+e.File {
			t.Errorf("%v: %q from %q", k, m.Label, m.Source)
		}
	}
}

// TestDir loads a folder, then spoils it in every way and looks at what is said.
func TestDir(t *testing.T) {
	e, k, data := embeddedEntry(t)
	dir := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	manifest := func(list ...models.Entry) []byte {
		b, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	write(e.File, data)
	write("manifest.json", manifest(e))
	r := New(Dir(dir), Embedded())
	_ = r.Reload()
	m := r.Snapshot().Model(k)
	if m == nil || m.Source != dir+"/"+e.File || r.Snapshot().Problem(k) != nil {
		t.Fatalf("%+v, %v", m, r.Snapshot().Problem(k))
	}
	for _, other := range ipc.Kinds {
		if o := r.Snapshot().Model(other); other != k && o != nil && !strings.HasPrefix(o.Source, "embedded:") {
			t.Errorf("%v, which the folder does not have, comes from %s", other, o.Source)
		}
	}

	flipped := append([]byte(nil), data...)
	flipped[len(flipped)/2] ^= 1
	wrong := e
	wrong.Version += "x"
	outside := e
	outside.File = "../" + e.File
	unknown := e
	unknown.Predictor = "weather"
	for _, c := range []struct {
		name     string
		file     []byte
		manifest []byte
		want     string
	}{
		{"a flipped bit", flipped, manifest(e), "sha256"},
		{"a cut file", data[:len(data)/2], manifest(e), "sha256"},
		{"another version", data, manifest(wrong), "the manifest"},
		{"two models", data, manifest(e, e), "manifest.json (file " + e.File + ") and manifest.json (file " + e.File + ") both bring"},
		{"a path out of the folder", data, manifest(outside), "not below"},
		{"an unknown predictor", data, manifest(unknown), "weather"},
		{"no JSON", data, []byte("{"), "manifest"},
		{"a huge manifest", data, make([]byte, maxManifest+1), "too large"},
	} {
		write(e.File, c.file)
		write("manifest.json", c.manifest)
		_ = r.Reload()
		if now := r.Snapshot().Model(k); now != m {
			t.Errorf("%s: the old model was given up for %+v", c.name, now)
		}
		if problem := r.Snapshot().Problem(k); problem == nil || !strings.Contains(problem.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, problem, c.want)
		}
	}
	if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); !errors.Is(err, os.ErrNotExist) || r.Snapshot().Model(k) != m {
		t.Errorf("without a manifest: %v", err)
	}
}

// TestParseHostile: bytes that are no model, with a right checksum, are an error.
func TestParseHostile(t *testing.T) {
	_, k, data := embeddedEntry(t)
	for _, bad := range [][]byte{nil, []byte("onnx"), data[:len(data)-1], make([]byte, 1000)} {
		if p, err := parse(k, &models.Entry{}, bad, nil); err == nil {
			t.Errorf("%d bytes gave %v", len(bad), p.Name())
		}
	}
	for _, other := range ipc.Kinds {
		if other != k {
			if _, err := parse(other, &models.Entry{}, data, nil); err == nil {
				t.Errorf("the %v model passed for a %v model", k, other)
			}
		}
	}
}
