package observe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// Lines that are flat while all is well rise, or fall, when what they are there for
// happens, and the alerts that do not wait fire: mld ends under load, what stands in for it
// lies and is slow, and peers misbehave.
func TestPanelsShowFaults(t *testing.T) {
	dir := t.TempDir()
	socket, models := filepath.Join(dir, "bridge.sock"), filepath.Join(dir, "models")
	// A model that cannot be loaded: the built-in one serves.
	broken := `{"predictor":"memory","file":"gone.onnx","name":"broken","version":"1","features":"fields/1"}`
	if err := errors.Join(os.Mkdir(models, 0o700), os.WriteFile(filepath.Join(models, "manifest.json"), []byte(broken), 0o600)); err != nil {
		t.Fatal(err)
	}
	mld, endMld := start(t, "mld", "--listen=127.0.0.1:0", "--models="+models)
	standIn := liar(t)
	const maxConns = 40
	bridge, _ := start(t, "ml-bridge", "--socket="+socket, "--http=127.0.0.1:0", fmt.Sprint("--max-conns=", maxConns),
		"--upstream=http://"+mld.Listen[0], "--upstream="+standIn.URL)
	p := scrape(t, "exemplar-storage", bridge.HTTP, mld.Listen[0])
	d := readDashboard(t)
	variables := p.variables(t, d) // before mld ends

	load := kernelsim(t, socket, "--rate=500", "--duration=10s", "--observe=10s")
	unknownOutcome(t, bridge.HTTP)
	misbehave(t, socket)
	leave := crowd(t, socket, maxConns)
	load()
	p.show(t, d, variables, []symptom{
		{"Models with a problem", "A", most, 1},
		{"Outcomes", "B", most, 0},
		{"Connections", "B", most, 0},
		{"Connections", "C", most, 0},
		{"Connections", "D", most, 0},
	})
	leave()

	endMld()
	kernelsim(t, socket, "--rate=2000", "--duration=5s", "--observe=1s", "--client=wire", "--budget=20ms")()
	p.show(t, d, variables, []symptom{
		{"Upstreams that answer", "A", func(graph []series) float64 { return 1 - least(graph) }, 0},
		{"Circuit breakers", "A", most, 0},
		{"Calls to the daemon", "B", most, 0},
		{"Why answers were not fresh", "A", most, 0},
		{"Invalid outputs of models", "A", most, 0},
		{"Shed, by class", "A", most, 0},
	})

	standIn.Close()
	kernelsim(t, socket, "--rate=200", "--duration=3s", "--observe=1s")()
	p.show(t, d, variables, []symptom{{"Daemon", "A", func(graph []series) float64 { return 1 - least(graph) }, 0}})
	for name, states := range map[string]string{
		"MLBridgeUpstreamDown": "pending firing", "MldDown": "pending firing",
		"MLBridgeInvalidOutputs": "firing", "MLBridgeConnectionsRefused": "firing",
	} {
		eventually(t, name+" is "+states, func() error {
			state, err := p.state(name)
			if err == nil && !strings.Contains(states, state) {
				err = fmt.Errorf("it is %s", state)
			}
			return err
		})
	}
}

// symptom is what a panel shows: a figure of its graph that is above a bound, or, where the
// bound is 1, at least that.
type symptom struct {
	panel, ref string
	figure     func([]series) float64
	bound      float64
}

func (p *prometheus) show(t *testing.T, d dashboard, variables *strings.Replacer, list []symptom) {
	t.Helper()
	for _, s := range list {
		expr := variables.Replace(d.query(t, s.panel, s.ref))
		eventually(t, s.panel+" "+s.ref+" shows it", func() error {
			graph, err := p.last(2*time.Minute, expr)
			if v := s.figure(graph); err == nil && !(v > s.bound || s.bound == 1 && v == 1) {
				err = fmt.Errorf("it shows %v", v)
			}
			return err
		})
		t.Logf("%s %s shows it", s.panel, s.ref)
	}
}

// state is an alert's.
func (p *prometheus) state(alert string) (string, error) {
	var data struct {
		Groups []struct {
			Rules []struct{ Name, State string }
		}
	}
	if err := p.get("/api/v1/rules", nil, &data); err != nil {
		return "", err
	}
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			if r.Name == alert {
				return r.State, nil
			}
		}
	}
	return "", errors.New("there is no such alert")
}

// kernelsim begins to ask; the function it gives waits for the end.
func kernelsim(t *testing.T, socket string, args ...string) (wait func()) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "kernelsim"), append([]string{"run", "--socket=" + socket, "--quiet", "--no-color"}, args...)...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		// Whether its answers came in time is nothing that this test asks: 1 and 3 are verdicts.
		if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 1 && cmd.ProcessState.ExitCode() != 3 {
			t.Fatalf("kernelsim: %v\n%s", err, said.String())
		}
	}
}

// liar stands in for mld: it takes its time, and is surer than sure of every answer.
func liar(t *testing.T) *httptest.Server {
	t.Helper()
	reg := registry.New(registry.Embedded())
	if err := reg.Reload(); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/ml/predict/"), "/")
		kind, err := ipc.ParseKind(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		question, _ := io.ReadAll(r.Body) // a short one is refused next
		body, err := daemon.NewHosted(kind, reg).Answer(question)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		time.Sleep(10 * time.Millisecond)
		var a api.Answer
		for n := 1; n <= api.MaxBatch; n++ { // the number of slots is not known here
			if api.Msgpack.ParseAnswer(body, kind, true, n, &a) == nil {
				break
			}
		}
		for i := range a.Slots {
			q := &a.Slots[i].Prediction
			q.Workload.Confidence, q.Threat.Confidence, q.Failure.Confidence, q.Memory.Confidence = 7, 7, 7, 7
		}
		w.Header().Set("Content-Type", api.Msgpack.ContentType())
		_, _ = w.Write(api.Msgpack.AppendAnswer(nil, &a, true)) // a bridge that has hung up has its reasons
	}))
	t.Cleanup(s.Close)
	return s
}

// unknownOutcome reports what came of a prediction that was never made.
func unknownOutcome(t *testing.T, address string) {
	t.Helper()
	resp, err := http.Post("http://"+address+"/api/ml/outcome", "application/json",
		strings.NewReader(`{"prediction_id":5,"kind":"threat","agent_id":7,"observed_ago_ns":0,"actual":{"threat_score":0,"threat_type":0}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Errorf("an outcome: %s", resp.Status)
	}
}

// misbehave breaks the protocol, and asks without reading until it is hung up on.
func misbehave(t *testing.T, socket string) {
	t.Helper()
	rude := dial(t, socket)
	defer rude.Close()
	if _, err := rude.Write(ipctest.Frame([]byte{0xc1})); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, rude)
	t.Logf("who breaks the protocol is hung up on: %v", err)
	deaf := dial(t, socket)
	defer deaf.Close()
	ping := ipctest.Message(ipctest.TypePing, 1)
	_, err = deaf.Write(ipctest.Message(ipctest.TypeHello, 1, 1, "deaf", 0))
	for err == nil {
		_, err = deaf.Write(ping)
	}
	t.Logf("who does not read is hung up on: %v", err)
}

// crowd comes with more connections than are let in, and stays: who has gone before its
// turn to be let in is not turned away.
func crowd(t *testing.T, socket string, letIn int) (leave func()) {
	t.Helper()
	var all []net.Conn
	for range letIn + 20 {
		all = append(all, dial(t, socket))
	}
	return func() {
		for _, c := range all {
			c.Close()
		}
	}
}

func dial(t *testing.T, socket string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
