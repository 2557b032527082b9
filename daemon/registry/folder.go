package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// Folder is a source of models in a directory: manifests, that is manifest.json and
// every *.manifest.json, and the files that they name. A model serves by being there,
// once it is valid: the newest one that nobody rolled back. What does not validate is
// passed over, and Problem says why. All methods may be called concurrently.
type Folder struct {
	dir  string
	fsys fs.FS

	mu     sync.Mutex // guards what follows
	state  state
	tried  map[string]*trial          // by what the model is made of: nothing is validated twice
	serves [len(ipc.Kinds) + 1]*Model // what Load gave last
	looked bool                       // Load could read the folder
	noted  bool                       // there is a state file
	memo   error                      // why it could not be written
}

// found is an entry of a manifest with what tells when it has changed.
type found struct {
	models.Entry
	kind     ipc.Kind
	manifest string
	mark     string    // of its file
	since    time.Time // when the newer of file and manifest was written
}

// Dir gives the models in a folder: one written by daemon/train/run, or one that models
// are brought to.
func Dir(dir string) *Folder {
	return &Folder{dir: dir, fsys: os.DirFS(dir), tried: make(map[string]*trial)}
}

// Load gives the model of kind k that serves. It is a validated *Model. One whose file was
// written again, under the same name, and is no good any more serves on: an older one that
// took its place would keep it when the file is mended. With an error other than ErrNone the
// folder does not say, or all that might serve is no good: what served before is then best.
func (d *Folder) Load(k ipc.Kind) (Predictor, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.scan()
	if err != nil {
		return nil, d.dir, err
	}
	if err := d.readState(); err != nil {
		return nil, d.dir, err
	}
	d.looked = true
	st := d.state.of(k)
	history, passed := slices.Clone(st.History), slices.Clone(st.Passed)
	d.tidy(k, list)
	m, err := d.choose(k, list)
	if m != nil {
		if st.serves() != m.Label {
			st.served(m.Label)
		}
		d.passOver(k, list)
	}
	changed := !slices.Equal(history, st.History) || !slices.Equal(passed, st.Passed)
	if d.noted && changed || !d.noted && d.state.tells(list) {
		_ = d.keep()
	}
	switch {
	case m != nil:
		d.serves[k] = m
		return m, m.Source, nil
	case errors.Is(err, ErrNone), d.serves[k] != nil && st.withdrew(d.serves[k].Label):
		d.serves[k] = nil
		return nil, "", ErrNone
	}
	return nil, d.dir, err
}

// choose gives the model of kind k that is to serve; ErrNone where none might, and what is
// wrong with those that might otherwise.
func (d *Folder) choose(k ipc.Kind, list []found) (*Model, error) {
	var problems []error
	for _, f := range d.inOrder(k, list) {
		m, err := d.model(&f)
		if err == nil {
			return m, nil
		}
		if now := d.serves[k]; now != nil && now.Label == f.Label() {
			return now, nil // Problem says what is wrong
		}
		problems = append(problems, fmt.Errorf("%s: %w", f.Label(), err))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return nil, ErrNone
}

// readState takes the folder's word, or, where it has none or cannot be written, our own.
// With an error what was known before stays.
func (d *Folder) readState() error {
	if d.memo != nil {
		return nil
	}
	s, err := readState(d.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.noted = false
		return nil
	case err != nil:
		return err
	}
	d.state, d.noted = s, true
	return nil
}

// passOver notes the valid models of kind k that another one now serves instead of, though
// they might: they are not new any more, and the oldest would come forward at last if they
// were. One that is no good yet may still be when it is mended.
func (d *Folder) passOver(k ipc.Kind, list []found) {
	st := d.state.of(k)
	for i := range list {
		f := &list[i]
		if f.kind != k || st.roleOf(&f.Entry).Role != models.RoleServe || st.knows(f.Label()) {
			continue
		}
		if _, err := d.model(f); err == nil {
			st.Passed = append(st.Passed, f.Label())
		}
	}
	d.tidy(k, list)
}

// tidy forgets what is not to be known any more about the models of kind k: that one was
// passed over whose manifest has another role now, which may come forward when it is to serve
// again; and most of those that are not in the folder any more.
func (d *Folder) tidy(k ipc.Kind, list []found) {
	st := d.state.of(k)
	there := make(map[string]bool)
	for i := range list {
		f := &list[i]
		if f.kind != k {
			continue
		}
		there[f.Label()] = true
		if st.roleOf(&f.Entry).Role != models.RoleServe {
			st.Passed = slices.DeleteFunc(st.Passed, func(l string) bool { return l == f.Label() })
		}
	}
	st.History, st.Passed = remembered(st.History, there), remembered(st.Passed, there)
}

// inOrder gives the entries that may serve, best first: new ones, the newest first, then
// those that served, the latest first, then those that were passed over, the newest first.
func (d *Folder) inOrder(k ipc.Kind, list []found) []found {
	st := d.state.of(k)
	var fresh, served, passed []found
	for i := len(list) - 1; i >= 0; i-- {
		f := list[i]
		switch {
		case f.kind != k, st.roleOf(&f.Entry).Role != models.RoleServe, slices.Contains(st.Rejected, f.Label()):
		case slices.Contains(st.History, f.Label()):
			served = append(served, f)
		case slices.Contains(st.Passed, f.Label()):
			passed = append(passed, f)
		default:
			fresh = append(fresh, f)
		}
	}
	slices.SortStableFunc(served, func(a, b found) int {
		return slices.Index(st.History, b.Label()) - slices.Index(st.History, a.Label())
	})
	return slices.Concat(fresh, served, passed)
}

// Problem says what is wrong with the folder's models of kind k that were to serve or to
// be tried.
func (d *Folder) Problem(k ipc.Kind) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.scan()
	if err != nil {
		return err
	}
	st := d.state.of(k)
	var problems []error
	for i := range list {
		f := &list[i]
		if f.kind != k || st.roleOf(&f.Entry).Role == models.RoleOff || slices.Contains(st.Rejected, f.Label()) {
			continue
		}
		if _, err := d.model(f); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", f.Label(), err))
		}
	}
	return errors.Join(problems...)
}

// Candidate gives the valid model of kind k that is to be tried beside the one that serves,
// in the shadow or on a share of the subjects: that which was named, else the newest whose
// manifest says so; nil when there is none. With an error the folder does not say.
func (d *Folder) Candidate(k ipc.Kind) (*Candidate, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.look()
	if err != nil {
		return nil, err
	}
	return d.candidate(k, list), nil
}

func (d *Folder) candidate(k ipc.Kind, list []found) *Candidate {
	st := d.state.of(k)
	// One that was named goes before what a manifest says.
	for _, named := range []bool{true, false} {
		for i := len(list) - 1; i >= 0; i-- {
			f := &list[i]
			r := st.roleOf(&f.Entry)
			if _, is := st.Roles[f.Label()]; is != named || f.kind != k || !r.tries() || slices.Contains(st.Rejected, f.Label()) {
				continue
			}
			if m, err := d.model(f); err == nil {
				c := &Candidate{Model: m}
				if r.Role == models.RoleShare {
					c.Share = r.Share
				}
				return c
			}
		}
	}
	return nil
}

// scan reads the manifests: manifest.json first, the others by age. One that is broken
// is an error about all: nobody knows what it would have said.
func (d *Folder) scan() ([]found, error) {
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
	var list []found
	for _, name := range names {
		entries, err := d.manifest(name)
		if err != nil {
			return nil, err
		}
		for i := range entries {
			for j := range list {
				if list[j].kind == entries[i].kind && list[j].Label() == entries[i].Label() {
					return nil, fmt.Errorf("%s: the manifests have several %v models called %s", name, entries[i].kind, entries[i].Label())
				}
			}
			list = append(list, entries[i])
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
	data, err := readFile(d.fsys, name, maxManifest)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(d.fsys, name)
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
	names := []string{name}
	if strings.HasSuffix(name, ".json") {
		beside, _ := fs.ReadDir(d.fsys, path.Dir(name))
		for _, f := range beside {
			if !f.IsDir() && !aboutModels(f.Name()) {
				names = append(names, path.Join(path.Dir(name), f.Name()))
			}
		}
	}
	for _, name := range names {
		if info, err := fs.Stat(d.fsys, name); err == nil {
			fmt.Fprintf(&b, "%s %d %d;", name, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintf(&b, "%s none;", name)
		}
	}
	return b.String()
}

// aboutModels reports whether a file holds no weights of TensorFlow.js, by its name, which
// for those may be any.
func aboutModels(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".onnx") || strings.HasPrefix(name, stateFile)
}

// Mark tells whether anything in the folder has changed since it was last the same.
func (d *Folder) Mark() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	names, _ := fs.Glob(d.fsys, "*manifest.json")
	for _, name := range append(names, stateFile) {
		b.WriteString(d.mark(name))
	}
	list, err := d.scan()
	if err != nil {
		return b.String() + err.Error()
	}
	for _, f := range list {
		b.WriteString(f.mark)
	}
	return b.String()
}
