package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mlbridge/mlbridge/bridge"
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
	models.Serving = withRules(models.Serving, p.bridge.Scores(), p.bridge.ModelsOff())
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

// switchedOff says what the kill switch does.
func switchedOff() string { return "the operator has turned the models off: rules serve" }

// standings says in a phrase each what operators must know of the models.
func (p *process) standings() (reasons []string) {
	if p.bridge.ModelsOff() {
		reasons = append(reasons, switchedOff())
	}
	for _, s := range p.bridge.Scores() {
		if why, _ := demoted(&s); why != "" {
			reasons = append(reasons, s.Kind.String()+": "+why)
		}
	}
	return reasons
}

// demoted says where the rule serves in the place of a kind's model, "" for nowhere; all, that
// it does for all that was asked.
func demoted(s *bridge.Score) (why string, all bool) {
	ruled, all := s.Ruled()
	if len(ruled) == 0 {
		return "", false
	}
	better := "the rule has been better than " + cmp.Or(s.Standings[0].Model, "the daemon's model")
	if all {
		return better + ": the rule serves", true
	}
	return better + " at " + strings.Join(ruled, " and ") + ": there the rule serves", false
}

// withRules adds to what would answer for each kind where the rule does instead. A model that
// was promoted and not asked yet has no part in what became of the one before.
func withRules(serving map[string]modeldesk.Serving, scores []bridge.Score, off bool) map[string]modeldesk.Serving {
	serving = maps.Clone(serving) // which others look at
	for i := range scores {
		kind := scores[i].Kind.String()
		s, ok := serving[kind]
		if !ok {
			continue
		}
		if off {
			s.Ruled, s.Idle = switchedOff(), true
		} else if why, all := demoted(&scores[i]); why != "" && slices.Contains([]string{"", s.Model}, scores[i].Standings[0].Model) {
			s.Ruled, s.Idle = why, all
		}
		serving[kind] = s
	}
	return serving
}
