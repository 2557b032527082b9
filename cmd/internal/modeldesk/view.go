package modeldesk

import (
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// View is what is known about the models: the document of GET /models on an admin
// socket.
type View struct {
	Folder  string             `json:"folder,omitempty"`  // "": the built-in models alone
	Listen  []string           `json:"listen,omitempty"`  // where the models answer, as mld's --listen takes it
	Serving map[string]Serving `json:"serving,omitempty"` // by kind; none where a folder was asked that nobody serves
	Models  []registry.Listed  `json:"models"`            // of the folder
	Error   string             `json:"error,omitempty"`   // why there are none

	Unwritten string `json:"unwritten,omitempty"` // why what is decided ends with the process
}

// Serving is what answers for a kind.
type Serving struct {
	Model     string  `json:"model"` // name@version, "" for none
	From      string  `json:"from"`
	Problem   string  `json:"problem,omitempty"` // why no better one serves
	Refused   int     `json:"refused,omitempty"` // how many of the folder were to serve or to be tried and are no good
	Candidate string  `json:"candidate,omitempty"`
	Share     float64 `json:"share,omitempty"`
	Ruled     string  `json:"ruled,omitempty"` // where the rule answers instead, and why: a bridge knows
	Idle      bool    `json:"idle,omitempty"`  // it does so everywhere

	// Questions answered with a number that is none or outside its range, since the model was
	// loaded.
	Invalid          uint64 `json:"invalid_outputs,omitempty"`
	CandidateInvalid uint64 `json:"candidate_invalid_outputs,omitempty"`
}

// View says what serves and what the folder has. There is no error: what is wrong with
// the folder is in the view.
func (d *Desk) View() (View, error) {
	v := View{Serving: make(map[string]Serving), Models: []registry.Listed{}, Listen: d.listen}
	snap := d.registry.Snapshot()
	for _, k := range ipc.Kinds {
		s := Serving{Problem: text(snap.Problem(k)), Refused: snap.Refused(k)}
		if model := snap.Model(k); model != nil {
			s.Model, s.From = model.Label, model.Source
			s.Invalid, _ = model.Invalid()
		}
		if c := snap.Candidate(k); c != nil {
			s.Candidate, s.Share = c.Label, c.Share
			s.CandidateInvalid, _ = c.Invalid()
		}
		v.Serving[k.String()] = s
	}
	if d.folder == nil {
		return v, nil
	}
	v.Folder = d.folder.Name()
	v.Unwritten = text(d.folder.Unwritten())
	list, err := d.folder.List()
	if err != nil {
		v.Error = err.Error()
	} else {
		v.Models = list
	}
	return v, nil
}
