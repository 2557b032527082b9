package translate

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// Strings are read as encoding/json reads them, but that half of a pair is refused: a component's name is what its outcome is
// joined by.
func TestTextIsRead(t *testing.T) {
	for _, text := range []string{
		`""`, `"plain"`, `"\"\\\/\b\f\n\r\t"`, `"\u0000\u001f\u0041\u00e9\u20ac\uFFFD"`, `"\uABCD\uabcd\u09aF"`,
		`"\ud83d\ude00"`, `"é€😀"`, "\"\u2028\u2029\x7f\"",
	} {
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		s := scanner{b: []byte(text)}
		got := s.text()
		if s.end(); s.err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, s.err, want)
		}
	}
	for _, text := range []string{
		`"`, `"\`, `"\"`, `"\x"`, `"\u"`, `"\u1"`, `"\u12"`, `"\u123"`, `"\u123`, `"\u123g"`, `"\u 123"`, `"\u+123"`, `"\ud83d\u"`, `"\ud83d\u12"`,
		`"\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, // half of a pair
		"\"\x00\"", "\"\x1f\"", "\"\\n\x1f\"", "\"\n\"", `'a'`, `a`,
	} {
		s := scanner{b: []byte(text)}
		if got := s.text(); s.err == nil {
			t.Errorf("%q: read as %q, want an error", text, got)
		}
	}
}

// Strings are written so that any reader of JSON has them back, what JavaScript takes for
// the end of a line included.
func TestTextIsWritten(t *testing.T) {
	var all strings.Builder
	for r := rune(0); r < 0x800; r++ {
		all.WriteRune(r)
	}
	all.WriteString("\u2027\u2028\u2029\u202a😀")
	w := writer{}
	w.text(all.String())
	var got string
	if err := json.Unmarshal(w.b, &got); err != nil || got != all.String() {
		t.Errorf("%s: %v", w.b, err)
	}
	for _, raw := range []string{"\x00", "\x1f", "\n", "\u2028", "\u2029"} {
		if strings.Contains(string(w.b), raw) {
			t.Errorf("%q stands as it is in %s", raw, w.b)
		}
	}
}

// "Never" is null, on the way in and out, and the number before it is a number.
func TestNeverIsNull(t *testing.T) {
	for v, want := range map[uint64]string{0: "0", math.MaxUint64 - 1: "18446744073709551614", ipc.Never: "null"} {
		for _, q := range []ipc.Request{
			&ipc.ThreatRequest{TimeSinceLastThreat: v},
			&ipc.FailureRequest{Component: "c", TimeSinceLastFailure: v},
		} {
			text, err := AppendRequest(nil, q, Form{})
			if err != nil || !strings.Contains(string(text), `":`+want) || (want != "null") == strings.Contains(string(text), "null") {
				t.Errorf("%d: %s, %v; want %s", v, text, err, want)
			}
		}
	}
}
