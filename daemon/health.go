package daemon

import (
	"encoding/json"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/valyala/fasthttp"
)

// Health is the body of /health.
type Health struct {
	Status    string                 `json:"status"` // healthy, degraded (a kind lacks its model or keeps an old one) or draining
	Service   string                 `json:"service"`
	Version   string                 `json:"version"`
	UptimeSec float64                `json:"uptime_s"`
	Models    map[string]ModelHealth `json:"models"` // by kind
}

// ModelHealth is the state of one kind's model.
type ModelHealth struct {
	Status string     `json:"status"`           // healthy, degraded (an older model serves) or unavailable
	Model  string     `json:"model,omitempty"`  // "name@version"
	Source string     `json:"source,omitempty"` // where it was loaded from
	Loaded *time.Time `json:"loaded,omitempty"`
	Error  string     `json:"error,omitempty"` // why it is missing or older than it might be

	Candidate string  `json:"candidate,omitempty"` // "name@version" of the model that is tried beside it
	Share     float64 `json:"share,omitempty"`     // of the subjects that the candidate answers; 0 in the shadow

	// How many of its questions the model answered with a number that is none or outside its
	// range, which nobody got, since it was loaded; and what was wrong with the last.
	Invalid     uint64 `json:"invalid_outputs,omitempty"`
	LastInvalid string `json:"last_invalid_output,omitempty"`

	CandidateInvalid     uint64 `json:"candidate_invalid_outputs,omitempty"` // the same of the candidate
	CandidateLastInvalid string `json:"candidate_last_invalid_output,omitempty"`
}

// Health gives what /health says.
func (s *Server) Health() Health {
	h := Health{
		Status: "healthy", Service: "mld", Version: s.opts.Version,
		UptimeSec: time.Since(s.started).Seconds(), Models: make(map[string]ModelHealth, len(ipc.Kinds)),
	}
	snap := s.registry.Snapshot()
	for _, k := range ipc.Kinds {
		m := ModelHealth{Status: "unavailable"}
		if model := snap.Model(k); model != nil {
			m = ModelHealth{Status: "healthy", Model: model.Label, Source: model.Source, Loaded: &model.Loaded}
			m.Invalid, m.LastInvalid = model.Invalid()
		}
		if c := snap.Candidate(k); c != nil {
			m.Candidate, m.Share = c.Label, c.Share
			m.CandidateInvalid, m.CandidateLastInvalid = c.Invalid()
		}
		if err := snap.Problem(k); err != nil {
			m.Error = err.Error()
			if m.Model != "" {
				m.Status = "degraded"
			}
		}
		if m.Status != "healthy" {
			h.Status = "degraded"
		}
		h.Models[k.String()] = m
	}
	if s.Draining() {
		h.Status = "draining"
	}
	return h
}

// health answers 200 as long as there is a process to answer: what is degraded
// still serves. /readyz is the one for load balancers.
func (s *Server) health(ctx *fasthttp.RequestCtx) { sendValue(ctx, s.Health()) }

// live says that the process answers.
func (s *Server) live(ctx *fasthttp.RequestCtx) {
	sendValue(ctx, map[string]string{"status": "live"})
}

// ready says whether to send calls here: some model is loaded and nothing drains.
func (s *Server) ready(ctx *fasthttp.RequestCtx) {
	switch {
	case s.Draining():
		sendError(ctx, fasthttp.StatusServiceUnavailable, "draining")
	case !s.anyModel():
		sendError(ctx, fasthttp.StatusServiceUnavailable, "no model is loaded")
	default:
		sendValue(ctx, map[string]string{"status": "ready"})
	}
}

func (s *Server) anyModel() bool {
	snap := s.registry.Snapshot()
	for _, k := range ipc.Kinds {
		if snap.Model(k) != nil {
			return true
		}
	}
	return false
}

// sendValue answers 200 with v as JSON.
func sendValue(ctx *fasthttp.RequestCtx, v any) {
	body, err := json.Marshal(v)
	if err != nil { // no value given here can make it fail
		panic(err)
	}
	sendJSON(ctx, fasthttp.StatusOK, body)
}
