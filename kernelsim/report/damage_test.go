package report

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzReport: what JSON says as a report can be written again, as the same one (what is
// empty may be left out), and shown in every form.
func FuzzReport(f *testing.F) {
	f.Add(write(f, func(b *bytes.Buffer) error { return sample().JSON(b) }))
	f.Add([]byte(`{"schema":"mlbridge.report/1","sources":["a"],"predictions":[{"name":"x","sources":[]}],"timeline":[{"end_s":1}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, back := new(Report), new(Report)
		if json.Unmarshal(text, r) != nil {
			return
		}
		var again bytes.Buffer
		if err := r.JSON(&again); err != nil {
			if strings.Contains(err.Error(), "year outside of range") {
				return // a zone takes the last day of year 9999 out of what JSON can say
			}
			t.Fatal(err)
		}
		err := json.Unmarshal(again.Bytes(), back)
		instants := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
		if diff := cmp.Diff(r, back, instants, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); err != nil || diff != "" {
			t.Fatalf("%v (-first +second):\n%s", err, diff)
		}
		for name, show := range map[string]func(io.Writer) error{"text": r.Text, "color": r.ColorText, "page": r.HTML} {
			if err := show(io.Discard); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}
