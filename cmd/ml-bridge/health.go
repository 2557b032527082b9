package main

import (
	"os"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/bridge/httpapi"
	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/ipc"
)

// status is what /api/ml/status says: to everybody, or with all that the log says to an
// operator.
func (p *process) status(since int64, operator bool) status.Document {
	d := p.bridge.Status()
	d.Version, d.Notices = cli.Version(), p.noted.list(operator)
	d.Host, _ = os.Hostname() // "" where it has none
	p.recent.Fill(&d, since)
	return d
}

// health is what /health, /livez and /readyz say.
func (p *process) health() httpapi.Health {
	up, scores := p.bridge.Upstream(), p.bridge.Scores()
	h := httpapi.Health{
		Version: cli.Version(), Live: p.bridge.Running(), Ready: p.bridge.Running() && !p.draining.Load(),
		HTTP:     p.address,
		Upstream: httpapi.Upstream{Address: up.Target, State: up.State.String(), Format: up.Format, Error: up.Reason, Endpoints: endpoints(up.Endpoints)},
		Models:   p.bridge.Models(), Drifted: drifted(scores),
	}
	for _, e := range up.Endpoints {
		if up.State == bridge.UpstreamUp && e.State == bridge.UpstreamDown {
			h.Reasons = append(h.Reasons, e.Target+" does not answer: another upstream serves")
		}
	}
	off := p.bridge.ModelsOff()
	if up.State == bridge.UpstreamDown {
		h.Reasons = append(h.Reasons, "the daemon does not answer: "+insteadOfAll(scores, off))
	} else {
		failing := up.Failing()
		for i := range scores {
			if why, ok := failing[scores[i].Kind]; ok {
				h.Reasons = append(h.Reasons, scores[i].Kind.String()+": "+why+": "+instead(&scores[i], off))
			}
		}
	}
	h.Reasons = append(h.Reasons, p.refusals().Reasons()...)
	h.Reasons = append(h.Reasons, p.standings()...)
	if p.draining.Load() {
		h.Reasons = append(h.Reasons, "draining")
	}
	return h
}

// instead says who answers for a kind that the daemon fails for; off, that the models are.
func instead(s *bridge.Score, off bool) string {
	switch {
	case off:
		return "the rule serves"
	case s.Outdated():
		return "the rule serves, which has been better"
	}
	return "stale answers and the rule serve"
}

// insteadOfAll says it for all of these kinds.
func insteadOfAll(scores []bridge.Score, off bool) string {
	var outdated []string
	for i := range scores {
		if scores[i].Outdated() {
			outdated = append(outdated, scores[i].Kind.String())
		}
	}
	switch {
	case off:
		return "rules serve"
	case len(outdated) == 0:
		return "stale answers and rules serve"
	case len(outdated) == len(scores):
		return "rules serve, which have been better"
	}
	return "stale answers and rules serve, for " + strings.Join(outdated, " and ") + " the rule alone, which has been better"
}

// drifted are the inputs that drifted, by kind.
func drifted(scores []bridge.Score) map[ipc.Kind][]string {
	out := make(map[ipc.Kind][]string)
	for i := range scores {
		for _, d := range scores[i].Drifts {
			if d.Drifted() {
				out[scores[i].Kind] = append(out[scores[i].Kind], d.Input)
			}
		}
	}
	return out
}

// reasons says in a phrase each, in the order of the kinds, why they fail.
func reasons(failing map[ipc.Kind]string) []string {
	var out []string
	for _, k := range ipc.Kinds {
		if why, ok := failing[k]; ok {
			out = append(out, k.String()+": "+why)
		}
	}
	return out
}

// endpoints is what /health says about every upstream.
func endpoints(list []bridge.EndpointState) (out []httpapi.Endpoint) {
	for _, e := range list {
		h := httpapi.Endpoint{Address: e.Target, State: e.State.String(), Error: e.Reason, Breakers: make(map[string]string)}
		for i, k := range ipc.Kinds {
			h.Breakers[k.String()] = e.Breaker[i]
		}
		out = append(out, h)
	}
	return out
}

// downs says why upstreams are down.
func downs(list []bridge.EndpointState) (out []string) {
	for _, e := range list {
		if e.State == bridge.UpstreamDown {
			out = append(out, e.Target+": "+e.Reason)
		}
	}
	return out
}

// logStates makes the bridge log when the daemon goes or comes, and who broke the
// protocol; never single calls. b gives the bridge, once it runs.
func logStates(cfg *bridge.Config, log zerolog.Logger, b func() *bridge.Bridge) {
	cfg.OnState = func(s bridge.UpstreamState) {
		switch failing := s.Failing(); {
		case s.State == bridge.UpstreamDown:
			log.Warn().Str("reason", s.Reason).Msg("daemon does not answer: " + insteadOfAll(b().Scores(), b().ModelsOff()))
		case len(failing) > 0: // of every upstream that was asked
			these := slices.DeleteFunc(b().Scores(), func(s bridge.Score) bool { return failing[s.Kind] == "" })
			log.Warn().Strs("reasons", reasons(failing)).Msg("daemon fails for some kinds: " + insteadOfAll(these, b().ModelsOff()))
		case slices.ContainsFunc(s.Endpoints, func(e bridge.EndpointState) bool { return e.State == bridge.UpstreamDown }):
			log.Warn().Strs("reasons", downs(s.Endpoints)).Msg("an upstream does not answer: another serves")
		case s.State == bridge.UpstreamUp:
			log.Info().Msg("daemon answers")
		}
	}
	cfg.OnStanding = func(m bridge.Standing) {
		said, what := log.Info(), "model trusted again: its tries were better than the rule"
		switch {
		case m.Stale && m.Demoted: // matters while the daemon does not answer, which is warned of
			what = "stale answers demoted: the rule has been better than what the model said earlier, and stands in for a daemon that does not answer"
		case m.Stale:
			what = "stale answers trusted again: what the model said earlier was better than the rule"
		case m.Demoted: // changes what callers get, and nobody asked for it
			said, what = log.Warn(), "model demoted: the rule has been better, and decides until tries of the model say otherwise"
		}
		said.Stringer("kind", m.Kind).Str("target", m.Target).Str("model", m.Model).
			Int("cases", m.TurnCases).Float64("advantage", m.TurnAdvantage).Uint64("judged", m.Judged)
		if m.With != "" {
			said.Str("with", m.With)
		}
		if m.Without != "" {
			said.Str("without", m.Without)
		}
		said.Msg(what)
	}
	cfg.Server.OnFault = func(peer ipc.Peer, err error) {
		log.Warn().Stringer("peer", peer).AnErr("reason", err).Msg("connection closed")
	}
}
