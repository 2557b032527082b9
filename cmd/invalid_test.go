package cmd_test

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestAModelWithoutANumberForSome passes its trial and knows no cpu of agents of 1 GiB and
// more: √(0.995 - GiB). These have the rule, with the reason, also among others in one
// message; the others have the model's answer, and nobody takes the model for one that fails.
func TestAModelWithoutANumberForSome(t *testing.T) {
	for name := range shapes(t, "") {
		t.Run(name, func(t *testing.T) {
			layer := enginetest.Dense{
				Inputs: 35, Bias: []float32{0.995, 0, 0, 0.81}, Operator: "Sqrt",
				Weights: map[[2]int]float32{{33, 0}: -1, {33, 1}: 1},
			}
			models := writeModels(t, "1", plainModel{ipc.Workload, "sqc", "predicted_cpu,predicted_memory,predicted_gpu,confidence", layer})
			b := shapes(t, models)[name](t)
			c := dial(t, b.at.Socket)
			about := func(agent, memory uint64) ipc.Request {
				return &ipc.WorkloadRequest{AgentID: agent, CurrentCPU: 0.5, CurrentMemory: memory}
			}
			if r := until(t, c, about(1, 1<<29), ipc.SourceModel); r.Model != "sqc@1" || r.Workload.Memory == 0 {
				t.Errorf("of a small agent: %+v", r)
			}
			if r := one(t, c, about(2, 2<<30), startup); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonInvalidOutput || r.Workload.CPU != 0.5 {
				t.Errorf("of a large agent: %+v, want the rule for invalid output", r)
			}
			reqs, replies := make([]ipc.Request, 64), make([]ipc.Reply, 64)
			for i := range reqs {
				reqs[i] = about(uint64(i)+10, [...]uint64{1 << 29, 3 << 30}[i%2])
			}
			if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: startup}); err != nil {
				t.Fatal(err)
			}
			for i, r := range replies {
				if want := [...]ipc.Source{ipc.SourceModel, ipc.SourceRule}[i%2]; r.Source != want || (r.Reason == ipc.ReasonInvalidOutput) != (i%2 == 1) {
					t.Errorf("slot %d: %v (%v), want %v", i, r.Source, r.Reason, want)
				}
			}
			code, body := post(t, "http://"+b.at.HTTP+"/api/ml/predict/workload?require=model",
				`{"agent_id":3,"time_of_day":1,"day_of_week":1,"current_cpu":0.5,"current_memory":4294967296}`)
			if code != http.StatusServiceUnavailable || !strings.Contains(body, "invalid output") {
				t.Errorf("who insists on the model: %d %s", code, body)
			}
			m := scrape(t, "http://"+b.at.HTTP+"/metrics")
			for name, want := range map[string]float64{"mlbridge_invalid_outputs_total": 34, "mlbridge_upstream_failures_total": 0} {
				for _, series := range m[name].GetMetric() {
					if series.GetLabel()[0].GetValue() == "workload" && series.GetCounter().GetValue() != want {
						t.Errorf("%s is %v, want %v", name, series.GetCounter().GetValue(), want)
					}
				}
			}
			listed := func() string { // the bridge asks an mld for it from time to time
				list, _ := exec.Command(filepath.Join(bin, "ml-bridge"), "models", "--admin", b.at.Admin, "list").CombinedOutput()
				return string(list)
			}
			for end := time.Now().Add(startup); !strings.Contains(listed(), "sqc@1 serves, from "+models+"/workload.onnx, 34 invalid outputs"); {
				if time.Now().After(end) {
					t.Fatalf("models list: %s", listed())
				}
			}
			if name == "hosted" && !strings.Contains(b.said(), `"model":"sqc@1","questions":1,"reason":"output predicted_cpu gives NaN"`) {
				t.Error("the log does not say which model gave what")
			}
		})
	}
}
