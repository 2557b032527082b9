package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
)

// bring puts a workload model into dir that says cpu, whatever it is asked.
func bring(t *testing.T, dir, version string, cpu float32) {
	t.Helper()
	layer := enginetest.Dense{Inputs: 35, Bias: []float32{cpu, 1, 0, 0.9}}
	manifest := fmt.Sprintf(`{"predictor":"workload","name":"mine","version":%q,"file":"%s.onnx","features":"fields/1",
		"outputs":["predicted_cpu","predicted_memory","predicted_gpu","confidence"]}`, version, version)
	// Each as a whole and the manifest last: an mld that looks in between would say, rightly,
	// that half a model is no model.
	made := t.TempDir()
	for _, f := range []struct {
		name string
		data []byte
	}{{version + ".onnx", layer.ONNX()}, {version + ".manifest.json", []byte(manifest)}} {
		name := filepath.Join(made, f.name)
		if err := os.WriteFile(name, f.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name, filepath.Join(dir, f.name)); err != nil {
			t.Fatal(err)
		}
	}
}

// mld runs a command of mld's to its end.
func mld(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), beMLD+"=1")
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// load asks an mld without a pause and notes which models answered.
type load struct {
	calls  atomic.Int64
	failed atomic.Int64
	models sync.Map // label → the cpu that it said
	stop   chan struct{}
	wg     sync.WaitGroup
}

func startLoad(t *testing.T, address string) *load {
	l := &load{stop: make(chan struct{})}
	for range 4 {
		l.wg.Go(func() {
			c := &http.Client{Transport: new(http.Transport)}
			defer c.CloseIdleConnections()
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				l.calls.Add(1)
				if err := l.ask(c, address); err != nil {
					l.failed.Add(1)
					t.Error(err)
					return
				}
			}
		})
	}
	return l
}

func (l *load) ask(c *http.Client, address string) error {
	resp, err := c.Post("http://"+address+"/api/ml/predict/workload", "application/json", strings.NewReader(`{"agentId":"agent-1","historicalCpu":[],"historicalMemory":[],"historicalGpu":[],"timeOfDay":0,"dayOfWeek":0,"currentCpu":0.1,"currentMemory":1}`))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		return fmt.Errorf("%d %s, %w", resp.StatusCode, body, err)
	}
	var v struct {
		Model      string
		Prediction struct{ PredictedCpu float32 }
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	l.models.Store(v.Model, v.Prediction.PredictedCpu)
	return nil
}

// await waits until the model answers.
func (l *load) await(t *testing.T, label string, cpu float32) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if said, ok := l.models.Load(label); ok {
			if said.(float32) != cpu {
				t.Errorf("%s says %v, want %v", label, said, cpu)
			}
			return
		}
	}
	t.Fatalf("%s never answered", label)
}

// forget makes await wait for an answer from now on.
func (l *load) forget() { l.models.Clear() }

// TestModelsChangeUnderLoad drops models, good and bad ones, into the folder of an mld
// that is asked all the while, promotes and rolls back: no call fails, none is answered
// by anything but a valid model, and what was wrong is said.
func TestModelsChangeUnderLoad(t *testing.T) {
	dir, socket := t.TempDir(), filepath.Join(t.TempDir(), "admin.sock")
	bring(t, dir, "1", 0.25)
	p := launch(t, "--listen", "127.0.0.1:0", "--admin", socket, "--models", dir)
	l := startLoad(t, addresses(t, p.await(t, "READY"))[0])
	stop := sync.OnceFunc(func() { close(l.stop); l.wg.Wait() })
	defer stop()
	l.await(t, "mine@1", 0.25)

	bring(t, dir, "2", 0.5) // by being there
	l.await(t, "mine@2", 0.5)

	bring(t, dir, "3", 50) // not a share
	line := p.await(t, "model not replaced")
	reason, _ := line["reason"].(string)
	if line["kind"] != "workload" || line["model"] != "mine@2" || !strings.Contains(reason, "predicted_cpu gives 50") {
		t.Errorf("what was wrong is said as %v", line)
	}
	if out, code := mld(t, "models", "promote", "mine@3", "--admin", socket); code == 0 || !strings.Contains(out, "predicted_cpu gives 50") {
		t.Errorf("promoting a bad model: %d\n%s", code, out)
	}
	if out, code := mld(t, "models", "validate", dir); code != 1 || !strings.Contains(out, "predicted_cpu gives 50") {
		t.Errorf("validating the folder: %d\n%s", code, out)
	}

	l.forget()
	if out, code := mld(t, "models", "rollback", "workload", "--admin", socket); code != 0 || !strings.Contains(out, "workload: mine@1 serves, from ") {
		t.Errorf("rollback: %d\n%s", code, out)
	}
	if out, code := mld(t, "models", "promote", "mine@4", "--admin", socket); code != 1 || !strings.Contains(out, "did you mean mine@1 or mine@2 or mine@3?") {
		t.Errorf("promoting what is not there: %d\n%s", code, out)
	}
	l.await(t, "mine@1", 0.25)
	out, code := mld(t, "models", "list", "--admin", socket)
	for _, want := range []string{"rejected", "serving", "mine@3  invalid", "workload mine@3 is not valid: ", "mine@1 serves, from "} {
		if code != 0 || strings.Count(out, want) != 1 {
			t.Errorf("list: %d, %q is not said once\n%s", code, want, out)
		}
	}

	// Without the socket, on the folder alone: the running mld follows.
	l.forget()
	if out, code := mld(t, "models", "promote", "mine@2", "--models", dir); code != 0 || !strings.Contains(out, "workload: mine@2 is serving") || !strings.Contains(out, "follows") {
		t.Errorf("promote: %d\n%s", code, out)
	}
	l.await(t, "mine@2", 0.5)
	stop()
	t.Logf("%d calls while models came and went", l.calls.Load())
	if l.failed.Load() > 0 || l.calls.Load() < 100 {
		t.Errorf("%d of %d calls failed", l.failed.Load(), l.calls.Load())
	}
	if _, bad := l.models.Load("mine@3"); bad {
		t.Error("the bad model answered")
	}
}

// TestModelsCommandSaysWhereItLooked: without an mld, and for an mld without a folder.
func TestModelsCommandSaysWhereItLooked(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	if out, code := mld(t, "models", "list", "--admin", socket); code != 1 || !strings.Contains(out, socket) || !strings.Contains(out, "--admin") {
		t.Errorf("no mld: %d\n%s", code, out)
	}
	p := launch(t, "--listen", "127.0.0.1:0", "--admin", socket)
	p.await(t, "READY")
	if out, code := mld(t, "models", "list", "--admin", socket); code != 0 || !strings.Contains(out, "embedded:workload.onnx") {
		t.Errorf("built-in models: %d\n%s", code, out)
	}
	if out, code := mld(t, "models", "rollback", "workload", "--admin", socket); code != 1 || !strings.Contains(out, "--models") {
		t.Errorf("rolling back the built-in model: %d\n%s", code, out)
	}
}
