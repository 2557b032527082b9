package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mlbridge/mlbridge/ipc"
)

// FuzzCall decodes, encodes and decodes again: what was accepted is valid and comes
// back the same in both formats.
func FuzzCall(f *testing.F) {
	for _, v := range readVectors(f) {
		if !v.answer {
			f.Add(v.json, uint8(v.kind), v.batch, true)
			f.Add(v.msgpack, uint8(v.kind), v.batch, false)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, kind uint8, batch, text bool) {
		format := Msgpack
		if text {
			format = JSON
		}
		c := Call{Kind: ipc.Kind(kind), Batch: batch}
		if err := format.ParseCall(body, &c); err != nil {
			if ErrorStatus(err) != ipc.StatusInvalidArgument || ErrorText(err) == "" {
				t.Fatalf("error %v is not the caller's", err)
			}
			return
		}
		if n := len(c.Requests); n < 1 || n > MaxBatch || len(c.Faults) != n || len(c.Forms) != n {
			t.Fatalf("%d requests, %d faults, %d forms", n, len(c.Faults), len(c.Forms))
		}
		var good []ipc.Request
		for i, q := range c.Requests {
			if c.Faults[i] != nil {
				continue
			}
			if err := q.Validate(); err != nil {
				t.Fatalf("slot %d was accepted: %v", i, err)
			}
			good = append(good, q)
		}
		if len(good) == 0 {
			return
		}
		for _, g := range formats {
			if fr, ok := good[0].(*ipc.FailureRequest); ok && g == JSON && !text {
				// JSON cannot carry a name that is not UTF-8.
				if strings.ToValidUTF8(fr.Component, "") != fr.Component {
					continue
				}
			}
			again := Call{Kind: c.Kind}
			if err := g.ParseCall(g.AppendCall(nil, c.Kind, good[:1], false), &again); err != nil {
				t.Fatalf("%v refuses its own encoding: %v", g, err)
			}
			if diff := cmp.Diff(good[:1], again.Requests, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%v (-first +again):\n%s", g, diff)
			}
		}
	})
}

// FuzzAnswer is FuzzCall for answers.
func FuzzAnswer(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.answer {
			f.Add(v.json, uint8(v.kind), v.batch, uint16(v.slots), true)
			f.Add(v.msgpack, uint8(v.kind), v.batch, uint16(v.slots), false)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, kind uint8, batch bool, n uint16, text bool) {
		format := Msgpack
		if text {
			format = JSON
		}
		k := ipc.Kind(kind)
		var a Answer
		if err := format.ParseAnswer(body, k, batch, int(n), &a); err != nil {
			if len(a.Slots) != 0 {
				t.Fatalf("%d slots beside %v", len(a.Slots), err)
			}
			return
		}
		for i := range a.Slots {
			s := &a.Slots[i]
			if !s.Status.Valid() {
				t.Fatalf("slot %d has %v", i, s.Status)
			}
			if s.Status != ipc.StatusOK {
				continue
			}
			if err := s.Prediction.Validate(); err != nil || s.Prediction.Kind != k {
				t.Fatalf("slot %d was accepted: %v", i, err)
			}
			one := Answer{Slots: []Slot{*s}}
			for _, g := range formats {
				var again Answer
				if err := g.ParseAnswer(g.AppendAnswer(nil, &one, false), k, false, 1, &again); err != nil {
					t.Fatalf("%v refuses its own encoding: %v", g, err)
				}
				if diff := cmp.Diff(one, again); diff != "" {
					t.Fatalf("%v (-first +again):\n%s", g, diff)
				}
			}
		}
	})
}

// FuzzJSONGrammar compares the reader's idea of JSON with the standard library's,
// and its strings with theirs.
func FuzzJSONGrammar(f *testing.F) {
	for _, s := range []string{
		`null`, `-0.5e+10`, `[1,2,[true,false]]`, `{"a":{"b":[]},"c":"\u00e9\ud83d\ude00\n"}`, `"\ud800x"`, `01`, `[1,]`, ` "a" `,
		`{"a":1,}`, "\"\x1f\"", `1e`, `-`, `"\u12"`, `[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r jsonReader
		r.reset(body)
		r.skip()
		accepted := r.end() == nil
		deep := r.err != nil && strings.Contains(r.err.Error(), "nested deeper")
		if valid := json.Valid(body); accepted != valid && !deep {
			t.Fatalf("accepted %v (%v), encoding/json says %v", accepted, r.err, valid)
		}
		var want string
		if !accepted || bytes.TrimLeft(body, " \t\r\n")[0] != '"' || json.Unmarshal(body, &want) != nil {
			return
		}
		r.reset(body)
		r.peek()
		// encoding/json repairs what is not UTF-8 while reading, we refuse it later.
		if got := string(bytes.ToValidUTF8(r.string(), []byte("\ufffd"))); got != want && !strings.Contains(want, "\ufffd") {
			t.Fatalf("string %q, encoding/json says %q", got, want)
		}
	})
}
