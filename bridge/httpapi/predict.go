package httpapi

import (
	"net/http"

	"github.com/mlbridge/mlbridge/bridge/translate"
	"github.com/mlbridge/mlbridge/ipc"
)

// single answers one question of kind k.
func (x *exchange) single(k ipc.Kind) {
	ask, err := x.options()
	if err != nil {
		x.failError(err)
		return
	}
	x.withBody(func(body []byte) {
		q, err := translate.DecodeRequest(body, k)
		if err != nil {
			x.failError(err)
			return
		}
		x.slots = 1
		replies := make([]ipc.Reply, 1)
		if err := x.predict([]ipc.Request{q.Request}, replies, ask); err != nil {
			x.failError(err)
			return
		}
		r := &replies[0]
		if r.Status != ipc.StatusOK {
			x.failStatus(r.Status, errorText(r))
			return
		}
		form := translate.Form{U64AsString: ask.u64AsString, Address: q.Address}
		out, err := translate.AppendReply([]byte(`{"success":true,"prediction":`), r, form)
		if err != nil {
			x.failError(err)
			return
		}
		x.json(http.StatusOK, append(out, '}'))
	})
}

// batch answers many questions, of kind k or, when k is 0, of the kind that each
// names. The call as a whole succeeds however its slots fare.
func (x *exchange) batch(k ipc.Kind) {
	ask, err := x.options()
	if err != nil {
		x.failError(err)
		return
	}
	x.withBody(func(body []byte) {
		slots, err := translate.DecodeBatch(body, k, x.cfg.Limits.Batch)
		if err != nil {
			x.failError(err)
			return
		}
		x.slots = len(slots)
		// Questions that can be asked are asked together; replies come back in
		// their order.
		questions := make([]ipc.Request, 0, len(slots))
		for i := range slots {
			if slots[i].Err == nil {
				questions = append(questions, slots[i].Request)
			}
		}
		replies := make([]ipc.Reply, len(questions))
		if len(questions) > 0 {
			if err := x.predict(questions, replies, ask); err != nil {
				x.failError(err)
				return
			}
		}
		x.json(http.StatusOK, x.results(slots, replies, ask))
	})
}

// predict asks the predictor with what is left of the budget.
func (x *exchange) predict(questions []ipc.Request, replies []ipc.Reply, ask asked) error {
	return x.cfg.Predictor.Predict(x.r.Context(), questions, replies, ipc.Options{
		Budget:       x.left(ask.budget),
		RequireModel: ask.requireModel, Class: ask.class, Trace: ask.trace,
	})
}

// results writes one object per slot, in the order of the questions.
func (x *exchange) results(slots []translate.Slot, replies []ipc.Reply, ask asked) []byte {
	out := []byte(`{"success":true,"results":[`)
	next := 0
	for i := range slots {
		if i > 0 {
			out = append(out, ',')
		}
		s := &slots[i]
		if s.Err != nil {
			status, text := statusOf(s.Err)
			out = appendFailure(out, status, text)
			continue
		}
		out = x.result(out, &replies[next], translate.Form{U64AsString: ask.u64AsString, Address: s.Address})
		next++
	}
	return append(out, "]}"...)
}

func (x *exchange) result(out []byte, r *ipc.Reply, form translate.Form) []byte {
	if r.Status != ipc.StatusOK {
		return appendFailure(out, r.Status, errorText(r))
	}
	start := len(out)
	out, err := translate.AppendReply(append(out, `{"status":"ok","prediction":`...), r, form)
	if err != nil {
		x.log("answer has no JSON form", err)
		status, text := statusOf(err)
		return appendFailure(out[:start], status, text)
	}
	return append(out, '}')
}

func appendFailure(out []byte, s ipc.Status, text string) []byte {
	if s == ipc.StatusOK || !s.Valid() {
		s = ipc.StatusInternal
	}
	out = append(out, `{"status":`...)
	out = append(out, quote(s.String())...)
	out = append(out, `,"error":`...)
	out = append(out, quote(text)...)
	return append(out, '}')
}

// errorText is what a reply without a prediction says, at least its status.
func errorText(r *ipc.Reply) string {
	if r.Error != "" {
		return r.Error
	}
	return r.Status.String()
}
