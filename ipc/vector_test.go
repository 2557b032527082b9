package ipc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const vectorDir = "../testdata/vectors"

// vector is one golden file: what is expected, then the bytes. Its form is
// described in testdata/vectors/README.md.
type vector struct {
	name       string
	fromServer bool
	canonical  bool          // our encoder must write exactly these bytes
	fault      ProtocolFault // what a receiver must say; "" when the frame is good
	want       []expectation
	frame      []byte
}

// expectation is a "key: value" line; values are JSON.
type expectation struct{ key, value string }

// loadVectors reads them all. A missing or empty folder fails: a test that walks
// nothing proves nothing.
func loadVectors(t testing.TB) []vector {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(vectorDir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no vectors in %s", vectorDir)
	}
	vectors := make([]vector, len(paths))
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := parseVector(string(text))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if v.name+".txt" != filepath.Base(path) {
			t.Fatalf("%s: name is %q", path, v.name)
		}
		vectors[i] = v
	}
	return vectors
}

func parseVector(text string) (v vector, err error) {
	head, body, ok := strings.Cut(text, "\n\n")
	if !ok {
		return v, errors.New("no blank line between headers and bytes")
	}
	for line := range strings.Lines(head) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			return v, fmt.Errorf("header %q is not key: value", line)
		}
		switch key {
		case "name":
			v.name = value
		case "about":
		case "direction":
			v.fromServer = value == "server-to-client"
			if !v.fromServer && value != "client-to-server" {
				return v, fmt.Errorf("direction %q", value)
			}
		case "canonical":
			v.canonical = value == "true"
		case "error":
			var s string
			err = json.Unmarshal([]byte(value), &s)
			v.fault = ProtocolFault(s)
		default:
			v.want = append(v.want, expectation{key, value})
		}
		if err != nil {
			return v, fmt.Errorf("header %q: %w", line, err)
		}
	}
	if (v.fault == "") == (len(v.want) == 0) {
		return v, errors.New("want either an error or decoded values")
	}
	v.frame, err = parseHex(body)
	return v, err
}

// parseHex reads hexadecimal bytes; blanks separate, "#" starts a comment.
func parseHex(text string) ([]byte, error) {
	var digits strings.Builder
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(code), ""))
	}
	return hex.DecodeString(digits.String())
}

// payload takes the frame off, with the faults of framing.
func (v *vector) payload() ([]byte, error) {
	payload, rest, _, err := nextFrame(v.frame, DefaultLimits().Frame)
	switch {
	case err != nil:
		return nil, err
	case payload == nil:
		return nil, faultf(FaultTruncated, "the frame is not whole")
	case len(rest) > 0:
		return nil, fmt.Errorf("%d bytes behind the frame", len(rest))
	}
	return payload, nil
}

func (v *vector) decode() (*envelope, error) {
	payload, err := v.payload()
	if err != nil {
		return nil, err
	}
	return decodeEnvelope(payload, v.fromServer)
}

// TestVectors decodes every golden frame, compares every value, and has the
// encoder write the canonical ones again.
func TestVectors(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			m, err := v.decode()
			if v.fault != "" {
				if !errors.Is(err, &ProtocolError{Kind: v.fault}) {
					t.Fatalf("decode = %v, want the fault %s", err, v.fault)
				}
				return
			}
			if err != nil {
				t.Fatalf("decode = %v", err)
			}
			compare(t, m.describe(), v.want)
			if v.canonical {
				b, start := beginFrame(nil)
				if got := endFrame(m.append(b), start); !bytes.Equal(got, v.frame) {
					t.Errorf("encode = % x\n want     % x", got, v.frame)
				}
			}
		})
	}
}

// TestVectorsCover fails when a message or a kind has no golden frame, in which
// case nobody would notice that it changed.
func TestVectorsCover(t *testing.T) {
	seen := map[string]bool{}
	faults := map[ProtocolFault]bool{}
	for _, v := range loadVectors(t) {
		faults[v.fault] = true
		for _, w := range v.want {
			key := w.key[strings.LastIndexByte(w.key, '.')+1:]
			if v.canonical && (key == "message" || key == "kind" || key == "status") {
				seen[w.key[:1]+" "+key+" "+w.value] = true
			}
		}
	}
	for _, name := range []string{"hello", "ping", "pong", "predict", "reply", "error", "outcome", "goaway"} {
		if !seen[fmt.Sprintf("m message %q", name)] {
			t.Errorf("no canonical vector of message %s", name)
		}
	}
	for _, k := range Kinds {
		for what, letter := range map[string]string{"slot": "s", "outcome": "o"} {
			if !seen[fmt.Sprintf("%s kind %q", letter, k)] {
				t.Errorf("no canonical vector of a %s of kind %s", what, k)
			}
		}
	}
	for _, s := range Statuses {
		if !seen[fmt.Sprintf("s status %q", s)] {
			t.Errorf("no canonical vector of a slot with status %s", s)
		}
	}
	for _, f := range specFaults(t) {
		switch f {
		case FaultFrameSlow, FaultSequence, FaultTooMuch: // need a conversation, not a frame
		default:
			if !faults[f] {
				t.Errorf("no vector with the fault %s", f)
			}
		}
	}
}

func compare(t *testing.T, got description, want []expectation) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("%s is missing; decoded:\n%s", want[i].key, got)
		case i >= len(want):
			t.Fatalf("%s is not in the vector; decoded:\n%s", got[i].key, got)
		case got[i].key != want[i].key:
			t.Fatalf("value %d is %s, want %s; decoded:\n%s", i, got[i].key, want[i].key, got)
		}
		d := json.NewDecoder(strings.NewReader(want[i].value))
		d.UseNumber() // a float64 would lose u64 and hide it
		var w any
		if err := d.Decode(&w); err != nil {
			t.Fatalf("%s: %q is not JSON: %v", want[i].key, want[i].value, err)
		}
		if !same(got[i].value, w) {
			t.Errorf("%s = %v, want %s", got[i].key, got[i].value, want[i].value)
		}
	}
}

// same compares a decoded value with the JSON of a vector: integers exactly,
// floats by their 32 bits, so that -0.0 is not 0.0.
func same(got, want any) bool {
	switch g := got.(type) {
	case []any:
		w, ok := want.([]any)
		if !ok || len(w) != len(g) {
			return false
		}
		for i := range g {
			if !same(g[i], w[i]) {
				return false
			}
		}
		return true
	case uint64:
		w, ok := want.(json.Number)
		return ok && strconv.FormatUint(g, 10) == w.String()
	case int64:
		w, ok := want.(json.Number)
		return ok && strconv.FormatInt(g, 10) == w.String()
	case float32:
		w, ok := want.(json.Number)
		if !ok || !strings.ContainsAny(w.String(), ".e") {
			return false
		}
		f, err := strconv.ParseFloat(w.String(), 32)
		return err == nil && math.Float32bits(float32(f)) == math.Float32bits(g)
	}
	return got == want
}
