package registry

import (
	"maps"
	"slices"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// state is what was decided about a folder's models, by hand or by their being there. It
// outlives the process where the folder can be written.
type state struct {
	Kinds map[string]*kindState `json:"kinds"` // by ipc.Kind's name
}

// kindState is about the models of one kind, by label.
type kindState struct {
	// History are the models that served, oldest first; the last one serves, or did.
	History []string `json:"history,omitempty"`
	// Passed are models that might serve and were there, and valid, when another one was
	// chosen: like those of History, they do not come forward by being there.
	Passed []string `json:"passed,omitempty"`
	// Rejected are models that were rolled back: they do not come back by being there.
	Rejected []string `json:"rejected,omitempty"`
	// Roles are those that an operator gave; they go before the manifest's.
	Roles map[string]role `json:"roles,omitempty"`
}

type role struct {
	Role  string  `json:"role"`
	Share float64 `json:"share,omitempty"`
}

// tries reports whether a model with the role is asked beside the one that serves.
func (r role) tries() bool { return r.Role == models.RoleShadow || r.Role == models.RoleShare }

// How many models are remembered that are in the folder no more: of each list of what became
// of itself, and of what an operator decided.
const (
	maxGone    = 16
	maxDecided = 1024
)

// remembered leaves out the first of those that are not there, where they are over most.
func remembered(labels []string, there map[string]bool, most int) []string {
	gone := 0
	for _, l := range labels {
		if !there[l] {
			gone++
		}
	}
	return slices.DeleteFunc(labels, func(l string) bool {
		if there[l] || gone <= most {
			return false
		}
		gone--
		return true
	})
}

// tells reports whether the state says more than who looks for the first time would find: a
// folder with a model of a kind is not written to.
func (s *state) tells(list []found) bool {
	for _, k := range s.Kinds {
		if k != nil && (len(k.History) > 1 || len(k.Passed)+len(k.Rejected)+len(k.Roles) > 0) {
			return true
		}
	}
	return slices.ContainsFunc(list, func(f found) bool { // a manifest of one that serves has another role now
		return slices.Contains(s.of(f.kind).History, f.Label()) && f.Role != "" && f.Role != models.RoleServe
	})
}

func (s *state) of(k ipc.Kind) *kindState {
	if s.Kinds == nil {
		s.Kinds = make(map[string]*kindState)
	}
	if s.Kinds[k.String()] == nil {
		s.Kinds[k.String()] = &kindState{}
	}
	return s.Kinds[k.String()]
}

// clone gives a copy of what a look may change.
func (s *kindState) clone() kindState {
	return kindState{History: slices.Clone(s.History), Passed: slices.Clone(s.Passed)}
}

// same reports whether a look changed nothing since the copy was made.
func (s *kindState) same(now *kindState) bool {
	return slices.Equal(s.History, now.History) && slices.Equal(s.Passed, now.Passed)
}

// tidy forgets most of the models that are not there any more.
func (s *kindState) tidy(there map[string]bool) {
	s.History, s.Passed = remembered(s.History, there, maxGone), remembered(s.Passed, there, maxGone)
	s.Rejected = remembered(s.Rejected, there, maxDecided)
	if len(s.Roles) > maxDecided { // which have no order but that of versions, mostly
		named := slices.Sorted(maps.Keys(s.Roles))
		kept := remembered(slices.Clone(named), there, maxDecided)
		for _, l := range named {
			if !slices.Contains(kept, l) {
				delete(s.Roles, l)
			}
		}
	}
}

// serves is the label of the model that serves, "" for none.
func (s *kindState) serves() string {
	if len(s.History) == 0 {
		return ""
	}
	return s.History[len(s.History)-1]
}

// served notes that the model serves now.
func (s *kindState) served(label string) {
	s.forget(label)
	s.History = append(s.History, label)
}

// reject takes the model out of service: by being there it does not come back.
func (s *kindState) reject(label string) {
	s.forget(label)
	s.Rejected = append(s.Rejected, label)
}

// knows reports whether the model served, was passed over or was rejected.
func (s *kindState) knows(label string) bool {
	return slices.Contains(s.History, label) || slices.Contains(s.Passed, label) || slices.Contains(s.Rejected, label)
}

// withdrew reports whether an operator took the model out of service.
func (s *kindState) withdrew(label string) bool {
	r, given := s.Roles[label]
	return given && r.Role != models.RoleServe || slices.Contains(s.Rejected, label)
}

// forget takes the model out of all lists.
func (s *kindState) forget(label string) {
	is := func(l string) bool { return l == label }
	s.History = slices.DeleteFunc(s.History, is)
	s.Passed = slices.DeleteFunc(s.Passed, is)
	s.Rejected = slices.DeleteFunc(s.Rejected, is)
	delete(s.Roles, label)
}

// give gives the model a role of the operator's.
func (s *kindState) give(label string, r role) {
	s.forget(label)
	if s.Roles == nil {
		s.Roles = make(map[string]role)
	}
	s.Roles[label] = r
}

// roleOf is what the entry's model is for.
func (s *kindState) roleOf(e *models.Entry) role {
	if r, ok := s.Roles[e.Label()]; ok {
		return r
	}
	if slices.Contains(s.History, e.Label()) {
		return role{Role: models.RoleServe}
	}
	if e.Role == "" {
		return role{Role: models.RoleServe}
	}
	return role{Role: e.Role, Share: e.Share}
}
