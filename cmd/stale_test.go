package cmd_test

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
)

// TestAFrozenMldCostsItsModelNothing: while mld stands still agents do what the rule says and
// not what the model said before, so callers get the rule's answer, also those who remember the
// model's themselves. The model's own standing is untouched: it answers when mld goes on, and
// nobody is told that it was demoted.
func TestAFrozenMldCostsItsModelNothing(t *testing.T) {
	mld := start(t, "mld", "--listen", "127.0.0.1:0", "--models", writeModels(t, "1", firstHalf()[1]))
	b := startBridge(t, "http://"+mld.at.Listen[0], "--stale-bound", "1h")
	c := mlclient.New(mlclient.Config{Path: b.at.Socket, TTL: time.Nanosecond, StaleBound: time.Hour, Thresholds: scenario.Thresholds()})
	defer c.Close()
	if err := c.WaitUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	const page = 4096
	now := uint64(0)
	// The model says that the third page comes next, the rule that the same one does.
	ask := func(next uint64, require bool) ipc.Reply {
		now += 1000 * page
		q := &ipc.MemoryRequest{AgentID: 1, CurrentAddress: now}
		var replies [1]ipc.Reply
		if err := c.Predict(t.Context(), []ipc.Request{q}, replies[:], ipc.Options{Budget: 10 * time.Second, RequireModel: require}); err != nil {
			t.Fatal(err)
		}
		o := ipc.Outcome{PredictionID: replies[0].PredictionID, Subject: q.Subject(), Actual: ipc.Prediction{Kind: ipc.Memory}, Unobserved: ipc.TargetAccessType}
		o.Actual.Memory.NextAddress = now + next*page
		if replies[0].PredictionID != 0 {
			if err := c.Outcomes(t.Context(), []ipc.Outcome{o}); err != nil {
				t.Fatal(err)
			}
		}
		return replies[0]
	}
	for range 50 {
		if r := ask(3, false); r.Source != ipc.SourceModel || r.Memory.NextAddress != now+3*page {
			t.Fatalf("%v because %v, page %+d; want the model's", r.Source, r.Reason, (r.Memory.NextAddress-now)/page)
		}
	}

	mld.freeze()
	for n := 0; ; n++ {
		r := ask(0, false)
		if r.Source == ipc.SourceRule && r.Reason == ipc.ReasonDemoted {
			break
		}
		if n == 1000 || r.Source != ipc.SourceStale {
			t.Fatalf("answer %d: %v because %v, want stale ones and then the rule's", n, r.Source, r.Reason)
		}
	}
	for range 20 {
		if r := ask(0, false); r.Source != ipc.SourceRule || r.Memory.NextAddress != now {
			t.Fatalf("%v because %v, page %+d; want the rule's", r.Source, r.Reason, (r.Memory.NextAddress-now)/page)
		}
	}
	demoted := map[string]float64{}
	for _, m := range scrape(t, "http://"+b.at.HTTP+"/metrics")["mlbridge_model_demoted"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "source" {
				demoted[l.GetValue()] += m.GetGauge().GetValue()
			}
		}
	}
	if demoted[""] != 0 || demoted["stale"] != 1 {
		t.Errorf("mlbridge_model_demoted by source: %v", demoted)
	}
	if code, body := get(t, "http://"+b.at.HTTP+"/health"); code != http.StatusOK || strings.Contains(body, "the rule has been better") ||
		!strings.Contains(body, "for memory the rule alone, which has been better") {
		t.Errorf("health says %d %s, want that stale answers do not serve, and the model in its place", code, body)
	}

	mld.signal(syscall.SIGCONT)
	for n := 0; ; n++ {
		if r := ask(3, true); r.Source == ipc.SourceModel {
			break
		} else if n == 20 || r.Reason == ipc.ReasonDemoted {
			t.Fatalf("mld goes on: %v because %v, want the model", r.Source, r.Reason)
		}
	}
	if said := b.said(); strings.Count(said, "stale answers demoted") != 1 || strings.Contains(said, "model demoted") {
		t.Errorf("the log says\n%s", said)
	}

	// The next time the log promises no more than callers get, nor does /health with the models off.
	mld.freeze()
	ask(0, false)
	if said := b.said(); !strings.Contains(said, "daemon does not answer: stale answers and rules serve, for memory the rule alone") {
		t.Errorf("frozen again: the log says\n%s", said)
	}
	if out, err := exec.Command(filepath.Join(bin, "ml-bridge"), "models", "off", "--admin", b.at.Admin).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, body := get(t, "http://"+b.at.HTTP+"/health"); !strings.Contains(body, "the daemon does not answer: rules serve\"") {
		t.Errorf("with the models off health says %s", body)
	}
}
