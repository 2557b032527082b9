package httpapi

import (
	"fmt"
	"net/http"

	"github.com/mlbridge/mlbridge/bridge/translate"
)

// outcome takes reports of what really happened. They are accepted, not answered:
// 202 says that they are on their way to the scores.
func (x *exchange) outcome() {
	if x.r.URL.RawQuery != "" {
		x.failError(badOption("unknown query %q, want none", clip(x.r.URL.RawQuery)))
		return
	}
	x.withBody(func(body []byte) {
		list, err := translate.DecodeOutcomes(body, x.cfg.Limits.Batch)
		if err != nil {
			x.failError(err)
			return
		}
		x.slots = len(list)
		if err := x.cfg.Predictor.Outcomes(x.r.Context(), list); err != nil {
			x.failError(err)
			return
		}
		x.json(http.StatusAccepted, fmt.Appendf(nil, `{"success":true,"accepted":%d}`, len(list)))
	})
}
