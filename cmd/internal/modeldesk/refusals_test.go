package modeldesk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// The daemon itself and who reads its view, over a socket, know the same of a folder, and
// neither knows more than everybody may.
func TestRefusals(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cellar")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d := New(dir, zerolog.Nop())
	look := func(want ...string) {
		t.Helper()
		d.Load(false)
		v, err := d.View()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var far View
		if err := json.Unmarshal(text, &far); err != nil {
			t.Fatal(err)
		}
		for _, r := range []Refusals{d.Refusals(), far.Refusals()} {
			if got := r.Reasons(); !slices.Equal(got, want) || strings.Contains(strings.Join(got, ""), "cellar") {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	spoil := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bring(t, dir, "1")
	look()
	bring(t, dir, "2")
	spoil("2.onnx", "no model")
	look("workload: a model of the folder is refused")
	bring(t, dir, "3")
	spoil("3.onnx", "no model either")
	look("workload: 2 models of the folder are refused")
	spoil("4.manifest.json", "[")
	look("the models' folder cannot be read: what serves goes on serving")
	if err := os.Remove(filepath.Join(dir, "4.manifest.json")); err != nil {
		t.Fatal(err)
	}
	if err := d.folder.Stop("mine@3"); err != nil {
		t.Fatal(err)
	}
	look("workload: a model of the folder is refused")
}
