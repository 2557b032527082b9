package cmd_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
)

// TestTwoClientsOfOneModel: one follows its agents and tells of their past, and of these the
// model is right; of the other's the rule is. Four questions in five are the first one's.
// Each has what is better for it, and the operator is told which is which.
func TestTwoClientsOfOneModel(t *testing.T) {
	b := start(t, "ml-bridge", "--socket", t.TempDir()+"/b.sock", "--http", "127.0.0.1:0", "--models", writeModels(t, "1", firstHalf()[0]))
	dialled := func() *mlclient.Client {
		c := mlclient.New(mlclient.Config{Path: b.at.Socket, TTL: time.Nanosecond, Thresholds: scenario.Thresholds()})
		t.Cleanup(func() { _ = c.Close() })
		if err := c.WaitUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	following, other := dialled(), dialled()
	agent := uint64(0)
	// The model says that an agent goes on as it is, the rule that it is as it was on average.
	ask := func(c *mlclient.Client) ipc.Reply {
		agent++
		q := &ipc.WorkloadRequest{AgentID: agent, HistoricalCPU: []float32{0.25, 0.3125}, CurrentCPU: 0.3125, CurrentMemory: 1 << 30}
		actual := float32(0.28125)
		if c == following {
			q.CPUPast, actual = []float32{0.0625}, 0.3125
		}
		var replies [1]ipc.Reply
		if err := c.Predict(t.Context(), []ipc.Request{q}, replies[:], ipc.Options{Budget: 10 * time.Second}); err != nil {
			t.Fatal(err)
		}
		o := ipc.Outcome{PredictionID: replies[0].PredictionID, Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Workload}, Unobserved: ipc.TargetMemory}
		o.Actual.Workload.CPU = actual
		if err := c.Outcomes(t.Context(), []ipc.Outcome{o}); err != nil {
			t.Fatal(err)
		}
		return replies[0]
	}
	for n := 0; ; n++ {
		for range 4 {
			if r := ask(following); r.Source != ipc.SourceModel || r.Ruled != 0 || r.Workload.CPU != 0.3125 {
				t.Fatalf("told of a past: %v, ruled %b, %+v; want the model's answer", r.Source, r.Ruled, r.Workload)
			}
		}
		if r := ask(other); r.Ruled == ipc.TargetCPU && r.Reason == ipc.ReasonDemoted && r.Workload.CPU == 0.28125 {
			break
		} else if n == 1000 {
			t.Fatalf("told of none: %v, ruled %b, %+v; want the rule's cpu", r.Source, r.Ruled, r.Workload)
		}
	}

	demoted := map[string]float64{}
	for _, m := range scrape(t, "http://"+b.at.HTTP+"/metrics")["mlbridge_model_demoted"].GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["target"] == "cpu" {
			demoted[labels["with"]] = m.GetGauge().GetValue()
		}
	}
	if len(demoted) != 2 || demoted[""] != 1 || demoted["past"] != 0 {
		t.Errorf("mlbridge_model_demoted of cpu by what is told: %v", demoted)
	}
	var d status.Document
	if code, body := get(t, "http://"+b.at.HTTP+"/api/ml/status"); code != http.StatusOK || json.Unmarshal([]byte(body), &d) != nil {
		t.Fatalf("status: %d %s", code, body)
	}
	if m := d.Kinds[0].Model; m.State != "partly demoted" || strings.Join(m.Ruled, ", ") != "cpu of questions without a past" {
		t.Errorf("status says %+v", m)
	}
	if _, body := get(t, "http://"+b.at.HTTP+"/health"); !strings.Contains(body, "at cpu of questions without a past: there the rule serves") {
		t.Errorf("health says %s", body)
	}
	list, err := exec.Command(filepath.Join(bin, "ml-bridge"), "models", "list", "--admin", b.at.Admin).CombinedOutput()
	if err != nil || !strings.Contains(string(list), "at cpu of questions without a past: there the rule serves") {
		t.Errorf("the list says %v, %s", err, list)
	}
	if said := b.said(); strings.Count(said, "model demoted") != 1 || strings.Contains(said, `"with"`) || !strings.Contains(said, `"without":"past"`) {
		t.Errorf("the log says\n%s", said)
	}
	// What the page has in its banner stands in its list of warnings as well.
	if len(d.Notices) != 1 || d.Notices[0].Level != "warn" || !strings.HasPrefix(d.Notices[0].Text, "model demoted") || !strings.Contains(d.Notices[0].Detail, "without=past") {
		t.Errorf("the page's warnings are %+v", d.Notices)
	}
}
