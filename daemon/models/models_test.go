package models

import (
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// maxFile bounds an embedded model: all four are part of every binary.
const maxFile = 512 << 10

func TestEveryKindHasAVerifiedModel(t *testing.T) {
	for _, k := range ipc.Kinds {
		e, data, err := Default(k)
		if err != nil {
			t.Errorf("%v: %v", k, err)
			continue
		}
		if len(data) == 0 || len(data) > maxFile {
			t.Errorf("%v: %d bytes, want 1-%d", k, len(data), maxFile)
		}
		if e.Terms != "free" {
			t.Errorf("%v: terms %q: only free models are embedded", k, e.Terms)
		}
		if n := len(e.Name) + 1 + len(e.Version); n > ipc.MaxModelBytes {
			t.Errorf("%v: name@version of %d bytes, a reply carries %d", k, n, ipc.MaxModelBytes)
		}
	}
}

func TestVerifyRefusesAChangedFile(t *testing.T) {
	e, data, err := Default(ipc.Failure)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := e.Verify(data); err == nil || !strings.Contains(err.Error(), e.File) {
		t.Errorf("changed file: %v", err)
	}
}

func TestManifestNamesItsFaults(t *testing.T) {
	for _, bad := range []string{``, `{}`, `[{"predictor":"weather"}]`} {
		if _, err := ParseManifest([]byte(bad)); err == nil {
			t.Errorf("manifest %q passed", bad)
		}
	}
}
