package scenario_test

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
	"github.com/mlbridge/mlbridge/kernelsim/source"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

var record = flag.Bool("record", false, "write the recorded questions of daemon/registry/recorded anew")

// TestRecordedQuestionsAreTheRecordings: what mld tries models on is what the subsystems
// ask while the recordings are replayed.
func TestRecordedQuestionsAreTheRecordings(t *testing.T) {
	const questions = 48
	for _, k := range ipc.Kinds {
		pool := advice.NewPool(questions, 1)
		o, err := scenario.NewObservation(scenario.Config{
			Traces: traces.FS, Origins: map[ipc.Kind][]source.Origin{k: {source.Trace}}, Pool: pool,
			For: time.Hour, // longer than any machine takes: they end by themselves
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		var want []byte
		for _, q := range pool.Requests(k) {
			want = ipc.AppendRequest(want, q)
		}
		file := "../../daemon/registry/recorded/" + k.String() + ".bin"
		if *record {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 || !bytes.Equal(got, want) {
			t.Errorf("%s differs from what is asked while the recordings are replayed: run this test with -record", file)
		}
	}
}
