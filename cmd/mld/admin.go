package main

import (
	"context"
	"net"
	"net/http"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
	"github.com/mlbridge/mlbridge/ipc"
)

// adminSocket is the admin socket's name in the runtime directory.
const adminSocket = "mld-admin.sock"

// operator is the admin socket and what was asked there.
type operator struct {
	*admin.Server
	path  string // of the socket, "" where there is none
	drain chan struct{}
}

// serveAdmin answers the operator on the socket that the service manager passed, or that
// was named, or in the runtime directory. What an operator may do is added here.
func serveAdmin(ctx context.Context, named string, passed *systemd.Passed, desk *modeldesk.Desk, log zerolog.Logger, failed chan<- error) (*operator, error) {
	o := &operator{Server: admin.New(), drain: make(chan struct{}, 1)}
	o.Handle("POST /drain", "answer what is in flight, take nothing new, and end", http.HandlerFunc(o.handleDrain))
	o.Handle("GET /models", "the folder's models, what they are for, and what serves", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		v, _ := desk.View() // what is wrong is in it
		modeldesk.Show(w, v)
	}))
	modeldesk.Decisions(o.Server, desk, modeldesk.Show)
	ln, err := passed.Listener(passedAdmin)
	if err != nil {
		return o, err
	}
	if ln != nil {
		o.start(ln, failed)
		return o, nil
	}
	usual := ""
	if named == "" {
		if usual, err = ipc.PlaceSocket(adminSocket); err != nil {
			log.Warn().Err(err).Msg("no admin socket: give it a place with --admin")
			return o, nil
		}
	}
	if ln, err = admin.Listen(ctx, named, usual, log); err != nil || ln == nil {
		return o, err
	}
	o.start(ln, failed)
	return o, nil
}

func (o *operator) start(ln net.Listener, failed chan<- error) {
	o.path = ln.Addr().String()
	go func() {
		if err := o.Serve(ln); err != nil {
			failed <- err
		}
	}()
}

// handleDrain does what SIGTERM does; a second one changes nothing.
func (o *operator) handleDrain(w http.ResponseWriter, _ *http.Request) {
	admin.Accept(w)
	select {
	case o.drain <- struct{}{}:
	default:
	}
}
