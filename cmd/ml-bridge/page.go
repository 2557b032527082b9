package main

import (
	"net/http"
	"strings"

	"github.com/mlbridge/mlbridge/bridge/httpapi"
	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/cmd/internal/admin"
)

// servePage adds the live page to the admin socket, at /live, where it has buttons for
// what an operator may do. A browser gets there through a forwarded port:
//
//	ssh -L 9016:/run/mlbridge/bridge-admin.sock node    then http://localhost:9016/live
//
// It comes last: what it offers are the actions that the socket has.
func (p *process) servePage(s *admin.Server) {
	actions := []status.Action{}
	for _, a := range s.Actions() {
		if strings.HasPrefix(a.Help, "?") {
			continue // it needs to be told of which model: the page has those beside the model
		}
		actions = append(actions, status.Action{Path: a.Path, Name: strings.ReplaceAll(a.Path[1:], "/", " "), Help: a.Help})
	}
	handler := httpapi.New(httpapi.Config{
		Predictor: p.bridge, Health: p.health, Metrics: p.metricsHandler(),
		Status: func(since int64) status.Document {
			d := p.status(since, true)
			d.ModelFiles = p.modelFiles()
			for _, a := range actions {
				// Of the kill switch's two positions the page offers the other one.
				if on := !p.bridge.ModelsOff(); on && a.Path == "/models/on" || !on && a.Path == "/models/off" {
					continue
				}
				d.Actions = append(d.Actions, a)
			}
			return d
		},
		Log: func(msg string, err error) { p.log.Error().Err(err).Msg(msg) },
	})
	s.Handle("GET /live", "the live page, with buttons for the actions", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL.Path = "/" // where the handler has it
		handler.ServeHTTP(w, r)
	}))
	s.Handle("GET /api/ml/status", "what the page shows", handler)
	s.Handle("GET /health", "the state in short", handler)
	s.Handle("GET /metrics", "Prometheus metrics", handler)
	s.Handle("GET /openapi.json", "the HTTP API, of the other port", handler)
}
