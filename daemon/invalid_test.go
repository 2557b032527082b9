package daemon

import (
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/predict"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// doubtful repeats the cpu, of which it has no number above 0.5 and one out of range at 0.5.
type doubtful struct{ version string }

func (doubtful) Name() string      { return "doubtful" }
func (d doubtful) Version() string { return d.version }
func (doubtful) Predict(reqs []ipc.Request, out []ipc.Prediction) error {
	var none predict.InvalidError
	for i, q := range reqs {
		w, ok := q.(*ipc.WorkloadRequest)
		switch {
		case !ok:
			_ = echo(q, &out[i])
		case w.CurrentCPU > 0.5:
			none.Faults = append(none.Faults, predict.Fault{Question: i, Output: "predicted_cpu", Value: float32(math.NaN())})
		case w.CurrentCPU == 0.5:
			out[i].Workload = ipc.WorkloadPrediction{CPU: 37}
		default:
			_ = echo(q, &out[i])
		}
	}
	if len(none.Faults) > 0 {
		return &none
	}
	return nil
}

// TestAnAnswerThatIsNoNumberIsAnError of its own slot, and of the call where that is all it
// has; it is counted, told to whoever logs, and shown.
func TestAnAnswerThatIsNoNumberIsAnError(t *testing.T) {
	type told struct {
		Model string
		N     int
		Why   string
	}
	var mu sync.Mutex
	var heard []told
	r := start(t, doubtful{"1"}, Options{})
	r.registry.OnInvalid = func(m *registry.Model, n int, why string) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, told{m.Label, n, why})
	}
	c := r.client(t, false)
	ask := func(path, body string, code int) map[string]any {
		t.Helper()
		status, _, answer := r.do(t, c, http.MethodPost, path, "application/json", []byte(body))
		if status != code {
			t.Errorf("%s: %d %s, want %d", path, status, answer, code)
		}
		return tree(t, answer)
	}
	about := func(cpu string) string {
		return `{"agentId":1,"timeOfDay":1,"dayOfWeek":1,"currentMemory":7,"currentCpu":` + cpu + `}`
	}
	const none, far = "model doubtful@1: output predicted_cpu gives NaN", "model doubtful@1: predicted_cpu: 37 is outside [0, 1]"
	single, batch := api.PredictPath(ipc.Workload, false), api.PredictPath(ipc.Workload, true)
	ask(single, about("0.25"), 200)
	for cpu, want := range map[string]string{"1": none, "0.5": far} {
		if diff := cmp.Diff(map[string]any{"success": false, "error": want}, ask(single, about(cpu), 500)); diff != "" {
			t.Errorf("cpu %s (-want +got):\n%s", cpu, diff)
		}
	}
	ok := map[string]any{"predictedCpu": 0.25, "predictedMemory": 7.0, "predictedGpu": nil, "confidence": 1.0}
	failed := func(why, status string) map[string]any { return map[string]any{"error": why, "status": status} }
	got := ask(batch, `{"features":[`+about("0.25")+`,{},`+about("1")+`,`+about("0.25")+`,`+about("0.5")+`,`+about("0.75")+`]}`, 200)
	want := []any{ok, failed("agentId: missing", "invalid argument"), failed(none, "internal"), ok, failed(far, "internal"), failed(none, "internal")}
	if diff := cmp.Diff(want, got["predictions"]); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
	r.counted(t, 4)
	mu.Lock()
	first := strings.TrimPrefix(none, "model doubtful@1: ")
	if len(heard) != 3 || heard[2] != (told{"doubtful@1", 3, first}) {
		t.Errorf("told %+v, want two single ones and then 3, %q", heard, first)
	}
	mu.Unlock()
	if m := r.Metrics(ipc.Workload); m.Calls != 4 || m.Predictions != 3 || m.Errors != 6 {
		t.Errorf("%+v, want 3 predictions and 6 errors in 4 calls", m)
	}
	if h := r.Health().Models["workload"]; h.Invalid != 5 || h.LastInvalid != first {
		t.Errorf("health: %+v", h)
	}
	if h := r.Health().Models["threat"]; h.Invalid != 0 || h.LastInvalid != "" {
		t.Errorf("health of another kind: %+v", h)
	}
	_, _, body := r.do(t, c, http.MethodGet, api.PathPrometheus, "", nil)
	for _, line := range []string{`mld_invalid_outputs_total{kind="workload",model="doubtful@1"} 5`, `mld_invalid_outputs_total{kind="memory",model="doubtful@1"} 0`} {
		if !strings.Contains(string(body), line+"\n") {
			t.Errorf("/metrics has no line %s", line)
		}
	}
}

// TestACandidateWithoutNumbersIsNotScoredByThem: they go beside no answer, and whoever is to
// decide about it sees how many there were.
func TestACandidateWithoutNumbersIsNotScoredByThem(t *testing.T) {
	for _, share := range []float64{0, 0.99} {
		c := &registry.Candidate{Model: &registry.Model{Kind: ipc.Workload, Label: "doubtful@2", Predictor: doubtful{"2"}}, Share: share}
		reg := registry.New(trying{saying{version: "1", cpu: 0.125}, c})
		_ = reg.Reload()
		s, err := New(Options{Registry: reg})
		if err != nil {
			t.Fatal(err)
		}
		reqs := make([]ipc.Request, 40)
		for i := range reqs {
			reqs[i] = &ipc.WorkloadRequest{AgentID: uint64(i), CurrentCPU: float32(i%4) / 4}
		}
		body, err := NewHosted(ipc.Workload, reg).Answer(api.Msgpack.AppendCall(nil, ipc.Workload, reqs, true))
		if err != nil {
			t.Fatal(err)
		}
		var a api.Answer
		if err := api.Msgpack.ParseAnswer(body, ipc.Workload, true, len(reqs), &a); err != nil {
			t.Fatal(err)
		}
		beside := 0
		for i, slot := range a.Slots {
			cpu := reqs[i].(*ipc.WorkloadRequest).CurrentCPU
			if slot.HasBeside {
				beside++
			}
			if slot.Status != ipc.StatusOK || cpu >= 0.5 && (slot.HasBeside || slot.Prediction.Workload.CPU != 0.125 || slot.Model != "") {
				t.Errorf("share %v, cpu %v: %+v", share, cpu, slot)
			}
		}
		if beside < 15 {
			t.Errorf("share %v: %d of 20 good answers beside", share, beside)
		}
		h := s.Health().Models["workload"]
		if h.CandidateInvalid != 20 || h.Invalid != 0 || h.CandidateLastInvalid == "" {
			t.Errorf("share %v: health %+v, want 20 of the candidate", share, h)
		}
	}
}
