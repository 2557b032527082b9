package modeldesk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/daemon/registry"
)

// ErrUnreachable says that nobody answers on the admin socket.
var ErrUnreachable = errors.New("nobody answers on the admin socket")

// ErrForbidden says that the admin socket is another user's: whether anybody answers on it
// is not known.
var ErrForbidden = errors.New("this user may not use the admin socket")

// Remote looks after the models of another process, through its admin socket.
type Remote struct {
	socket string
	http   *http.Client
}

// At gives the keeper of the daemon with the admin socket. A look takes at most
// patience, a decision, for which models are tried, at most a minute.
func At(socket string, patience time.Duration) *Remote {
	r := &Remote{socket: socket, http: admin.Client(socket)}
	r.http.Timeout = patience
	return r
}

// decisionPatience bounds a decision: a model that is tried answers 48 questions, many
// times each.
const decisionPatience = time.Minute

// maxView bounds a view: of a thousand models each may have much that is wrong with it.
const maxView = 16 << 20

// View asks for the view.
func (r *Remote) View() (View, error) { return r.ask(r.http, http.MethodGet, "/models") }

// Do asks for the decision.
func (r *Remote) Do(x Decision) (View, error) {
	patient := *r.http
	patient.Timeout = decisionPatience
	return r.ask(&patient, http.MethodPost, x.Path())
}

func (r *Remote) ask(c *http.Client, method, path string) (View, error) {
	var v View
	req, err := http.NewRequest(method, "http://admin"+path, nil)
	if err != nil {
		return v, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return v, unreached(r.socket, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxView)).Decode(&v); err != nil {
		return v, fmt.Errorf("the answer on %s: %w", r.socket, err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return v, nil
	case http.StatusNotFound:
		return v, unknown(v.Error)
	}
	return v, errors.New(v.Error)
}

// unknown is registry.ErrUnknown as the other process put it.
type unknown string

func (u unknown) Error() string        { return string(u) }
func (u unknown) Is(target error) bool { return target == registry.ErrUnknown }

// unreached says why nobody was reached on the socket.
func unreached(socket string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w %s, which is for its owner and root: %w", ErrForbidden, socket, err)
	}
	return fmt.Errorf("%w %s: %w", ErrUnreachable, socket, err)
}
