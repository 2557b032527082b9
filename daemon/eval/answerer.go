package main

import (
	"fmt"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// answerer answers questions of one kind, as they are served.
type answerer interface {
	// answer fills out, one for each request. All requests are of kind k.
	answer(k ipc.Kind, reqs []ipc.Request, out []ipc.Prediction) error
	// model names what answers.
	model(k ipc.Kind) string
	// missing says why nothing answers questions of kind k, nil where something does; ErrNone
	// of the registry where there is no model for them, which is no fault.
	missing(k ipc.Kind) error
}

// local answers with the models of a registry.
type local struct{ *registry.Snapshot }

// newLocal loads the models of a folder, the embedded ones where it is "". A folder
// need not have all kinds.
func newLocal(dir string) local {
	source := registry.Embedded()
	if dir != "" {
		source = registry.Dir(dir)
	}
	r := registry.New(source)
	_ = r.Reload() // what is wrong is in the snapshot, by kind
	return local{r.Snapshot()}
}

// missing says why there is no model of kind k, nil where there is one.
func (l local) missing(k ipc.Kind) error { return l.Problem(k) }

func (l local) model(k ipc.Kind) string {
	if m := l.Model(k); m != nil {
		return m.Label
	}
	return ""
}

func (l local) answer(k ipc.Kind, reqs []ipc.Request, out []ipc.Prediction) error {
	m := l.Model(k)
	if m == nil {
		return fmt.Errorf("no %v model", k)
	}
	return m.Predict(reqs, out)
}

// batcher collects questions and hands their answers on in the same order. Its
// requests are kept until they are answered: the sender makes each anew.
type batcher[T any] struct {
	by   answerer
	kind ipc.Kind
	take func(about T, q ipc.Request, p *ipc.Prediction)

	reqs  []ipc.Request
	about []T
	out   [api.MaxBatch]ipc.Prediction
}

func (b *batcher[T]) ask(q ipc.Request, about T) error {
	b.reqs, b.about = append(b.reqs, q), append(b.about, about)
	if len(b.reqs) == api.MaxBatch {
		return b.flush()
	}
	return nil
}

func (b *batcher[T]) flush() error {
	if len(b.reqs) == 0 {
		return nil
	}
	out := b.out[:len(b.reqs)]
	if err := b.by.answer(b.kind, b.reqs, out); err != nil {
		return err
	}
	for i, q := range b.reqs {
		b.take(b.about[i], q, &out[i])
	}
	b.reqs, b.about = b.reqs[:0], b.about[:0]
	return nil
}
