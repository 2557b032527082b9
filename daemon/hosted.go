package daemon

import (
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// Hosted answers batches of one kind inside another process: the same bodies, the
// same checks and the same models as over HTTP, without the second hop. One
// goroutine at a time may use it.
type Hosted struct {
	work     *work
	registry *registry.Registry
}

// NewHosted answers from the registry's models of kind k.
func NewHosted(k ipc.Kind, reg *registry.Registry) *Hosted {
	h := &Hosted{work: newWork(k), registry: reg}
	h.work.call.Batch = true
	return h
}

// Takes is about how long it takes to answer so many questions, by the trials of the model and
// of its candidate; 0 where nothing is known.
func (h *Hosted) Takes(questions int) (d time.Duration) {
	snap := h.registry.Snapshot()
	if m := snap.Model(h.work.call.Kind); m != nil {
		d = m.Trial.Single
	}
	if c := snap.Candidate(h.work.call.Kind); c != nil {
		d += c.Trial.Single
	}
	return d * time.Duration(questions)
}

// Answer answers a msgpack batch body as POST /api/ml/predict/{kind}/batch would.
// The answer is valid until the next call. The error is a *ipc.StatusError.
func (h *Hosted) Answer(body []byte) ([]byte, error) {
	h.work.body = body
	_, err := h.work.respond(api.Msgpack, h.registry, ipc.Now())
	h.work.body = nil
	if err != nil {
		return nil, err
	}
	return h.work.out, nil
}
