package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/daemon/engine/tfjs"
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

// Embedded gives the models that are part of the program.
func Embedded() Source { return embedded{} }

type embedded struct{}

// builtIn are the models of the program, each loaded and validated once: they cannot
// change, and a reload must not try them again.
var builtIn = func() (list [len(ipc.Kinds) + 1]func() (*Model, error)) {
	for _, k := range ipc.Kinds {
		list[k] = sync.OnceValues(func() (*Model, error) {
			p, where, err := readEmbedded(k)
			if err != nil {
				return nil, err
			}
			return newModel(k, p, where, time.Now())
		})
	}
	return list
}()

// Look is the same always.
func (e embedded) Look() Look { return e }

func (embedded) Problem(ipc.Kind) error { return nil }

func (embedded) Candidate(ipc.Kind) (*Candidate, error) { return nil, nil }

func (embedded) Load(k ipc.Kind) (Predictor, string, error) {
	m, err := builtIn[k]()
	if errors.Is(err, ErrNone) {
		return nil, "", err
	}
	if err != nil {
		return nil, "embedded", err
	}
	return m, m.Source, nil
}

func readEmbedded(k ipc.Kind) (Predictor, string, error) {
	list, err := models.Embedded()
	if err != nil {
		return nil, "embedded", err
	}
	for i := range list {
		if kind, err := list[i].Kind(); err != nil || kind != k {
			continue
		}
		where := "embedded:" + list[i].File
		data, err := models.Read(list[i])
		if err != nil {
			return nil, where, err
		}
		p, err := parse(k, &list[i], data, nil)
		if err != nil {
			return nil, where, err
		}
		return p, where, nil
	}
	return nil, "", ErrNone
}

// parse makes the predictor of an entry from its files. more gives the other files of a
// model by their name beside the entry's: the weights of one from TensorFlow.js.
func parse(k ipc.Kind, e *models.Entry, data []byte, more func(name string) ([]byte, error)) (p *predict.Predictor, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	if e.IsTFJS() {
		if data, err = tfjs.Convert(data, more); err != nil {
			return nil, err
		}
	}
	m, err := load(data)
	if err != nil {
		return nil, err
	}
	return predict.New(k, m, e.Beside())
}

var (
	errTooLarge = errors.New("file too large")
	errOutside  = errors.New("not below the folder: name a file in it, without a slash in front")
	errNoFile   = errors.New("not a file")
)

// readFile reads at most limit bytes, whatever the file's size claims to be. What is no
// file is not opened: a pipe would keep the reader, and with it all who ask for models.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("%s: %w", name, errOutside)
	}
	if info, err := fs.Stat(fsys, name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", name, errNoFile)
	}
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
