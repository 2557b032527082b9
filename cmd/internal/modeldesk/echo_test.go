package modeldesk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// TestWhatDidNotChangeIsNotSaid: a decision beside broken files is a success in so many words,
// and the log tells of what it changed.
func TestWhatDidNotChangeIsNotSaid(t *testing.T) {
	dir := t.TempDir()
	bring(t, dir, "1")
	bring(t, dir, "2")
	j := &journal{}
	d := New(dir, zerolog.New(j))
	d.Load(true)
	counts := func(when string, loaded, not, tried, well int) {
		t.Helper()
		for text, want := range map[string]int{"model loaded": loaded, "model not replaced": not, "candidate loaded": tried, "nothing is wrong with the other models": well} {
			if n := j.count(text); n != want {
				t.Errorf("%s: %q is said %d times, want %d\n%s", when, text, n, want, &j.text)
			}
		}
	}
	led := func(x Decision, want string) {
		t.Helper()
		v, err := d.Do(x)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(v.led(x, "workload", "mld"), "\n"); !strings.HasPrefix(got, want) || strings.Count(got, "\n") > 1 || strings.Contains(got, "registry") {
			t.Errorf("%+v led to\n%s\nwant %s", x, got, want)
		}
	}
	counts("at the start", 4, 0, 0, 0)
	bring(t, dir, "3")
	if err := os.Truncate(filepath.Join(dir, "3.onnx"), 9); err != nil {
		t.Fatal(err)
	}
	d.Load(false)
	counts("a broken one came", 4, 1, 0, 0)
	at := filepath.Join(dir, "2.onnx")
	led(Decision{What: Try, Model: "mine@1"}, "workload: mine@2 serves, from "+at+"; mine@1 is tried in the shadow\n(a workload model beside it is refused: models list says why)")
	led(Decision{What: Try, Model: "mine@1", Share: 0.5}, "workload: mine@2 serves, from "+at+"; mine@1 answers a share of 0.5\n(a workload model")
	counts("two tries", 4, 1, 2, 0)
	led(Decision{What: Promote, Model: "mine@1"}, "workload: mine@1 serves")
	counts("a promotion", 5, 1, 2, 0)
	for _, name := range []string{"3.onnx", "3.manifest.json"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	d.Load(false)
	counts("the broken one is gone", 5, 1, 2, 1)
}
