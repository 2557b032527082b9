package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

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
	// missing says why nothing answers questions of kind k.
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

// remote asks a live mld in batches, in msgpack.
type remote struct {
	base   string
	client *http.Client
	names  map[ipc.Kind][]string // of all models that answered
	body   []byte
	parsed api.Answer
}

// newRemote takes http://host:port, or unix:/path of mld's socket.
func newRemote(url string) (*remote, error) {
	r := &remote{base: strings.TrimSuffix(url, "/"), client: &http.Client{Timeout: time.Minute}, names: map[ipc.Kind][]string{}}
	switch path, socket := strings.CutPrefix(url, "unix:"); {
	case socket:
		r.base = "http://localhost"
		r.client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}
	case !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://"):
		return nil, fmt.Errorf("-url %s: want http://host:port, https://host:port or unix:/path of an mld", url)
	}
	return r, nil
}

// model names all that answered: a candidate on a share, or one that came meanwhile, has
// its part in the figures.
func (r *remote) model(k ipc.Kind) string { return strings.Join(r.names[k], " and ") }

func (r *remote) name(k ipc.Kind, model string) {
	if model != "" && !slices.Contains(r.names[k], model) {
		r.names[k] = append(r.names[k], strings.Clone(model))
	}
}

func (*remote) missing(ipc.Kind) error { return nil }

func (r *remote) answer(k ipc.Kind, reqs []ipc.Request, out []ipc.Prediction) error {
	r.body = api.Msgpack.AppendCall(r.body[:0], k, reqs, true)
	reply, err := r.client.Post(r.base+api.PredictPath(k, true), api.Msgpack.ContentType(), bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, 16<<20))
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", r.base, reply.Status, api.ParseError(body))
	}
	if err := api.Msgpack.ParseAnswer(body, k, true, len(reqs), &r.parsed); err != nil {
		return err
	}
	r.name(k, r.parsed.Model)
	for i := range out {
		s := &r.parsed.Slots[i]
		if s.Status != ipc.StatusOK {
			return fmt.Errorf("%s: question %d: %s", r.base, i, s.Error)
		}
		r.name(k, s.Model)
		out[i] = s.Prediction
	}
	return nil
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
