package main

import (
	"context"
	"net/http"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
)

// serveAdmin answers the operator on the socket that the service manager passed, or
// that was named, or beside the bridge's. What an operator may do is added here.
func (p *process) serveAdmin(named, socket string, passed *systemd.Passed) error {
	s := admin.New()
	p.operator = s
	s.Handle("POST /drain", "answer what is in flight, take nothing new, and end", http.HandlerFunc(p.handleDrain))
	p.handleModels(s)
	p.servePage(s)
	ln, err := passed.Listener(passedAdmin)
	if ln == nil && err == nil {
		ln, err = admin.Listen(context.Background(), named, admin.Beside(socket), p.log)
	}
	if err != nil || ln == nil {
		return err
	}
	p.admin = ln.Addr().String()
	go func() {
		if err := s.Serve(ln); err != nil {
			p.failed <- err
		}
	}()
	return nil
}

// handleDrain does what SIGTERM does; a second one changes nothing.
func (p *process) handleDrain(w http.ResponseWriter, _ *http.Request) {
	admin.Accept(w)
	select {
	case p.drainAsked <- struct{}{}:
	default:
	}
}
