package modeldesk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestWhatServesWhereNothingIsLeft: a decision that leaves a folder without a model to serve
// says that the built-in one does, the next rollback that there is nothing to roll back, and
// a daemon does as was said.
func TestWhatServesWhereNothingIsLeft(t *testing.T) {
	const builtIn = "workload: no model of the folder serves: the built-in one does\n"
	for _, c := range []struct {
		x        Decision
		versions string // of the folder's models; one with an x is bad
		says     bool
	}{
		{Decision{What: Rollback, Kind: "workload"}, "1", true},
		{Decision{What: Rollback, Kind: "workload"}, "1 x2", true},
		{Decision{What: Rollback, Kind: "workload"}, "1 2", false},
		{Decision{What: Stop, Model: "mine@1"}, "1", true},
		{Decision{What: Stop, Model: "mine@1"}, "1 2", false},
		{Decision{What: Stop, Model: "mine@1"}, "1 x2", false}, // which a daemon may serve from memory
	} {
		dir := t.TempDir()
		for _, version := range strings.Fields(c.versions) {
			bring(t, dir, version)
			if version[0] == 'x' {
				if err := os.WriteFile(filepath.Join(dir, version+".onnx"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		shelf := Dir(dir)
		v, err := shelf.Do(c.x)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(v.led(c.x, "workload", "mld"), "\n") + "\n"
		if strings.Contains(got, builtIn) != c.says || !strings.HasSuffix(got, ": an mld that serves it follows within two seconds\n") {
			t.Errorf("%+v of %s led to\n%s", c.x, c.versions, got)
		}
		d := New(dir, zerolog.Nop())
		d.Load(true)
		if source := d.Registry().Snapshot().Model(ipc.Workload).Source; c.says && !strings.HasPrefix(source, "embedded:") {
			t.Errorf("%+v of %s: then %s serves", c.x, c.versions, source)
		}
		if !c.says {
			continue
		}
		again := Decision{What: Rollback, Kind: "workload"}
		for _, k := range []Keeper{shelf, d} {
			before, err := k.View()
			if err != nil {
				t.Fatal(err)
			}
			const want = "workload: no model of the folder serves: there is nothing to roll back, and the built-in model serves already"
			if _, err := k.Do(again); err == nil || before.suggest(again, err).Error() != want {
				t.Errorf("%T, %+v of %s, and again: %v", k, c.x, c.versions, before.suggest(again, err))
			}
		}
	}
}
