package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// models is what serves, and the folder it comes from.
type models struct {
	registry *registry.Registry
	folder   *registry.Folder // nil with the built-in models alone
	log      zerolog.Logger
}

// newModels prefers the folder's models, where there is one, to the built-in ones.
func newModels(dir string, log zerolog.Logger) *models {
	m := &models{log: log}
	if dir == "" {
		m.registry = registry.New(registry.Embedded())
		return m
	}
	m.folder = registry.Dir(dir)
	m.registry = registry.New(m.folder, registry.Embedded())
	return m
}

// load loads the models and says which serve now, and what was wrong with others. What
// is as it was before is only said where all is.
func (m *models) load(all bool) {
	before := m.registry.Snapshot()
	// The joined error is left aside: the snapshot has it kind by kind.
	_ = m.registry.Reload()
	now := m.registry.Snapshot()
	for _, k := range ipc.Kinds {
		model, problem := now.Model(k), now.Problem(k)
		if !all && model == before.Model(k) && text(problem) == text(before.Problem(k)) && now.Candidate(k).Same(before.Candidate(k)) {
			continue
		}
		m.say(k, model, problem)
		if c := now.Candidate(k); c != nil {
			m.log.Info().Stringer("kind", k).Str("model", c.Label).Float64("share", c.Share).Str("from", c.Source).Msg("candidate loaded")
		}
	}
	if m.folder != nil {
		if err := m.folder.Unwritten(); err != nil {
			m.log.Warn().Err(err).Msg("the folder cannot be written: what is decided about its models ends with this process")
		}
	}
}

func (m *models) say(k ipc.Kind, model *registry.Model, problem error) {
	switch {
	case model == nil:
		m.log.Warn().Stringer("kind", k).AnErr("reason", problem).Msg("no model: calls get 503")
	case problem != nil:
		m.log.Warn().Stringer("kind", k).Str("model", model.Label).AnErr("reason", problem).Msg("model not replaced")
	default:
		m.log.Info().Stringer("kind", k).Str("model", model.Label).Str("from", model.Source).Msg("model loaded")
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// lookEvery is how often the folder is looked at.
const lookEvery = time.Second

// watch loads the models when the folder has changed and then stayed the same from one
// look to the next: files that are being copied are not loaded half.
func (m *models) watch(ctx context.Context) {
	if m.folder == nil {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	loaded := m.folder.Mark()
	last := loaded
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		mark := m.folder.Mark()
		if mark == last && mark != loaded {
			m.load(false)
			mark = m.folder.Mark() // loading may have written the state
			loaded = mark
		}
		last = mark
	}
}

// handle adds what an operator may do about the models.
func (m *models) handle(o *operator) {
	o.Handle("GET /models", "the folder's models and what they are for", http.HandlerFunc(m.show))
	act := func(path, help string, do func(r *http.Request) error) {
		o.Handle("POST /models/"+path, help, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m.folder == nil {
				refuse(w, http.StatusConflict, errNoFolder)
				return
			}
			if err := do(r); err != nil {
				code := http.StatusConflict
				if errors.Is(err, registry.ErrUnknown) {
					code = http.StatusNotFound
				}
				refuse(w, code, err)
				return
			}
			m.log.Info().Str("asked_by", "operator").Str("what", path).Str("which", r.URL.RawQuery).Msg("models change")
			m.load(false)
			m.show(w, r)
		}))
	}
	act("reload", "look at the folder now", func(*http.Request) error { return nil })
	act("promote", "?model=NAME@VERSION: let it serve", func(r *http.Request) error {
		return m.folder.Promote(r.FormValue("model"))
	})
	act("rollback", "?kind=KIND: back to the model that served before", func(r *http.Request) error {
		k, err := ipc.ParseKind(r.FormValue("kind"))
		if err == nil {
			_, err = m.folder.Rollback(k)
		}
		return err
	})
	act("try", "?model=NAME@VERSION&share=0.1: let it answer a share of the agents; without a share, in the shadow", func(r *http.Request) error {
		share := 0.0
		if text := r.FormValue("share"); text != "" {
			var err error
			if share, err = strconv.ParseFloat(text, 64); err != nil {
				return err
			}
		}
		return m.folder.Try(r.FormValue("model"), share)
	})
	act("stop", "?model=NAME@VERSION: neither serve nor try it", func(r *http.Request) error {
		return m.folder.Stop(r.FormValue("model"))
	})
}

var errNoFolder = errors.New("mld serves its built-in models only: start it with --models=DIR")

// modelsView is the document of GET /models.
type modelsView struct {
	Folder  string                 `json:"folder,omitempty"`
	Serving map[string]servingView `json:"serving"` // by kind
	Models  []registry.Listed      `json:"models"`  // of the folder
	Error   string                 `json:"error,omitempty"`
}

type servingView struct {
	Model     string  `json:"model"`
	From      string  `json:"from"`
	Problem   string  `json:"problem,omitempty"` // why no better one serves
	Candidate string  `json:"candidate,omitempty"`
	Share     float64 `json:"share,omitempty"`
}

func (m *models) view() modelsView {
	v := modelsView{Serving: make(map[string]servingView), Models: []registry.Listed{}}
	snap := m.registry.Snapshot()
	for _, k := range ipc.Kinds {
		s := servingView{Problem: text(snap.Problem(k))}
		if model := snap.Model(k); model != nil {
			s.Model, s.From = model.Label, model.Source
		}
		if c := snap.Candidate(k); c != nil {
			s.Candidate, s.Share = c.Label, c.Share
		}
		v.Serving[k.String()] = s
	}
	if m.folder != nil {
		v.Folder = m.folder.Name()
		list, err := m.folder.List()
		if err != nil {
			v.Error = err.Error()
		} else {
			v.Models = list
		}
	}
	return v
}

func (m *models) show(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, m.view()) }

func refuse(w http.ResponseWriter, code int, err error) {
	answer(w, code, modelsView{Error: err.Error()})
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // a reader who is gone needs no error
}
