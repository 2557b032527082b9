package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"

	"github.com/mlbridge/mlbridge/ipc"
)

// passedAdmin is what the admin socket's unit is called (FileDescriptorName=); every
// other socket that is passed answers predictions.
const passedAdmin = "admin"

// self asks mld what others ask, through its own socket.
type self struct {
	client http.Client
	url    string
}

// question is about a component that nobody has.
var question = []byte(`{"component":"mld-self","healthScore":1,"currentValue":0,"baseline":0,"trend":1,` +
	`"historicalHealth":[],"failureHistory":[],"timeSinceLastFailure":null}`)

// newSelf gives the client of the server on a Unix socket among the listeners, where there
// is one: the bridge asks there, and a sandboxed daemon may open no other connection,
// whatever it is passed. Otherwise it asks on the first.
func newSelf(listeners []net.Listener) *self {
	ln := listeners[0]
	if i := slices.IndexFunc(listeners, func(l net.Listener) bool { return l.Addr().Network() == "unix" }); i >= 0 {
		ln = listeners[i]
	}
	network, address := ln.Addr().Network(), ln.Addr().String()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return &self{client: http.Client{Transport: &http.Transport{DialContext: dial}}, url: "http://localhost/api/ml/predict/failure"}
}

// ask gets a prediction. Whatever answers counts, also that there is no model.
func (s *self) ask(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(question))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("mld answers its own question with %s", resp.Status)
	}
	return nil
}

// statusLine says which models serve, in a line.
func (p *service) statusLine() string {
	snap := p.desk.Registry().Snapshot()
	line, missing := "", 0
	for _, k := range ipc.Kinds {
		m := snap.Model(k)
		if m == nil {
			missing++
			continue
		}
		line += ", " + m.Label
	}
	if line == "" {
		return "no model is loaded"
	}
	line = "serving " + line[2:]
	if missing > 0 {
		line += fmt.Sprintf("; %d of %d kinds have no model", missing, len(ipc.Kinds))
	}
	return line
}
