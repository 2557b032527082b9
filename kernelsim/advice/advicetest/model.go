// Package advicetest is a model that tests write themselves.
package advicetest

import (
	"context"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Model is an ipc.Predictor whose answers are a function. It is used by one
// goroutine.
type Model struct {
	Answer func(q ipc.Request) ipc.Reply
	Err    error // what Predict returns instead, when set

	Asked    []ipc.Request   // copies, in order
	Outcome  []ipc.Outcome   // in order
	Required bool            // the last call insisted on the model
	Budgets  []time.Duration // of the calls, in order
}

// Sure makes a model's reply of a prediction, with a prediction id.
func Sure(p ipc.Prediction) ipc.Reply {
	return ipc.Reply{PredictionID: 7, Source: ipc.SourceModel, Model: "test@1", Prediction: p}
}

// None is what a bridge says that has no model.
func None(ipc.Request) ipc.Reply {
	return ipc.Reply{Status: ipc.StatusUnavailable, Error: "no model", Reason: ipc.ReasonDaemonUnavailable}
}

// Predict answers every question by the function.
func (m *Model) Predict(_ context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	if m.Err != nil {
		return m.Err
	}
	m.Required, m.Budgets = opts.RequireModel, append(m.Budgets, opts.Budget)
	for i, q := range reqs {
		m.Asked = append(m.Asked, q.Copy())
		replies[i] = m.Answer(q)
	}
	return nil
}

// Outcomes keeps what it is told.
func (m *Model) Outcomes(_ context.Context, outcomes []ipc.Outcome) error {
	m.Outcome = append(m.Outcome, outcomes...)
	return nil
}
