// Package models holds the default models, one ONNX file per predictor, and the
// manifest that says what they are. They were trained on freely usable data
// only; CARDS.md says on what, and how good they are, EVAL.md has all numbers.
//
// The files come from one command, daemon/train/run, which rewrites this
// folder's files together; building and running need none of it.
package models

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/mlbridge/mlbridge/ipc"
)

//go:embed *.onnx manifest.json
var files embed.FS

// Entry describes one model file.
type Entry struct {
	Predictor string `json:"predictor"`  // ipc.Kind's name
	File      string `json:"file"`       // name of the ONNX file beside the manifest
	Name      string `json:"name"`       // such as "workload-trees"
	Version   string `json:"version"`    // such as "2026.11.23"
	SHA256    string `json:"sha256"`     // of the file, in hex
	Features  string `json:"features"`   // version of the feature layout it was fitted on
	TrainedOn string `json:"trained_on"` // data sets
	Terms     string `json:"terms"`      // "free", or "research": then for research and study only
	Date      string `json:"date"`       // of the training, YYYY-MM-DD
}

// Kind is the kind of prediction that the model makes.
func (e *Entry) Kind() (ipc.Kind, error) { return ipc.ParseKind(e.Predictor) }

// ParseManifest reads a manifest.json, the embedded one or that of a folder
// written by daemon/train/run.
func ParseManifest(data []byte) ([]Entry, error) {
	var list []Entry
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("models: manifest: %w", err)
	}
	for i := range list {
		if _, err := list[i].Kind(); err != nil {
			return nil, fmt.Errorf("models: manifest entry %d: %w", i, err)
		}
	}
	return list, nil
}

// Verify checks a model file against the entry's checksum.
func (e *Entry) Verify(data []byte) error {
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != e.SHA256 {
		return fmt.Errorf("models: %s: sha256 %s, the manifest says %s", e.File, got, e.SHA256)
	}
	return nil
}

// Embedded gives the manifest of the default models.
func Embedded() ([]Entry, error) {
	data, err := files.ReadFile("manifest.json")
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	return ParseManifest(data)
}

// Read gives the bytes of an embedded model file, verified.
func Read(e Entry) ([]byte, error) {
	data, err := files.ReadFile(e.File)
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	return data, e.Verify(data)
}

// Default gives the embedded entry and file for kind k.
func Default(k ipc.Kind) (Entry, []byte, error) {
	list, err := Embedded()
	if err != nil {
		return Entry{}, nil, err
	}
	for _, e := range list {
		if kind, _ := e.Kind(); kind == k {
			data, err := Read(e)
			return e, data, err
		}
	}
	return Entry{}, nil, fmt.Errorf("models: no %v model is embedded", k)
}
