package modeldesk

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/daemon/registry"
)

// Decisions hangs on s what can be decided with k. show answers after a decision that
// was taken, and is given the view.
func Decisions(s *admin.Server, k Keeper, show func(http.ResponseWriter, View)) {
	for _, route := range []struct{ what, help string }{
		{Reload, "look at the models' folder now"},
		{Promote, "?model=NAME@VERSION: let it serve"},
		{Rollback, "?kind=KIND: back to the model that served before"},
		{Try, "?model=NAME@VERSION&share=0.1: let it answer a share of the agents; without a share, in the shadow"},
		{Stop, "?model=NAME@VERSION: neither serve nor try it"},
	} {
		s.Handle("POST /models/"+route.what, route.help, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x, err := parse(route.what, r.URL.Query())
			if err != nil {
				refuse(w, http.StatusBadRequest, err)
				return
			}
			v, err := k.Do(x)
			switch {
			case errors.Is(err, registry.ErrUnknown):
				refuse(w, http.StatusNotFound, err)
			case errors.Is(err, ErrUnreachable), errors.Is(err, ErrForbidden):
				refuse(w, http.StatusBadGateway, err)
			case err != nil:
				refuse(w, http.StatusConflict, err)
			default:
				show(w, v)
			}
		}))
	}
}

// Show answers with a view.
func Show(w http.ResponseWriter, v View) { answer(w, http.StatusOK, v) }

func refuse(w http.ResponseWriter, code int, err error) {
	answer(w, code, View{Models: []registry.Listed{}, Error: err.Error()})
}

func answer(w http.ResponseWriter, code int, v View) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // a reader who is gone needs no error
}
