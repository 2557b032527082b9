package translate

import (
	"encoding/json"
	"testing"
)

// texts are JSON values and things that are nearly some; the library is the oracle
// for which is which.
var texts = []string{
	`0`, `-0`, `-1.5e+10`, `1E5`, `00`, `-`, `+1`, `1.`, `.1`, `0x1`, `1e`, `1e+`, `--1`, `1 2`,
	`""`, `"a\\\/\b\f\n\r\t\""`, `"\u0041\ud83d\ude00"`, `"\u12"`, `"\q"`, "\"\t\"", `"`, `"\`, `"\u`,
	`null`, `true`, `false`, `nul`, `nulls`, `True`, ``, ` `, "\f1", "\u00a01",
	`[]`, `[1]`, `[1,2 , "x"]`, `[,]`, `[1,]`, `[1 2]`, `[`, `]`, `[1`, `[[[]]]`,
	`{}`, `{"a":1}`, `{"a":{"b":[]}}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `{`, `}`, `{"a":1`,
	` { "a" : [ 1 , null ] } `, `{"":0}`, `{"a":1}}`, "\xef\xbb\xbf{}", `// x`, `{"a":1}//`,
}

func scanAll(text []byte) error {
	s := scanner{b: text}
	s.skip(0)
	s.end()
	return s.err
}

func TestScannerKnowsJSON(t *testing.T) {
	for _, text := range texts {
		if err := scanAll([]byte(text)); (err == nil) != json.Valid([]byte(text)) {
			t.Errorf("scanning %q: %v, encoding/json says valid = %v", text, err, json.Valid([]byte(text)))
		}
	}
}

// Every prefix of a document is refused and none of them panics.
func TestEveryPrefixIsRefused(t *testing.T) {
	for _, d := range documents {
		for n := range len(d.text) {
			if _, err := DecodeRequest([]byte(d.text[:n]), d.kind); err == nil {
				t.Errorf("%s: the first %d bytes are accepted", d.name, n)
			}
		}
	}
}
