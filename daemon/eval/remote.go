package main

import (
	"bytes"
	"context"
	"errors"
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

// refusal is a daemon's word that it does not answer.
type refusal struct {
	from, text string
	code       int // of HTTP
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", r.from, r.code, http.StatusText(r.code), r.text)
}

// missing asks a question: a daemon that has no model for its kind, or does not know of it,
// says so, and one that is not there does not.
func (r *remote) missing(k ipc.Kind) error {
	q := ipc.NewRequest(k)
	if f, ok := q.(*ipc.FailureRequest); ok {
		f.Component = "eval"
	}
	err := r.answer(k, []ipc.Request{q}, make([]ipc.Prediction, 1))
	delete(r.names, k) // the figures are not of this answer
	var no *refusal
	if errors.As(err, &no) && slices.Contains([]int{http.StatusNotFound, http.StatusNotImplemented, http.StatusServiceUnavailable}, no.code) {
		return fmt.Errorf("%w: %w", registry.ErrNone, err)
	}
	return err
}

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
		return &refusal{r.base, api.ParseError(body), reply.StatusCode}
	}
	if err := api.Msgpack.ParseAnswer(body, k, true, len(reqs), &r.parsed); err != nil {
		return err
	}
	r.name(k, r.parsed.Model)
	for i := range out {
		s := &r.parsed.Slots[i]
		if s.Status != ipc.StatusOK {
			return &refusal{r.base, fmt.Sprintf("question %d: %s", i, s.Error), api.HTTPStatus(s.Status)}
		}
		r.name(k, s.Model)
		out[i] = s.Prediction
	}
	return nil
}
