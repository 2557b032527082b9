package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// Folder is a source of models in a directory: manifests, that is manifest.json and
// every *.manifest.json, and the files that they name. A model serves by coming there,
// once it is valid: whatever is new to the folder, of several the newest; docs/models.md has
// what follows from that. What does not validate is passed over, and Problem says why. All
// methods may be called concurrently.
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
	list, err := d.look()
	if err != nil {
		return nil, "", err
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

// UnreadableError says that a folder does not say what is to serve: nobody can read a manifest
// or the state, or they contradict each other. What served before is then best.
type UnreadableError struct {
	Folder string // its path, as it was given
	Err    error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s: %v; until that is mended what serves goes on serving, and nothing can be decided", e.Folder, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// look reads manifests and state; its error is an UnreadableError.
func (d *Folder) look() ([]found, error) {
	all, err := d.scan()
	if err == nil {
		err = d.readState()
	}
	if err != nil {
		return nil, &UnreadableError{d.dir, err}
	}
	return all, nil
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
