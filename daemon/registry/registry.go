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
	// Look reads what the source has now.
	Look() Look
}

// Look is what a source had at one moment, for all kinds.
type Look interface {
	// Load gives the predictor of kind k and says where it was found; ErrNone when
	// the source has none.
	Load(k ipc.Kind) (p Predictor, where string, err error)
	// Problem is what keeps a better model of kind k from serving, nil for nothing.
	Problem(k ipc.Kind) error
	// Candidate is the model of kind k to be tried beside the one that serves, nil for none;
	// with an error it is as it was.
	Candidate(k ipc.Kind) (*Candidate, error)
}

// Snapshot is the set of models of one moment. It is immutable.
type Snapshot struct {
	models     [len(ipc.Kinds) + 1]*Model
	problems   [len(ipc.Kinds) + 1]error
	refused    [len(ipc.Kinds) + 1]int
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

// Refused is how many models of kind k were to serve or to be tried and are no good.
func (s *Snapshot) Refused(k ipc.Kind) int {
	if !k.Valid() {
		return 0
	}
	return s.refused[k]
}

// Candidate gives the model of kind k that is tried beside Model; nil mostly.
func (s *Snapshot) Candidate(k ipc.Kind) *Candidate {
	if !k.Valid() || s.models[k] == nil {
		return nil
	}
	return s.candidates[k]
}

// Registry gives out the present snapshot. All methods may be called concurrently.
type Registry struct {
	current atomic.Pointer[Snapshot]

	// OnInvalid, when set, is told of a call that a model answered with n numbers that are
	// none or outside their range, and what was wrong with one. It is set before models are
	// asked, may be called by several goroutines at once, and must not block.
	OnInvalid func(m *Model, n int, why string)

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
	looks := make([]Look, len(r.sources))
	for i, s := range r.sources {
		looks[i] = s.Look()
	}
	for _, k := range ipc.Kinds {
		m, best, err := modelOf(k, looks, now)
		if err != nil {
			err = fmt.Errorf("registry: %v: %w", k, err)
			if !best && old.models[k] != nil {
				m = old.models[k]
			}
		}
		next.models[k], next.problems[k], next.refused[k] = m, err, refusedOf(k, looks)
		next.candidates[k] = candidateOf(k, looks, m, old.candidates[k])
	}
	r.current.Store(next)
	return errors.Join(next.problems[:]...)
}

// modelOf goes through the sources in turn. A bad file is not passed over in silence: whoever
// put it there wants to know. So the first error is returned even where a later
// source has a model, which comes with it for those who have nothing better; best says
// that the model is the one that the first source that has any wants.
func modelOf(k ipc.Kind, looks []Look, now time.Time) (_ *Model, best bool, _ error) {
	var first, told error
	for _, l := range looks {
		p, where, err := l.Load(k)
		if told == nil {
			told = l.Problem(k)
		}
		if errors.Is(err, ErrNone) {
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

// refusedOf counts the models of kind k that the sources refuse.
func refusedOf(k ipc.Kind, looks []Look) (n int) {
	for _, l := range looks {
		if refused, ok := errors.AsType[*RefusedError](l.Problem(k)); ok {
			n += refused.Models
		}
	}
	return n
}

// candidateOf asks the sources for a model to try beside m, given the one that was tried
// before.
func candidateOf(k ipc.Kind, looks []Look, m *Model, before *Candidate) *Candidate {
	for _, l := range looks {
		c, err := l.Candidate(k)
		if err != nil {
			c = before
		}
		if c != nil && m != nil && c.Label != m.Label {
			return c
		}
	}
	return nil
}
