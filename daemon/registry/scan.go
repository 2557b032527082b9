package registry

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// found is an entry of a manifest with what tells when it has changed.
type found struct {
	models.Entry
	kind     ipc.Kind
	manifest string
	mark     string    // of its file
	since    time.Time // when the manifest was written
}

// place is where an operator finds the entry.
func (f *found) place() string { return fmt.Sprintf("%s (file %s)", f.manifest, f.File) }

// contents is what a folder has.
type contents struct {
	list []found
	mark string // tells whether anything in the folder has changed since it was last the same
}

// scan reads the manifests. The mark is from before they are read: what changes meanwhile has
// another one afterwards.
func (d *Folder) scan() (contents, error) {
	d.scans++
	var mark strings.Builder
	names, err := d.manifests()
	for _, name := range slices.Concat(names, []string{stateFile}) {
		d.stamp(&mark, name)
	}
	var list []found
	if err == nil {
		list, err = d.entries(names)
	}
	if err != nil {
		return contents{mark: mark.String() + err.Error()}, err
	}
	for i := range list {
		mark.WriteString(list[i].mark)
	}
	return contents{list, mark.String()}, nil
}

// manifests gives the manifests' names.
func (d *Folder) manifests() ([]string, error) {
	names, err := fs.Glob(d.fsys, "*.manifest.json")
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(d.fsys, "manifest.json"); err == nil {
		names = append([]string{"manifest.json"}, names...)
	}
	if len(names) == 0 {
		// A wrong path looks like this, so that a folder that is to be empty has to say so.
		return nil, fmt.Errorf("there is no manifest.json and no *.manifest.json (for no models yet, manifest.json is []): %w", fs.ErrNotExist)
	}
	if len(names) > maxModels {
		return nil, fmt.Errorf("%d manifests, at most %d: take those of old models away", len(names), maxModels)
	}
	return names, nil
}

// maxModels bounds the models of a folder, all of which are looked at once a second.
const maxModels = 1024

// entries reads the manifests: manifest.json first, the others by age. One that is broken
// is an error about all: nobody knows what it would have said.
func (d *Folder) entries(names []string) ([]found, error) {
	type called struct {
		kind  ipc.Kind
		label string
	}
	seen := make(map[called]string)
	var list []found
	for _, name := range names {
		entries, err := d.manifest(name)
		if err != nil {
			return nil, err
		}
		for i := range entries {
			e := &entries[i]
			is := called{e.kind, e.Label()}
			if other, ok := seen[is]; ok {
				return nil, fmt.Errorf("%s and %s both bring a %v model %s: take one away, or give it another version", other, e.place(), is.kind, is.label)
			}
			seen[is] = e.place()
			if list = append(list, *e); len(list) > maxModels {
				return nil, fmt.Errorf("%s: over %d models in the folder: take old ones away", name, maxModels)
			}
		}
	}
	d.forgetTrials(list)
	slices.SortStableFunc(list, func(a, b found) int {
		if a.manifest == b.manifest {
			return 0
		}
		return a.since.Compare(b.since)
	})
	return list, nil
}

func (d *Folder) manifest(name string) ([]found, error) {
	info, err := fs.Stat(d.fsys, name)
	if err != nil {
		return nil, err
	}
	data, err := readFile(d.fsys, name, maxManifest)
	if err != nil {
		return nil, err
	}
	entries, err := models.ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	list := make([]found, len(entries))
	for i, e := range entries {
		k, err := e.Kind()
		if err != nil {
			return nil, err
		}
		e.File = path.Clean(e.File)
		list[i] = found{Entry: e, kind: k, manifest: name, since: info.ModTime()}
		list[i].mark = fmt.Sprintf("%v %s %s", e.Beside(), e.SHA256, d.mark(e.File))
	}
	return list, nil
}

// mark tells one state of a file from another: for a model of TensorFlow.js, of all
// files beside it too that may hold its weights.
func (d *Folder) mark(name string) string {
	var b strings.Builder
	d.stamp(&b, name)
	if strings.HasSuffix(name, ".json") {
		beside, _ := fs.ReadDir(d.fsys, path.Dir(name))
		for _, f := range beside {
			if !f.IsDir() && !aboutModels(f.Name()) {
				d.stamp(&b, path.Join(path.Dir(name), f.Name()))
			}
		}
	}
	return b.String()
}

// stamp writes what tells one state of a file from another.
func (d *Folder) stamp(b *strings.Builder, name string) {
	if info, err := fs.Stat(d.fsys, name); err == nil {
		fmt.Fprintf(b, "%s %d %d;", name, info.Size(), info.ModTime().UnixNano())
	} else {
		fmt.Fprintf(b, "%s none;", name)
	}
}

// aboutModels reports whether a file holds no weights of TensorFlow.js, by its name, which
// for those may be any.
func aboutModels(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".onnx") ||
		strings.HasPrefix(name, stateFile) || strings.HasPrefix(name, newState)
}

// Mark tells whether anything in the folder has changed since it was last the same.
func (d *Folder) Mark() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, _ := d.scan() // which the mark says, too
	return all.mark
}
