package main

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/daemon/registry"
)

// handleModels adds what an operator may do about the models: the kill switch, a look at
// their standings, and what can be decided about the files they come from.
func (p *process) handleModels(s *admin.Server) {
	s.Handle("GET /models", "how each model does against its rule, whether it is trusted, and what the models' folder has", http.HandlerFunc(p.showModels))
	turn := func(on bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p.bridge.ModelsOff() == on {
				p.bridge.UseModels(on)
				if said := p.log.Warn().Str("asked_by", "operator"); on {
					said.Msg("models were turned on: they answer as far as they are trusted")
				} else {
					said.Msg("models were turned off: rules answer everything")
				}
			}
			p.showModels(w, r)
		})
	}
	s.Handle("POST /models/off", "the kill switch: rules answer everything, from the next call on", turn(false))
	s.Handle("POST /models/on", "models answer again, as far as they are trusted", turn(true))
	if p.keeper != nil {
		modeldesk.Decisions(s, p.keeper, p.showView)
	}
}

// modelsView is the document of GET /models: how the models do, and where they come
// from, as mld's has it.
type modelsView struct {
	On    bool                       `json:"on"`
	Kinds map[string]json.RawMessage `json:"kinds"`
	modeldesk.View
}

// showModels answers with the part of the status that is about models.
func (p *process) showModels(w http.ResponseWriter, _ *http.Request) { p.showView(w, p.modelView()) }

// modelView says where the models come from; why that cannot be told is in it.
func (p *process) modelView() modeldesk.View {
	if p.keeper == nil {
		return modeldesk.View{}
	}
	v, err := p.keeper.View()
	if err != nil {
		v.Error = err.Error()
	}
	return v
}

func (p *process) showView(w http.ResponseWriter, models modeldesk.View) {
	if models.Models == nil {
		models.Models = []registry.Listed{}
	}
	view := modelsView{On: !p.bridge.ModelsOff(), Kinds: make(map[string]json.RawMessage), View: models}
	for _, k := range p.bridge.Status().Kinds {
		view.Kinds[k.Kind], _ = json.Marshal(struct { // numbers and texts: nothing to go wrong
			Model any `json:"model"`
			Score any `json:"score"`
		}{k.Model, k.Score})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(view) // a reader who is gone needs no error
}

// standings says in a phrase each what operators must know of the models.
func (p *process) standings() (reasons []string) {
	if p.bridge.ModelsOff() {
		reasons = append(reasons, "the operator has turned the models off: rules serve")
	}
	for _, s := range p.bridge.Scores() {
		ruled, all := s.Ruled()
		if len(ruled) == 0 {
			continue
		}
		better := s.Kind.String() + ": the rule has been better than " + cmp.Or(s.Standings[0].Model, "the daemon's model")
		if all {
			reasons = append(reasons, better+": the rule serves")
			continue
		}
		reasons = append(reasons, better+" at "+strings.Join(ruled, " and ")+": there the rule serves")
	}
	return reasons
}
