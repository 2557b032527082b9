package cmd_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestModelsAnswerThroughTheSocket(t *testing.T) {
	c := dial(t, startChain(t).socket)
	reqs := append(fresh(1), fresh(2)...)
	replies := make([]ipc.Reply, len(reqs))
	if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: startup}); err != nil {
		t.Fatal(err)
	}
	for i := range replies {
		r := &replies[i]
		if r.Status != ipc.StatusOK || r.Source != ipc.SourceModel || r.Kind != reqs[i].Kind() ||
			!strings.HasPrefix(r.Model, r.Kind.String()+"-") || !strings.Contains(r.Model, "@") {
			t.Errorf("reply %d to %+v = %+v, want one of a %v model", i, reqs[i], r, reqs[i].Kind())
		}
		if err := r.Prediction.Validate(); err != nil {
			t.Errorf("reply %d: %v", i, err)
		}
	}
}

func TestBothUpstreamClientsAndSocketsWork(t *testing.T) {
	socket := t.TempDir() + "/mld.sock"
	mld := start(t, "mld", "--listen", "127.0.0.1:0", "--listen", "unix:"+socket)
	for _, upstream := range []string{"http://" + mld.at.Listen[0], "unix:" + socket} {
		for _, client := range []string{"loop", "net/http"} {
			b := startBridge(t, upstream, "--upstream-client", client)
			if r := until(t, dial(t, b.at.Socket), fresh(1)[0], ipc.SourceModel); r.Status != ipc.StatusOK {
				t.Errorf("%s over %s: %+v", upstream, client, r)
			}
		}
	}
}

func TestHostedEngineNeedsNoDaemon(t *testing.T) {
	b := start(t, "ml-bridge", "--socket", t.TempDir()+"/b.sock", "--http", "127.0.0.1:0", "--models", "embedded")
	c := dial(t, b.at.Socket)
	for _, n := range []uint64{1, 60} { // on the loop, and beside it
		var reqs []ipc.Request
		for i := range n {
			reqs = append(reqs, fresh(n<<32|i)...)
		}
		replies := make([]ipc.Reply, len(reqs))
		if err := c.Predict(t.Context(), reqs, replies, ipc.Options{Budget: startup}); err != nil {
			t.Fatal(err)
		}
		for i := range replies {
			if r := &replies[i]; r.Source != ipc.SourceModel || r.Kind != reqs[i].Kind() {
				t.Errorf("%d of each kind, reply %d = %+v, want the model's", n, i, r)
			}
		}
	}
}

// The bridge starts before, after and without its daemon, and recovers by itself.
func TestBridgeOutlivesItsDaemon(t *testing.T) {
	// A port could be somebody else's while the daemon is away.
	address := "unix:" + t.TempDir() + "/mld.sock"
	b := startBridge(t, address)
	c := dial(t, b.at.Socket)
	if r := one(t, c, fresh(1)[2], startup); r.Source != ipc.SourceRule || r.Reason == ipc.ReasonNone {
		t.Errorf("without a daemon: %+v, want the rule with a reason", r)
	}
	mld, _ := startMld(t, address)
	until(t, c, fresh(2)[2], ipc.SourceModel)
	mld.kill() // -9
	until(t, c, fresh(3)[2], ipc.SourceRule)
	startMld(t, address)
	until(t, c, fresh(4)[2], ipc.SourceModel)
}

// A stopped daemon holds its connections open and answers nothing.
func TestFrozenDaemonCostsNobodyAnAnswer(t *testing.T) {
	ch := startChain(t)
	c := dial(t, ch.socket)
	until(t, c, fresh(1)[0], ipc.SourceModel)
	ch.mld.freeze()
	peer := dialPatiently(t, ch.socket)
	for n := range uint64(50) {
		// The budget is long for this path, so that the daemon is asked on a busy test
		// machine, too; that the answer came at all is what counts here.
		r := peer.ask(fresh(100 + n)[0], 150*time.Millisecond)
		if r.Status != ipc.StatusOK || r.Source == ipc.SourceModel || r.Reason == ipc.ReasonNone {
			t.Fatalf("call %d to a frozen daemon: %+v, want a lower rung with its reason", n, r)
		}
	}
	ch.mld.signal(syscall.SIGCONT)
	until(t, c, fresh(2)[0], ipc.SourceModel)
}

// Every call that was sent is answered or clearly refused, whenever SIGTERM comes.
func TestDrainLosesNoCall(t *testing.T) {
	ch := startChain(t)
	var sent, answered, refused atomic.Int64
	var load sync.WaitGroup
	for worker := range uint64(8) {
		c := dial(t, ch.socket)
		load.Go(func() {
			for n := uint64(0); ; n++ {
				reqs, replies := fresh(worker<<32|n), make([]ipc.Reply, 4)
				sent.Add(1)
				err := c.Predict(context.Background(), reqs, replies, ipc.Options{Budget: startup})
				if err != nil {
					refused.Add(1)
					if conn := (*ipc.ConnError)(nil); errors.As(err, &conn) && conn.Sent {
						t.Errorf("a call that had been sent got no answer: %v", err)
					}
					return
				}
				answered.Add(1)
			}
		})
	}
	for answered.Load() < 200 {
		time.Sleep(time.Millisecond) // not a barrier: only lets load build up
	}
	ch.bridge.signal(syscall.SIGTERM)
	load.Wait()
	if code := ch.bridge.end(); code != 0 {
		t.Errorf("exit code %d after a drain, want 0", code)
	}
	if sent.Load() != answered.Load()+refused.Load() {
		t.Errorf("sent %d, answered %d, refused %d", sent.Load(), answered.Load(), refused.Load())
	}
}

func TestTakenPortsAndSocketsAreSaid(t *testing.T) {
	ch := startChain(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"mld", "--listen", ch.mld.at.Listen[0]}, "is taken by another process: stop it"},
		{[]string{"ml-bridge", "--socket", t.TempDir() + "/s", "--http", ch.bridge.at.HTTP}, "is taken by another process: stop it"},
		{[]string{"ml-bridge", "--socket", ch.socket, "--http", "127.0.0.1:0"}, "another ml-bridge answers"},
	} {
		p := launch(t, c.args[0], c.args[1:]...)
		if code := p.end(); code != 1 || !strings.Contains(p.said(), c.want) {
			t.Errorf("%v: exit code %d, said %q; want 1 and %q", c.args, code, p.said(), c.want)
		}
	}
	if code := launch(t, "ml-bridge", "--socket-mode", "0666").end(); code != 2 {
		t.Errorf("a wrong flag: exit code %d, want 2", code)
	}
}

func TestSocketIsReplacedAfterKill(t *testing.T) {
	ch := startChain(t)
	ch.bridge.kill()
	b := start(t, "ml-bridge", "--socket", ch.socket, "--http", "127.0.0.1:0", "--upstream", "http://"+ch.mld.at.Listen[0])
	until(t, dial(t, b.at.Socket), fresh(1)[0], ipc.SourceModel)
}

func TestHTTPAnswersLikeTheSocket(t *testing.T) {
	ch := startChain(t)
	body := `{"requests":[
		{"kind":"workload","agent_id":18446744073709551615,"historical_cpu":[],"historical_memory":[],"historical_gpu":[],
		 "time_of_day":0,"day_of_week":0,"current_cpu":0.0,"current_memory":"9007199254740993"},
		{"kind":"workload","agent_id":1,"historical_cpu":[],"historical_memory":[],"historical_gpu":[],
		 "time_of_day":24,"day_of_week":0,"current_cpu":0.0,"current_memory":0}]}`
	code, text := post(t, ch.http+"/api/ml/predict/batch", body)
	if code != http.StatusOK || !strings.Contains(text, `"source":"model"`) || !strings.Contains(text, "time_of_day") {
		t.Errorf("POST a batch: %d %s; want one answer of the model and one error about time_of_day", code, text)
	}
	ch.mld.kill()
	code, text = post(t, ch.http+"/api/ml/predict/failure",
		`{"component":"io","health_score":0.2,"current_value":0,"baseline":0,"trend":-2,"historical_health":[],"failure_history":[],"time_since_last_failure":null}`)
	if code != http.StatusOK || !strings.Contains(text, `"source":"rule"`) {
		t.Errorf("POST without a daemon: %d %s; want 200 from the rule", code, text)
	}
	if _, health := get(t, ch.http+"/health"); !strings.Contains(health, `"degraded"`) {
		t.Errorf("GET /health without a daemon: %s; want degraded", health)
	}
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-ML-Budget-Ns", "60000000000") // a second, the default, is little on a busy machine
	resp, err := http.DefaultClient.Do(req)
	return read(t, resp, err)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	return read(t, resp, err)
}

func read(t *testing.T, resp *http.Response, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// The Python client follows PROTOCOL.md and shares no code with package ipc.
func TestIndependentClientConforms(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on this machine")
	}
	ch := startChain(t)
	out, err := exec.CommandContext(t.Context(), python, "../testdata/client/conformance.py", "--socket", ch.socket).CombinedOutput()
	if err != nil {
		t.Errorf("conformance.py: %v\n%s", err, out)
	}
}
