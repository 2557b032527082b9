package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/daemon/predict"
	"github.com/mlbridge/mlbridge/ipc"
)

// maxManifest bounds manifest.json, maxModelFile a model: ten times the largest
// that is trained today, and small enough to be read by a reload under load.
const (
	maxManifest  = 1 << 20
	maxModelFile = 64 << 20
)

// folder is a source of a manifest.json with model files beside it.
type folder struct {
	fsys fs.FS
	name string
}

// Dir gives the models in a folder written by daemon/train/run. It is read anew at
// every reload. A kind that its manifest does not mention is left to the next source.
func Dir(path string) Source { return folder{fsys: os.DirFS(path), name: path} }

// Embedded gives the models that are part of the program.
func Embedded() Source { return embedded{} }

type embedded struct{}

func (embedded) Load(k ipc.Kind) (Predictor, string, error) {
	list, err := models.Embedded()
	if err != nil {
		return nil, "embedded", err
	}
	return load(k, list, "embedded:", models.Read)
}

func (d folder) Load(k ipc.Kind) (Predictor, string, error) {
	data, err := readFile(d.fsys, "manifest.json", maxManifest)
	if err != nil {
		return nil, d.name, err
	}
	list, err := models.ParseManifest(data)
	if err != nil {
		return nil, d.name, err
	}
	return load(k, list, d.name+"/", func(e models.Entry) ([]byte, error) {
		// os.DirFS refuses "..", not a link; whoever may write the folder may read
		// what the daemon can anyway, so that is no boundary.
		data, err := readFile(d.fsys, filepath.ToSlash(e.File), maxModelFile)
		if err != nil {
			return nil, err
		}
		return data, e.Verify(data)
	})
}

// load makes the predictor of the one entry that list has for k.
func load(k ipc.Kind, list []models.Entry, where string, read func(models.Entry) ([]byte, error)) (Predictor, string, error) {
	found := -1
	for i := range list {
		if kind, err := list[i].Kind(); err != nil || kind != k {
			continue
		}
		if found >= 0 {
			return nil, where, fmt.Errorf("the manifest has several %v models", k)
		}
		found = i
	}
	if found < 0 {
		return nil, "", ErrNone
	}
	e := list[found]
	where += e.File
	data, err := read(e)
	if err != nil {
		return nil, where, err
	}
	p, err := parse(k, data)
	if err != nil {
		return nil, where, err
	}
	if p.Name() != e.Name || p.Version() != e.Version {
		return nil, where, fmt.Errorf("the file says %s@%s, the manifest %s@%s", p.Name(), p.Version(), e.Name, e.Version)
	}
	return p, where, nil
}

func parse(k ipc.Kind, data []byte) (p Predictor, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	m, err := engine.Load(data, engine.Limits{})
	if err != nil {
		return nil, err
	}
	return predict.New(k, m)
}

var errTooLarge = errors.New("file too large")

// readFile reads at most limit bytes, whatever the file's size claims to be.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: %w: over %d bytes", name, errTooLarge, limit)
	}
	return data, err
}
