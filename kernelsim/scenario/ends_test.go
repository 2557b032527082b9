package scenario_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
	"github.com/mlbridge/mlbridge/kernelsim/source"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

// impatient ends the run at its nth question, and takes outcomes from whoever is not cancelled.
type impatient struct {
	*advicetest.Model
	n   int
	end context.CancelFunc
}

func (m *impatient) Predict(ctx context.Context, reqs []ipc.Request, replies []ipc.Reply, o ipc.Options) error {
	if m.n -= len(reqs); m.n <= 0 {
		m.end()
	}
	return m.Model.Predict(ctx, reqs, replies, o)
}

func (m *impatient) Outcomes(ctx context.Context, out []ipc.Outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.Model.Outcomes(ctx, out)
}

// TestStoppedHalfWay: no error, no recording is left open, and what happened by then is reported back.
func TestStoppedHalfWay(t *testing.T) {
	for _, k := range ipc.Kinds {
		recordings := &counted{FS: traces.FS}
		ctx, cancel := context.WithCancel(t.Context())
		m := &impatient{&advicetest.Model{Answer: ipctest.ModelReply}, 400, cancel}
		o, err := scenario.NewObservation(scenario.Config{
			Predictor: m, Traces: recordings, Origins: map[ipc.Kind][]source.Origin{k: {source.Trace}}, For: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		if st := o.Status(); st.Share != 0 || st.Predictions[0].Share != 0 {
			t.Errorf("%v: a share of nothing is %v", k, st.Share)
		}
		if err := o.Run(ctx); err != nil || recordings.open != 0 || recordings.opened == 0 {
			t.Errorf("%v: %v, and %d of %d recordings are open", k, err, recordings.open, recordings.opened)
		}
		r := &report.Report{}
		o.AddTo(r)
		if !strings.HasSuffix(r.Effects[0].Note, " outcomes reported") || strings.HasSuffix(r.Effects[0].Note, " 0 outcomes reported") || len(m.Outcome) == 0 {
			t.Errorf("%v: %d outcomes came of %+v", k, len(m.Outcome), r.Effects[0])
		}
		// A page's outcome is the next fault of its program, of which there are five.
		if left := len(m.Asked) - len(m.Outcome); k == ipc.Memory && left != 5 {
			t.Errorf("%d outcomes of %d questions, want all but 5: those that wait are sent though the time is up", len(m.Outcome), len(m.Asked))
		}
		if st := o.Status(); math.IsNaN(st.Share) || st.Elapsed >= time.Hour {
			t.Errorf("%v: %v of the time is over", k, st.Elapsed)
		}
	}
}

// TestEveryOutcomeOfARecordingIsReported, those, too, that do not fill a message at its end:
// of memory all but those of each program's first fault.
func TestEveryOutcomeOfARecordingIsReported(t *testing.T) {
	m := &advicetest.Model{Answer: ipctest.ModelReply}
	observe(t, scenario.Config{Predictor: m, Origins: map[ipc.Kind][]source.Origin{ipc.Memory: {source.Trace}}, For: time.Hour})
	if programs := 5; len(m.Outcome) != len(m.Asked)-programs {
		t.Errorf("%d outcomes of %d questions, want all but %d", len(m.Outcome), len(m.Asked), programs)
	}
}

// TestTimeIsUp of what would go on for ever.
func TestTimeIsUp(t *testing.T) {
	o, _ := observe(t, scenario.Config{Origins: map[ipc.Kind][]source.Origin{ipc.Memory: {source.Synthetic}}, For: 20 * time.Millisecond})
	if st := o.Status(); st.Elapsed != 20*time.Millisecond {
		t.Errorf("%v is over of %v", st.Elapsed, st.Total)
	}
}

// TestADamagedRecordingEndsTheRun of all, and is named: what the others saw goes with it.
func TestADamagedRecordingEndsTheRun(t *testing.T) {
	const name = "failure-host.csv.gz"
	packed, err := fs.ReadFile(traces.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var damaged bytes.Buffer
	w := gzip.NewWriter(&damaged)
	if _, err := w.Write(bytes.Replace(text, []byte(",service,"), []byte(",servant,"), 1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o, err := scenario.NewObservation(scenario.Config{
		Traces:  fstest.MapFS{name: {Data: damaged.Bytes()}},
		Origins: map[ipc.Kind][]source.Origin{ipc.Memory: {source.Synthetic}, ipc.Failure: {source.Trace}}, For: time.Hour,
	})
	if err == nil {
		err = o.Run(t.Context())
	}
	if err == nil || !strings.HasPrefix(err.Error(), "healing (trace): ") || !strings.Contains(err.Error(), "servant") {
		t.Errorf("%v, want the subsystem and what is wrong", err)
	}
}
