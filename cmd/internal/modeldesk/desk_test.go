package modeldesk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
)

// bring puts a workload model into dir.
func bring(t *testing.T, dir, version string) {
	t.Helper()
	layer := enginetest.Dense{Inputs: 35, Bias: []float32{0.5, 1, 0, 0.9}}
	manifest := fmt.Sprintf(`{"predictor":"workload","name":"mine","version":%q,"file":"%s.onnx","features":"fields/1",
		"outputs":["predicted_cpu","predicted_memory","predicted_gpu","confidence"]}`, version, version)
	for _, f := range []struct {
		name string
		data []byte
	}{{version + ".onnx", layer.ONNX()}, {version + ".manifest.json", []byte(manifest)}} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// journal is a log that does something when it is told of a model.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
	on   string
	do   func()
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.do != nil && bytes.Contains(line, []byte(j.on)) {
		do := j.do
		j.do = nil
		do()
	}
	return j.text.Write(line)
}

func (j *journal) says(what string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Contains(j.text.Bytes(), []byte(what))
}

// watch has the folder watched until the test ends.
func watch(t *testing.T, d *Desk) {
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		d.Watch(t.Context())
	}()
	// A load under way still writes: it ends before the folder is removed.
	t.Cleanup(func() { <-watched })
}

// A model that comes after the first load and before anybody watches is not missed.
func TestAModelThatComesBeforeTheWatchIsLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		bring(t, dir, "1")
		j := &journal{}
		d := New(dir, zerolog.New(j))
		d.Load(true)
		bring(t, dir, "2")
		watch(t, d)
		time.Sleep(3 * lookEvery)
		if !j.says("mine@2") {
			t.Errorf("the second model is not loaded: %s", &j.text)
		}
	})
}

// A model that comes while the one before is being loaded is not missed.
func TestAModelThatComesDuringALoadIsLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		bring(t, dir, "1")
		j := &journal{on: "mine@2", do: func() { bring(t, dir, "3") }}
		d := New(dir, zerolog.New(j))
		d.Load(true)
		watch(t, d)
		synctest.Wait()
		bring(t, dir, "2")
		time.Sleep(3 * lookEvery)
		if !j.says("mine@2") {
			t.Fatalf("the second model is not loaded: %s", &j.text)
		}
		time.Sleep(3 * lookEvery)
		if !j.says("mine@3") {
			t.Errorf("the third model is not loaded: %s", &j.text)
		}
	})
}
