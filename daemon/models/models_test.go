package models

import (
	"os"
	"path/filepath"
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
	e.SHA256 = strings.ToUpper(e.SHA256)
	if err := e.Verify(data); err != nil {
		t.Errorf("in capital letters, as some tools write them: %v", err)
	}
	data[len(data)/2] ^= 1
	if err := e.Verify(data); err == nil || !strings.Contains(err.Error(), e.File) {
		t.Errorf("changed file: %v", err)
	}
}

const one = `{"predictor":"workload","file":"w.onnx","name":"w","version":"1"}`

func TestManifestNamesItsFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "EOF"},
		{`{}`, "kind"},
		{`[{"predictor":"weather"}]`, "weather"},
		{one + one, "behind its end"},
		{"[" + one + "] ]", "behind its end"},
		{one[:len(one)-1] + `,"role":"king"}`, "king"},
		{one[:len(one)-1] + `,"role":"share","share":1}`, "between 0 and 1"},
		{one[:len(one)-1] + `,"rôle":"serve"}`, "rôle"},
		{"[\n" + one + ",\n" + one[:len(one)-1] + ",\n}]", "line 4: invalid character '}'"},
		{"{\n\"predictor\":\"workload\",\n\"memory_unit\": \"1024\",\n\"file\":\"w\"}", "line 3: json: cannot unmarshal string"},
		{"\n\n[" + one + ",\n", "line 3: unexpected EOF"},
		{"\n{'predictor'", "line 2: invalid character '\\''"},
		{strings.Replace(one, `"name":"w"`, `"name":"\u001b[31mw"`, 1), `name "\x1b[31mw", version "1", file "w.onnx": there is something in it that cannot be printed`},
		{strings.Replace(one, `"version":"1"`, `"version":"1\n2"`, 1), "cannot be printed"},
		{strings.Replace(one, `"w.onnx"`, `"w\u202e.onnx"`, 1), "cannot be printed"},
		{strings.Replace(one, `"name":"w"`, "\"name\":\"w\xff\"", 1), "cannot be printed"},
	} {
		if _, err := ParseManifest([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("manifest %q: %v, want %q", c.text, err, c.want)
		}
	}
	if list, err := ParseManifest([]byte(one + "\n")); err != nil || len(list) != 1 || list[0].Label() != "w@1" {
		t.Errorf("one entry: %+v, %v", list, err)
	}
}

// A picture that no card shows is one that nobody finds.
func TestEveryPictureIsInTheCards(t *testing.T) {
	cards, err := os.ReadFile("CARDS.md")
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := filepath.Glob("pictures/*.svg")
	if err != nil || len(pictures) == 0 {
		t.Fatalf("%d pictures, %v", len(pictures), err)
	}
	for _, p := range pictures {
		if !strings.Contains(string(cards), "("+filepath.ToSlash(p)+")") {
			t.Errorf("CARDS.md does not show %s", p)
		}
	}
}
