package translate

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

// What is accepted is JSON, is valid by ipc's own rules, and can be written and
// read again as the same value in every form.
func FuzzDecodeRequest(f *testing.F) {
	for _, d := range documents {
		f.Add([]byte(d.text), uint8(d.kind))
	}
	f.Fuzz(func(t *testing.T, text []byte, kind uint8) {
		k := ipc.Kind(kind)
		q, err := DecodeRequest(text, k)
		if err != nil {
			if q != (Question{}) {
				t.Fatalf("an error and a question: %v, %+v", err, q)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("accepted what encoding/json calls invalid: %q", text)
		}
		if err := q.Request.Validate(); err != nil {
			t.Fatalf("accepted what ipc refuses: %v", err)
		}
		for _, form := range []Form{{Address: q.Address}, {Address: q.Address, U64AsString: true}} {
			again, err := AppendRequest(nil, q.Request, form)
			if err != nil {
				t.Fatal(err)
			}
			back, err := DecodeRequest(again, k)
			if err != nil {
				t.Fatalf("wrote %s and refused it: %v", again, err)
			}
			if diff := cmp.Diff(q, back); diff != "" {
				t.Fatalf("%s changed on its way (-first +second):\n%s", again, diff)
			}
		}
	})
}

// The scanner and encoding/json agree on what is JSON, up to what the scanner
// refuses on purpose: deep nesting, broken UTF-8 and half surrogates.
func FuzzScanner(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := scanAll(text); err == nil && !json.Valid(text) {
			t.Fatalf("accepted %q", text)
		} else if err != nil && json.Valid(text) && !refusedOnPurpose(err) {
			t.Fatalf("refused %q: %v", text, err)
		}
	})
}

func refusedOnPurpose(err error) bool {
	for _, why := range []string{"nested deeper", "not UTF-8", "surrogate"} {
		if bytes.Contains([]byte(err.Error()), []byte(why)) {
			return true
		}
	}
	return false
}

func FuzzDecodeOutcomes(f *testing.F) {
	for _, c := range outcomes {
		f.Add([]byte(c.text))
		f.Add([]byte(`{"outcomes":[` + c.text + `]}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := DecodeOutcomes(text, 16)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("accepted what encoding/json calls invalid: %q", text)
		}
		for i := range list {
			again, err := AppendOutcome(nil, &list[i], Form{})
			if err != nil {
				t.Fatal(err)
			}
			back, err := DecodeOutcomes(again, 1)
			if diff := cmp.Diff(list[i:i+1], back); err != nil || diff != "" {
				t.Fatalf("%s: %v (-first +second):\n%s", again, err, diff)
			}
		}
	})
}

// A batch is an answer or an error for the whole, and never more slots than asked.
func FuzzDecodeBatch(f *testing.F) {
	for _, d := range documents {
		f.Add([]byte(`{"requests":[`+d.text+`,{}]}`), uint8(d.kind))
		f.Add([]byte(`{"requests":[`+d.text+`]}`), uint8(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, kind uint8) {
		slots, err := DecodeBatch(text, ipc.Kind(kind%5), 4)
		if (err == nil) == (slots == nil) || len(slots) > 4 {
			t.Fatalf("%d slots, %v", len(slots), err)
		}
		for i := range slots {
			if (slots[i].Err == nil) == (slots[i].Request == nil) {
				t.Fatalf("slot %d: %+v", i, slots[i])
			}
		}
	})
}
