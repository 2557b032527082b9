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
	serves [len(ipc.Kinds) + 1]*Model // at the last Look
	tries  [len(ipc.Kinds) + 1]*Model // then, too
	seen   string                     // the mark then
	scans  int                        // how often the manifests were read
	looked bool                       // a Look could read the folder
	noted  bool                       // there is a state file
	text   []byte                     // what it said when it was read or written last
	memo   error                      // why it could not be written since
	alone  bool                       // no other process decides meanwhile
}

// Dir gives the models in a folder: one written by daemon/train/run, or one that models
// are brought to.
func Dir(dir string) *Folder {
	return &Folder{dir: dir, fsys: os.DirFS(dir), tried: make(map[string]*trial)}
}

// Look reads the folder, once for all kinds, and notes what follows from it: a model that
// serves now is one that served, and another one that might was passed over.
func (d *Folder) Look() Look {
	all, end, err := d.begin()
	defer end()
	d.seen = all.mark
	if err != nil {
		return &sight{err: err}
	}
	d.looked = true
	s, changed := new(sight), false
	for _, k := range ipc.Kinds {
		before := d.state.of(k).clone()
		s.models[k], s.bad[k] = d.serve(k, all.list)
		changed = changed || !before.same(d.state.of(k))
	}
	if d.memo != nil || d.noted && changed || !d.noted && d.state.tells(all.list) {
		d.keep()
	}
	for _, k := range ipc.Kinds {
		s.candidates[k] = d.candidate(k, all.list)
		if d.tries[k] = nil; s.candidates[k] != nil {
			d.tries[k] = s.candidates[k].Model
		}
		s.problems[k] = d.problem(k, all.list)
	}
	return s
}

// Seen is the Mark of what was there at the last Look.
func (d *Folder) Seen() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen
}

// sight is a look at a folder.
type sight struct {
	err        error // why the folder does not say; nothing else is known then
	models     [len(ipc.Kinds) + 1]*Model
	bad        [len(ipc.Kinds) + 1]error // why there is no model
	problems   [len(ipc.Kinds) + 1]error
	candidates [len(ipc.Kinds) + 1]*Candidate
}

// Load gives the model of kind k that serves. It is a validated *Model. With an error other
// than ErrNone the folder does not say, or all that might serve is no good: what served before
// is then best.
func (s *sight) Load(k ipc.Kind) (Predictor, string, error) {
	switch {
	case s.err != nil:
		return nil, "", s.err
	case s.bad[k] != nil:
		return nil, "", s.bad[k]
	}
	return s.models[k], s.models[k].Source, nil
}

// Problem says what is wrong with the folder's models of kind k that were to serve or to be
// tried.
func (s *sight) Problem(k ipc.Kind) error { return s.problems[k] }

// Candidate gives the valid model of kind k that is to be tried beside the one that serves,
// in the shadow or on a share of the subjects: that which was named, else the newest whose
// manifest says so.
func (s *sight) Candidate(k ipc.Kind) (*Candidate, error) { return s.candidates[k], s.err }

// serve gives the model of kind k that serves from now on. One whose file was written again,
// under the same name, and is no good any more serves on: an older one that took its place
// would keep it when the file is mended.
func (d *Folder) serve(k ipc.Kind, list []found) (*Model, error) {
	st := d.state.of(k)
	d.tidy(k, list)
	m, err := d.choose(k, list)
	switch {
	case m != nil:
		if st.serves() != m.Label {
			st.served(m.Label)
		}
		d.passOver(k, list)
		d.serves[k] = m
		return m, nil
	case errors.Is(err, ErrNone), d.serves[k] != nil && st.withdrew(d.serves[k].Label):
		d.serves[k] = nil
		return nil, ErrNone
	}
	return nil, fmt.Errorf("%s: %w", d.dir, err)
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
		return nil, joined(problems)
	}
	return nil, ErrNone
}

// problem says what is wrong with models of kind k, the newest first.
func (d *Folder) problem(k ipc.Kind, list []found) error {
	st := d.state.of(k)
	var problems []error
	for i := range slices.Backward(list) {
		f := &list[i]
		if f.kind != k || st.roleOf(&f.Entry).Role == models.RoleOff || slices.Contains(st.Rejected, f.Label()) {
			continue
		}
		if t, _ := d.try(f); t.err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", f.Label(), t.err))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &RefusedError{len(problems), joined(problems)}
}

// RefusedError says what is wrong with a folder's models of a kind that were to serve or to be
// tried.
type RefusedError struct {
	Models int // how many are refused; the text names the newest
	Err    error
}

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// joined is the first few errors; a folder has more models than anybody wants to read about
// in a log, and the list has them all.
func joined(problems []error) error {
	const most = 4
	if more := len(problems) - most; more > 0 {
		problems = append(problems[:most:most], fmt.Errorf("and %d more: models list says of each what is wrong", more))
	}
	return errors.Join(problems...)
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
