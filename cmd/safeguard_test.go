package cmd_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// plainModel is a model of one layer on plain fields; the metadata goes into the manifest.
type plainModel struct {
	kind    ipc.Kind
	name    string
	outputs string
	layer   enginetest.Dense
}

// firstHalf are models that have learnt the first half of the source "shift" and nothing
// else: that a program uses what it used last, and that the third page comes next.
func firstHalf() []plainModel {
	return []plainModel{
		{ipc.Workload, "persistence", "predicted_cpu,predicted_memory,predicted_gpu,confidence", enginetest.Dense{
			Inputs: 35, Bias: []float32{0, 0, 0, 1}, Weights: map[[2]int]float32{{32, 0}: 1, {33, 1}: 1},
		}},
		{ipc.Memory, "every-third", "next_page,access_probability", enginetest.Dense{Inputs: 61, Bias: []float32{3, 0.9}}},
	}
}

// writeModels makes a folder for --models.
func writeModels(t *testing.T, version string, models ...plainModel) string {
	t.Helper()
	dir := t.TempDir()
	var manifest []map[string]string
	for _, m := range models {
		file := m.kind.String() + ".onnx"
		m.layer.Metadata = map[string]string{
			"predictor": m.kind.String(), "features": "fields/1", "name": m.name, "version": version, "outputs": m.outputs,
		}
		data := m.layer.ONNX()
		sum := sha256.Sum256(data)
		manifest = append(manifest, map[string]string{
			"predictor": m.kind.String(), "file": file, "name": m.name, "version": version, "features": "fields/1",
			"sha256": hex.EncodeToString(sum[:]),
		})
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAModelThatStopsFittingCostsNothing replays what changes its behaviour half-way
// through a real bridge. The models are right in the first half and wrong in the second:
// they are demoted, the rules decide, and at no moment has what was done been worse by more
// than 2 % than what the rules alone would have done, counted since the start or since the
// change alone.
func TestAModelThatStopsFittingCostsNothing(t *testing.T) {
	b := start(t, "ml-bridge", "--socket", t.TempDir()+"/b.sock", "--http", "127.0.0.1:0", "--models", writeModels(t, "1", firstHalf()...))
	c := mlclient.New(mlclient.Config{Path: b.at.Socket, Thresholds: scenario.Thresholds()})
	defer c.Close()
	if err := c.WaitUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	o, err := scenario.NewObservation(scenario.Config{
		Predictor: c, Budget: 10 * time.Second, Seed: 1,
		For:     time.Hour, // longer than any machine takes: it ends by itself
		Origins: map[ipc.Kind][]source.Origin{ipc.Workload: {source.Shift}, ipc.Memory: {source.Shift}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var r report.Report
	o.AddTo(&r)
	seen, demoted := 0, 0
	for _, e := range r.Effects {
		switch {
		case strings.Contains(e.Name, "worst moment"):
			t.Logf("%s, %s: %+.2f %% (%s)", e.Subsystem, e.Name, e.Value, e.Note)
			if seen++; !(e.Value <= 2) {
				t.Errorf("%s, %s (%s): %.2f %%, want at most 2", e.Subsystem, e.Name, e.Note, e.Value)
			}
		// The memory model is demoted as a whole, the workload model for its cpu.
		case strings.HasSuffix(e.Name, "left to the rule by a demoted model"):
			t.Logf("%s, %s: %.1f %% (%s)", e.Subsystem, e.Name, e.Value, e.Note)
			demoted++
			// The second half, but for what it takes to be sure.
			if e.Value > 50 || e.Value < 50-100*200/24000. {
				t.Errorf("%s, %s: %.1f %%, want half", e.Subsystem, e.Name, e.Value)
			}
		case e.Name == "decided by the model":
			t.Logf("%s, %s: %.1f %% (%s)", e.Subsystem, e.Name, e.Value, e.Note)
			if e.Value < 49 || e.Value > 50+100*200/24000. {
				t.Errorf("%s: the model decided %.1f %%, want half", e.Subsystem, e.Value)
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d effects were followed, want 6: since the start and since the change, of cpu, memory and faults", seen)
	}
	if demoted != 2 {
		t.Errorf("%d subsystems' effects tell of a demotion, want 2", demoted)
	}
	for _, kind := range []string{"workload", "memory"} {
		if !strings.Contains(b.said(), `"kind":"`+kind+`"`) || !strings.Contains(b.said(), "model demoted") {
			t.Errorf("the log does not say that the %s model was demoted", kind)
		}
	}
}

// TestAModelThatDoesNotKnowWhen is right that a component fails, and says a second where it
// takes the minute that the rule says. It goes on answering, with the rule's time in its
// answers, to callers of the socket and of the HTTP API, and of a failure whose time and type
// nobody knows it learns neither.
func TestAModelThatDoesNotKnowWhen(t *testing.T) {
	early := plainModel{ipc.Failure, "early", "failure_probability,predicted_time,confidence", enginetest.Dense{
		Inputs: 41, Bias: []float32{0.9, 1000, 0.9},
	}}
	b := start(t, "ml-bridge", "--socket", t.TempDir()+"/b.sock", "--http", "127.0.0.1:0", "--models", writeModels(t, "1", early))
	c := mlclient.New(mlclient.Config{Path: b.at.Socket, TTL: time.Nanosecond, Thresholds: scenario.Thresholds()})
	defer c.Close()
	if err := c.WaitUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask := func(when ipc.Optional[uint64], unobserved ipc.Targets) ipc.Reply {
		q := &ipc.FailureRequest{Component: "memory", HealthScore: 1, Trend: ipc.TrendCritical}
		var replies [1]ipc.Reply
		if err := c.Predict(t.Context(), []ipc.Request{q}, replies[:], ipc.Options{Budget: 10 * time.Second}); err != nil {
			t.Fatal(err)
		}
		o := ipc.Outcome{PredictionID: replies[0].PredictionID, Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Failure}, Unobserved: unobserved}
		o.Actual.Failure = ipc.FailurePrediction{Probability: 1, PredictedTime: when, Type: ipc.FailureKernel}
		if err := c.Outcomes(t.Context(), []ipc.Outcome{o}); err != nil {
			t.Fatal(err)
		}
		return replies[0]
	}
	for range 300 {
		if r := ask(ipc.Optional[uint64]{}, ipc.TargetFailureType); r.Source == ipc.SourceRule || r.Ruled != 0 || r.Failure.PredictedTime != ipc.Some[uint64](1e9) {
			t.Fatalf("judged by what nobody knows: %v, ruled %b, %+v", r.Source, r.Ruled, r.Failure)
		}
	}
	r := ask(ipc.Some[uint64](60e9), ipc.TargetFailureType)
	for n := 0; r.Ruled == 0; n++ {
		if n == 1000 {
			t.Fatalf("a model that is a second for a minute is trusted: %+v", r)
		}
		r = ask(ipc.Some[uint64](60e9), ipc.TargetFailureType)
	}
	if r.Ruled != ipc.TargetFailureTime || r.Reason != ipc.ReasonDemoted || r.Source == ipc.SourceRule || r.Failure.Probability != 0.9 || r.Failure.PredictedTime != ipc.Some[uint64](60e9) {
		t.Errorf("%v, %v, ruled %b, %+v; want the model's probability and the rule's minute", r.Source, r.Reason, r.Ruled, r.Failure)
	}
	code, body := post(t, "http://"+b.at.HTTP+"/api/ml/predict/failure", `{"component":"memory","health_score":0.99,"current_value":0,"baseline":0,"trend":-2}`)
	if code != http.StatusOK || !strings.Contains(body, `"predicted_time":60000000000`) || !strings.Contains(body, `"ruled":["time"]`) {
		t.Errorf("over HTTP: %d %s", code, body)
	}
	if !strings.Contains(b.said(), `"target":"memory time"`) {
		t.Error("the log does not say what the model was demoted for")
	}
}
