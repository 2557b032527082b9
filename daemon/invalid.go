package daemon

import (
	"errors"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/predict"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// askModel asks m; which questions it answered with what is no number is in none. The error is
// about all of them.
func askModel(m *registry.Model, reqs []ipc.Request, out []ipc.Prediction) (none *predict.InvalidError, err error) {
	err = m.Predict(reqs, out)
	if none, some := errors.AsType[*predict.InvalidError](err); some {
		return none, nil
	}
	return nil, err
}

// wrong says what is wrong with a prediction of kind k, "" for nothing. none is what the
// predictor itself found.
func wrong(k ipc.Kind, p *ipc.Prediction, none *predict.Fault) string {
	if none != nil {
		return none.String()
	}
	p.Kind = k
	if err := p.Validate(); err != nil {
		return api.ErrorText(err)
	}
	return ""
}

// badly counts a model's answers to a call that are none.
type badly struct {
	n   int
	why string // of the first
}

func (b *badly) add(why string) {
	if b.n++; b.n == 1 {
		b.why = why
	}
}

func (b *badly) note(reg *registry.Registry, m *registry.Model) {
	if b.n > 0 {
		reg.NoteInvalid(m, b.n, b.why)
	}
}
