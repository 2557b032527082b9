// Package registry holds the models that mld serves. It loads them, refuses those
// that do not answer trial questions within range, and swaps a whole set at once:
// a request sees the models of one moment, never a mixture, and a reload never
// makes one wait or fail.
//
// A model that has once been accepted stays until a better one is there. When a
// reload brings a bad file for a kind, the kind keeps its present model and the
// snapshot says what was wrong. At the first load there is none to keep, so the next
// source's model serves instead, and again the snapshot says why.
package registry

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// ErrNone says that a source has no model of a kind. It is no fault: the next
// source is asked.
var ErrNone = errors.New("no model found")

// Source is where models come from.
type Source interface {
	// Load gives the predictor of kind k and says where it was found; ErrNone when
	// the source has none.
	Load(k ipc.Kind) (p Predictor, where string, err error)
}

// Snapshot is the set of models of one moment. It is immutable.
type Snapshot struct {
	models     [len(ipc.Kinds) + 1]*Model
	problems   [len(ipc.Kinds) + 1]error
	candidates [len(ipc.Kinds) + 1]*Candidate
	Generation uint64    // counts the swaps, from 1
	Taken      time.Time // when it replaced its predecessor
}

// Model gives the model of kind k, nil when there is none.
func (s *Snapshot) Model(k ipc.Kind) *Model {
	if !k.Valid() {
		return nil
	}
	return s.models[k]
}

// Problem says why the model of kind k is missing or older than it might be; nil
// when all is well.
func (s *Snapshot) Problem(k ipc.Kind) error {
	if !k.Valid() {
		return nil
	}
	return s.problems[k]
}

// Candidate gives the model of kind k that is tried beside Model; nil mostly.
func (s *Snapshot) Candidate(k ipc.Kind) *Candidate {
	if !k.Valid() || s.models[k] == nil {
		return nil
	}
	return s.candidates[k]
}

// advisor is a source that knows more than one model of a kind.
type advisor interface {
	// Problem is what keeps a better model from serving.
	Problem(k ipc.Kind) error
	// Candidate is the model to be tried, nil for none; with an error it is as it was.
	Candidate(k ipc.Kind) (*Candidate, error)
}

// A folder is one. What else is to be must say so like this, for one whose methods are not
// these is asked for its models alone, in silence.
var _ advisor = (*Folder)(nil)

// Registry gives out the present snapshot. All methods may be called concurrently.
type Registry struct {
	current atomic.Pointer[Snapshot]

	mu      sync.Mutex // one reload at a time; guards sources
	sources []Source
}

// New gives a registry that asks sources in order: for each kind the first that has
// a model is used. It is empty until Reload.
func New(sources ...Source) *Registry {
	r := &Registry{sources: sources}
	r.current.Store(&Snapshot{})
	return r
}

// Snapshot gives the present set of models; it never blocks.
func (r *Registry) Snapshot() *Snapshot { return r.current.Load() }

// Reload loads and validates everything anew and swaps it in. The error joins what
// was wrong, kind by kind; the new snapshot is in force in any case, with the old
// models of the kinds that had an error.
func (r *Registry) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	old := r.current.Load()
	next := &Snapshot{Generation: old.Generation + 1, Taken: now}
	for _, k := range ipc.Kinds {
		m, best, err := r.load(k, now)
		if err != nil {
			err = fmt.Errorf("registry: %v: %w", k, err)
			if !best && old.models[k] != nil {
				m = old.models[k]
			}
		}
		next.models[k], next.problems[k] = m, err
		next.candidates[k] = r.candidate(k, m, old.candidates[k])
	}
	r.current.Store(next)
	return errors.Join(next.problems[:]...)
}

// load asks the sources in turn. A bad file is not passed over in silence: whoever
// put it there wants to know. So the first error is returned even where a later
// source has a model, which comes with it for those who have nothing better; best says
// that the model is the one that the first source that has any wants.
func (r *Registry) load(k ipc.Kind, now time.Time) (_ *Model, best bool, _ error) {
	var first, told error
	for _, s := range r.sources {
		p, where, err := s.Load(k)
		a, advises := s.(advisor)
		if errors.Is(err, ErrNone) {
			if advises && told == nil {
				told = a.Problem(k)
			}
			continue
		}
		var m *Model
		if err == nil {
			m, err = newModel(k, p, where, now)
		}
		if err == nil && first != nil {
			return m, false, first
		}
		if err == nil {
			if advises && told == nil {
				told = a.Problem(k)
			}
			return m, true, told
		}
		if where != "" {
			err = fmt.Errorf("%s: %w", where, err)
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = ErrNone
	}
	return nil, false, first
}

// candidate asks the sources for a model to try beside m, given the one that was tried
// before.
func (r *Registry) candidate(k ipc.Kind, m *Model, before *Candidate) *Candidate {
	for _, s := range r.sources {
		a, ok := s.(advisor)
		if !ok {
			continue
		}
		c, err := a.Candidate(k)
		if err != nil {
			c = before
		}
		if c != nil && m != nil && c.Label != m.Label {
			return c
		}
	}
	return nil
}
