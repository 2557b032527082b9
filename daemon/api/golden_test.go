package api

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/vmihailenco/msgpack/v5"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// vector is one file of testdata/golden: a message in both formats.
type vector struct {
	name    string
	kind    ipc.Kind
	answer  bool // else a call
	batch   bool
	slots   int
	json    []byte
	msgpack []byte
}

// goldenVectors builds what the files must hold.
func goldenVectors() (vs []vector) {
	for _, k := range ipc.Kinds {
		full, bare := fullRequest(k, 1<<53+1), bareRequest(k)
		for _, reqs := range [][]ipc.Request{{full}, {bare, full}} {
			batch := len(reqs) > 1
			vs = append(vs, vector{
				name: fmt.Sprintf("%v-call-%d", k, len(reqs)), kind: k, batch: batch, slots: len(reqs),
				json: JSON.AppendCall(nil, k, reqs, batch), msgpack: Msgpack.AppendCall(nil, k, reqs, batch),
			})
		}
		one := Slot{Prediction: fullPrediction(k, 1<<53+1, 60_000)}
		slots := []Slot{one, {Prediction: barePrediction(k)}, {Status: ipc.StatusInvalidArgument, Error: "missing agentId"}}
		for _, a := range []Answer{{Model: "m@1", Latency: 65_031, Slots: slots[:1]}, {Model: "m@1", Latency: 1e6, Slots: slots}} {
			batch := len(a.Slots) > 1
			vs = append(vs, vector{
				name: fmt.Sprintf("%v-answer-%d", k, len(a.Slots)), kind: k, answer: true, batch: batch, slots: len(a.Slots),
				json: JSON.AppendAnswer(nil, &a, batch), msgpack: Msgpack.AppendAnswer(nil, &a, batch),
			})
		}
	}
	return vs
}

// file gives the text of a vector's file: JSON on one line, msgpack in hex.
func (v vector) file() []byte {
	form := "call"
	if v.answer {
		form = "answer"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "kind: %v\nform: %s\nbatch: %v\nslots: %d\njson: %s\nmsgpack:\n", v.kind, form, v.batch, v.slots, v.json)
	for p := v.msgpack; len(p) > 0; {
		n := min(len(p), 32)
		fmt.Fprintf(&b, "%s\n", hex.EncodeToString(p[:n]))
		p = p[n:]
	}
	return b.Bytes()
}

// readVectors parses the committed files.
func readVectors(tb testing.TB) (vs []vector) {
	tb.Helper()
	paths, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no golden files: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		head, body, ok := strings.Cut(string(text), "\nmsgpack:\n")
		if !ok {
			tb.Fatalf("%s: no msgpack", path)
		}
		v := vector{name: strings.TrimSuffix(filepath.Base(path), ".txt")}
		for line := range strings.Lines(head + "\n") {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch key {
			case "kind":
				if v.kind, err = ipc.ParseKind(value); err != nil {
					tb.Fatal(err)
				}
			case "form":
				v.answer = value == "answer"
			case "batch":
				v.batch = value == "true"
			case "slots":
				fmt.Sscan(value, &v.slots)
			case "json":
				v.json = []byte(value)
			}
		}
		if v.msgpack, err = hex.DecodeString(strings.ReplaceAll(body, "\n", "")); err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
		vs = append(vs, v)
	}
	return vs
}

func TestGolden(t *testing.T) {
	want := goldenVectors()
	if *update {
		for _, v := range want {
			if err := os.WriteFile("testdata/golden/"+v.name+".txt", v.file(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := readVectors(t)
	if len(got) != len(want) {
		t.Errorf("%d golden files, want %d", len(got), len(want))
	}
	byName := map[string]vector{}
	for _, v := range got {
		byName[v.name] = v
	}
	for _, v := range want {
		if diff := cmp.Diff(v, byName[v.name], cmp.AllowUnexported(vector{})); diff != "" {
			t.Errorf("%s (-encoded now +committed):\n%s", v.name, diff)
		}
	}
}

// TestGoldenAgree decodes both formats of each vector and compares what they said,
// and asks two independent decoders whether the bytes are what they claim to be.
func TestGoldenAgree(t *testing.T) {
	for _, v := range readVectors(t) {
		if !json.Valid(v.json) {
			t.Errorf("%s: not JSON: %s", v.name, v.json)
		}
		var tree any
		d := msgpack.NewDecoder(bytes.NewReader(v.msgpack))
		if err := d.Decode(&tree); err != nil {
			t.Errorf("%s: not msgpack: %v", v.name, err)
		}
		if rest, _ := d.Buffered().(*bytes.Reader); rest != nil && rest.Len() > 0 {
			t.Errorf("%s: %d bytes behind the value", v.name, rest.Len())
		}
		var sides [2]any
		for i, f := range formats {
			body := pick(f == JSON, string(v.json)) + pick(f == Msgpack, string(v.msgpack))
			got, err := decode(f, v, []byte(body))
			if err != nil {
				t.Fatalf("%s as %v: %v", v.name, f, err)
			}
			sides[i] = got
		}
		if diff := cmp.Diff(sides[0], sides[1], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-json +msgpack):\n%s", v.name, diff)
		}
	}
}

// decode gives the requests or the answer in a body.
func decode(f Format, v vector, body []byte) (any, error) {
	if v.answer {
		var a Answer
		err := f.ParseAnswer(body, v.kind, v.batch, v.slots, &a)
		return a, err
	}
	c := Call{Kind: v.kind, Batch: v.batch}
	err := f.ParseCall(body, &c)
	return c.Requests, err
}

// TestPrefixes cuts every vector short at every byte: always an error, never a
// panic, never an answer with slots in it.
func TestPrefixes(t *testing.T) {
	for _, v := range readVectors(t) {
		for _, f := range formats {
			body := v.json
			if f == Msgpack {
				body = v.msgpack
			}
			for n := range body {
				got, err := decode(f, v, body[:n])
				if err == nil {
					t.Fatalf("%s as %v: the first %d of %d bytes were accepted", v.name, f, n, len(body))
				}
				if a, ok := got.(Answer); ok && len(a.Slots) != 0 {
					t.Fatalf("%s as %v, %d bytes: %d slots beside an error", v.name, f, n, len(a.Slots))
				}
			}
			for _, tail := range []string{"\xc0", "1", "{}", "\x00"} {
				if _, err := decode(f, v, append(bytes.Clone(body), tail...)); err == nil {
					t.Errorf("%s as %v: %q behind the value was accepted", v.name, f, tail)
				}
			}
		}
	}
}
