package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestKillSwitch turns the models off and on while calls come: none fails, and each
// says where its answer is from.
func TestKillSwitch(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bridge.sock")
	p := startBridge(t, "--socket", socket, "--http", "127.0.0.1:0", "--models", "embedded", "--budget", "1s")
	operator := admin.Client(filepath.Join(filepath.Dir(socket), "bridge-admin.sock"))
	post := func(path string) (view modelsView) {
		t.Helper()
		resp, err := operator.Post("http://admin"+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&view); err != nil || resp.StatusCode != 200 {
			t.Fatalf("POST %s: %d, %v", path, resp.StatusCode, err)
		}
		return view
	}
	// The command does what the socket does, and says so.
	turn := func(to, want string) {
		t.Helper()
		if out, err := command(t, "models", to, "--socket", socket).CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("models %s: %v, %s; want %q", to, err, out, want)
		}
	}
	c, err := ipc.Dial(t.Context(), socket, ipc.ClientConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	agent := uint64(0)
	ask := func() ipc.Reply {
		t.Helper()
		agent++
		replies := make([]ipc.Reply, 1)
		q := &ipc.WorkloadRequest{AgentID: agent, CurrentCPU: 0.5}
		if err := c.Predict(t.Context(), []ipc.Request{q}, replies, ipc.Options{Budget: startup}); err != nil || replies[0].Status != ipc.StatusOK {
			t.Fatalf("%v, %+v", err, replies[0])
		}
		return replies[0]
	}
	if r := ask(); r.Source != ipc.SourceModel {
		t.Errorf("with models: %v", r.Source)
	}
	if view := post("/models/off"); view.On || !strings.Contains(string(view.Kinds["workload"]), `"state":"off"`) {
		t.Errorf("off: %+v", view)
	}
	p.await(t, "models were turned off: rules answer everything")
	if r := ask(); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonSwitchedOff {
		t.Errorf("models are off: %v, %v", r.Source, r.Reason)
	}
	resp, err := http.Get("http://" + p.http + "/health")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(body), `"degraded"`) || !strings.Contains(string(body), "turned the models off") {
		t.Errorf("/health: %s", body)
	}
	// So does every command that says what serves.
	const off = "; the operator has turned the models off: rules serve"
	lists := func(times int) {
		t.Helper()
		out, err := command(t, "models", "list", "--socket", socket).CombinedOutput()
		if err != nil || strings.Count(string(out), off) != times || strings.Count(string(out), " serves, from embedded:") != len(ipc.Kinds)-times {
			t.Errorf("models list: %v, %s; want %d kinds without a model", err, out, times)
		}
	}
	lists(len(ipc.Kinds))
	if view := post("/models/on"); !view.On {
		t.Errorf("on: %+v", view)
	}
	p.await(t, "models were turned on: they answer as far as they are trusted")
	if r := ask(); r.Source != ipc.SourceModel {
		t.Errorf("with models again: %v, %v", r.Source, r.Reason)
	}
	lists(0)
	turn("off", "rules answer everything")
	if r := ask(); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonSwitchedOff {
		t.Errorf("models are off by the command: %v, %v", r.Source, r.Reason)
	}
	turn("on", "as far as they are trusted")
	if r := ask(); r.Source != ipc.SourceModel {
		t.Errorf("with models once more: %v, %v", r.Source, r.Reason)
	}
	out, err := command(t, "models", "off", "--socket", socket+".none").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no ml-bridge answers") {
		t.Errorf("models off without a bridge: %v, %s", err, out)
	}
}

// TestHealthNamesWhatDrifted, and nothing else.
func TestHealthNamesWhatDrifted(t *testing.T) {
	got := drifted([]bridge.Score{
		{Kind: ipc.Workload, Drifts: []bridge.Drift{{Input: "current_cpu", Index: 0.3}, {Input: "cpu_step", Index: 0.2}}},
		{Kind: ipc.Memory, Drifts: []bridge.Drift{{Input: "page_step", Index: 0}}},
	})
	if len(got) != 1 || !slices.Equal(got[ipc.Workload], []string{"current_cpu"}) {
		t.Errorf("drifted: %v", got)
	}
}

// TestTheListKnowsTheDemotion in the words of /health, of the model that it is about.
func TestTheListKnowsTheDemotion(t *testing.T) {
	of := func(k ipc.Kind, model, target string, judged ...string) bridge.Score {
		s := bridge.Score{Kind: k, Standings: []bridge.Standing{{Model: model, Target: target, Serving: true, Demoted: true, Judged: 9}}}
		for _, other := range judged {
			s.Standings = append(s.Standings, bridge.Standing{Model: model, Target: other, Serving: true, Judged: 9})
		}
		return s
	}
	scores := []bridge.Score{
		of(ipc.Workload, "mine@1", "cpu", "memory"), of(ipc.Threat, "mine@1", "score"),
		of(ipc.Failure, "", "io"), of(ipc.Memory, "mine@1", "page"),
	}
	cached := map[string]modeldesk.Serving{"memory": {Model: "mine@2"}}
	for _, kind := range []string{"workload", "threat", "failure"} {
		cached[kind] = modeldesk.Serving{Model: "mine@1"}
	}
	got := withRules(cached, scores, false)
	for kind, want := range map[string]modeldesk.Serving{
		"workload": {Model: "mine@1", Ruled: "the rule has been better than mine@1 at cpu: there the rule serves"},
		"threat":   {Model: "mine@1", Ruled: "the rule has been better than mine@1: the rule serves", Idle: true},
		"failure":  {Model: "mine@1", Ruled: "the rule has been better than the daemon's model: the rule serves", Idle: true},
		"memory":   {Model: "mine@2"},
	} {
		if got[kind] != want {
			t.Errorf("%s: %+v, want %+v", kind, got[kind], want)
		}
	}
	if cached["threat"].Ruled != "" {
		t.Error("what others look at was changed")
	}
	if withRules(nil, scores, true) != nil {
		t.Error("something serves of which nothing is known")
	}
}
