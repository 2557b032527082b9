package translate

import (
	"github.com/mlbridge/mlbridge/ipc"
)

// AppendReply appends the "prediction" object of a reply whose status is ok: its
// kind, the fields of that kind, and where the answer comes from. Every member is
// always there; null stands for "none" (no GPU, no failure in sight, no reason, no
// model's name). f.Address should be the question's.
//
// The error is about numbers without a JSON form; b is then returned as it was.
func AppendReply(b []byte, r *ipc.Reply, f Form) ([]byte, error) {
	w := writer{b: b, form: f}
	w.open('{')
	w.name("kind")
	w.text(r.Kind.String())
	w.prediction(&r.Prediction)
	w.provenance(r)
	w.close('}')
	if w.err != nil {
		return b, w.err
	}
	return w.b, nil
}

// prediction writes the members of the kind's prediction into the open object.
func (w *writer) prediction(p *ipc.Prediction) {
	switch p.Kind {
	case ipc.Workload:
		members(w, workloadPrediction, &p.Workload)
	case ipc.Threat:
		members(w, threatPrediction, &p.Threat)
	case ipc.Failure:
		members(w, failurePrediction, &p.Failure)
	case ipc.Memory:
		members(w, memoryPrediction, &p.Memory)
	default:
		if w.err == nil {
			w.err = &ipc.StatusError{Status: ipc.StatusInternal, Text: "an answer without a prediction"}
		}
	}
}

func (w *writer) provenance(r *ipc.Reply) {
	w.name("prediction_id")
	w.u64(r.PredictionID)
	w.name("source")
	w.text(r.Source.String())
	w.name("age_ns")
	w.u64(uint64(max(r.Age, 0)))
	w.name("model")
	w.textOrNull(r.Model)
	w.name("reason")
	w.textOrNull(r.Reason.String())
	w.name("ruled")
	each(w, r.Ruled.Names(r.Kind), w.text)
}

func (w *writer) textOrNull(v string) {
	if v == "" {
		w.null()
		return
	}
	w.text(v)
}
