// Package models holds the default models, one ONNX file per predictor, and the
// manifest that says what they are. They were trained on freely usable data
// only; CARDS.md says on what, and how good they are, EVAL.md has all numbers,
// EVAL-research.md those of the models trained with FREE=0, which are not here.
//
// The files come from one command, daemon/train/run, which rewrites this
// folder's files together; building and running need none of it.
package models

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

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
	SHA256    string `json:"sha256"`     // of the file, in hex of either case; "" is not checked
	Features  string `json:"features"`   // version of the feature layout it was fitted on
	TrainedOn string `json:"trained_on"` // data sets
	Terms     string `json:"terms"`      // "free", or "research": then for research and study only
	Date      string `json:"date"`       // of the training, YYYY-MM-DD

	// For models that were brought along (docs/models.md); files of daemon/train say
	// these things themselves.
	Format     string   `json:"format,omitempty"`      // "onnx" or "tfjs"; by the file's name where empty
	Inputs     []string `json:"inputs,omitempty"`      // columns of the layout, in the model's order
	Outputs    []string `json:"outputs,omitempty"`     // what the model's numbers are, over all outputs
	MemoryUnit uint64   `json:"memory_unit,omitempty"` // workload: bytes in one unit of memory
	Confidence *float32 `json:"confidence,omitempty"`  // of a workload model that tells none
	Role       string   `json:"role,omitempty"`        // RoleServe where empty
	Share      float64  `json:"share,omitempty"`       // of the agents or components, with RoleShare
}

// What a model of a folder is for.
const (
	RoleServe  = "serve"  // it answers
	RoleShadow = "shadow" // it is asked beside the one that answers, and scored
	RoleShare  = "share"  // it answers a share of the agents or components
	RoleOff    = "off"    // it waits to be promoted
)

// Label is "name@version".
func (e *Entry) Label() string { return e.Name + "@" + e.Version }

// IsTFJS reports whether the file is a TensorFlow.js model.json.
func (e *Entry) IsTFJS() bool {
	return e.Format == "tfjs" || e.Format == "" && strings.HasSuffix(e.File, ".json")
}

// Beside is what the entry says about a model beside its file, as metadata.
func (e *Entry) Beside() map[string]string {
	m := map[string]string{
		"predictor": e.Predictor, "name": e.Name, "version": e.Version, "features": e.Features,
		"inputs": strings.Join(e.Inputs, ","), "outputs": strings.Join(e.Outputs, ","),
	}
	if e.MemoryUnit > 0 {
		m["memory_unit"] = strconv.FormatUint(e.MemoryUnit, 10)
	}
	if e.Confidence != nil {
		m["confidence"] = strconv.FormatFloat(float64(*e.Confidence), 'g', -1, 32)
	}
	maps.DeleteFunc(m, func(_, v string) bool { return v == "" })
	return m
}

func (e *Entry) check() error {
	_, err := e.Kind()
	switch {
	case err != nil:
		return err
	case e.Name == "" || e.Version == "" || e.File == "":
		return errors.New("name, version or file is missing")
	case strings.ContainsFunc(e.Name+e.Version+e.File, unprintable):
		// They are written into terminals, tables and logs as they are.
		return fmt.Errorf("name %q, version %q, file %q: there is something in it that cannot be printed", e.Name, e.Version, e.File)
	case e.Format != "" && e.Format != "onnx" && e.Format != "tfjs":
		return fmt.Errorf("format %q is neither onnx nor tfjs", e.Format)
	case e.Role == "":
		return CheckRole(RoleServe, e.Share)
	}
	return CheckRole(e.Role, e.Share)
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// CheckRole says what is wrong with a role and its share.
func CheckRole(role string, share float64) error {
	switch {
	case !slices.Contains([]string{RoleServe, RoleShadow, RoleShare, RoleOff}, role):
		return fmt.Errorf("role %q is not serve, shadow, share or off", role)
	case role == RoleShare && !(share > 0 && share < 1):
		return fmt.Errorf("share %v is not between 0 and 1", share)
	case role != RoleShare && share != 0:
		// Whoever forgot the role would have the model serve everybody.
		return fmt.Errorf("share %v without the role share", share)
	}
	return nil
}

// Kind is the kind of prediction that the model makes.
func (e *Entry) Kind() (ipc.Kind, error) { return ipc.ParseKind(e.Predictor) }

// ParseManifest reads a manifest: a list of entries, such as the embedded one or that of
// a folder written by daemon/train/run, or a single entry. Names that it does not know
// are an error: a misspelt one would be no different from one left out.
func ParseManifest(data []byte) ([]Entry, error) {
	list := make([]Entry, 1)
	into := any(&list)
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
		into = &list[0]
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return nil, fmt.Errorf("models: manifest: %w", placed(err, data))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("models: manifest: there is more behind its end")
	}
	for i := range list {
		if err := list[i].check(); err != nil {
			return nil, fmt.Errorf("models: manifest entry %d: %w", i, err)
		}
	}
	return list, nil
}

// placed says in which line of the text an error is, where it knows.
func placed(err error, text []byte) error {
	at := int64(0)
	if broken, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = broken.Offset
	} else if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at = wrong.Offset
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		at = int64(len(text))
	}
	if at <= 0 || at > int64(len(text)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:at-1], []byte("\n")), err)
}

// Verify checks a model file against the entry's checksum, where it has one.
func (e *Entry) Verify(data []byte) error {
	if e.SHA256 == "" {
		return nil
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); !strings.EqualFold(got, e.SHA256) {
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
