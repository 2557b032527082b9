package registry

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// born is when the folders' files were written, about: long ago, so that their times tell
// them apart.
var born = time.Now().Add(-time.Hour).Truncate(time.Second)

func (p *play) write(name string, data []byte, at int) {
	name = filepath.Join(p.dir, name)
	when := born.Add(time.Duration(at) * time.Second)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		panic(err)
	}
	if err := os.Chtimes(name, when, when); err != nil {
		panic(err)
	}
}

// file writes the model's file; with another touched it is as it was, at another time.
func (p *play) file(label string, state, touched int) {
	layer := enginetest.Dense{Inputs: 2, Bias: []float32{37, 1, 0}}
	if kindOf(label) == ipc.Failure {
		layer.Bias = layer.Bias[:1]
	}
	if state < len(says) {
		layer.Bias[0] = says[state]
	}
	data := layer.ONNX()
	if state == cutShort {
		data = data[:len(data)/2]
	}
	p.write(label+".onnx", data, state+fileStates*touched)
	p.want.files[label] = state
}

// manifest writes the model's own, at one of few times so that many are equal.
func (p *play) manifest(label string, at int, kind string, share float64) {
	at %= 8
	text, err := json.Marshal(entryOf(label, kind, share))
	if err != nil {
		panic(err)
	}
	name := label + ".manifest.json"
	p.write(name, text, at)
	p.want.manifests[name] = manifestOf(at, refEntry{label, role{kind, share}})
}

func entryOf(label, kind string, share float64) models.Entry {
	name, version, _ := strings.Cut(label, "@")
	e := models.Entry{
		Predictor: "failure", File: label + ".onnx", Name: name, Version: version, Features: "fields/1", Role: kind, Share: share,
		Inputs: []string{"health_score", "trend"}, Outputs: []string{"failure_probability"},
	}
	if kindOf(label) == ipc.Workload {
		sure := float32(0.9)
		e.Predictor, e.Confidence = "workload", &sure
		e.Inputs, e.Outputs = []string{"current_cpu", "historical_cpu_0"}, []string{"predicted_cpu", "predicted_memory", "predicted_gpu"}
	}
	return e
}

// list writes manifest.json, mostly with nothing in it, or takes it away.
func (p *play) list(which, how int) {
	entries, ref := []models.Entry{}, []refEntry{}
	at := how % 8
	switch which % 8 {
	case 1:
		_ = os.Remove(filepath.Join(p.dir, "manifest.json"))
		delete(p.want.manifests, "manifest.json")
		return
	case 2, 3:
		of := []string{"a@1", "l@1"}
		if which%8 == 3 {
			of = []string{"l@2", "l@1"}
		}
		for _, label := range of {
			p.file(label, how/8%len(says), 0)
			entries = append(entries, entryOf(label, "", 0))
			ref = append(ref, refEntry{label, role{}})
		}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		panic(err)
	}
	p.write("manifest.json", text, at)
	p.want.manifests["manifest.json"] = manifestOf(at, ref...)
}

// spoil writes a manifest that makes the folder unreadable, for half a time.
func (p *play) spoil(label string, how int) {
	const name = "spoilt.manifest.json"
	switch how % 4 {
	case 0:
		p.write(name, []byte(`{"predictor":`), how/4)
		p.want.manifests[name] = refManifest{broken: true}
	case 1:
		text, err := json.Marshal([]models.Entry{entryOf(label, "", 0)})
		if err != nil {
			panic(err)
		}
		p.write(name, text, how/4%8)
		p.want.manifests[name] = manifestOf(how/4%8, refEntry{label, role{}})
	default:
		_ = os.Remove(filepath.Join(p.dir, name))
		delete(p.want.manifests, name)
	}
}
