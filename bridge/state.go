package bridge

import (
	"maps"
	"slices"

	"github.com/mlbridge/mlbridge/ipc"
)

// Condition is whether the daemon answers.
type Condition uint8

// The conditions of an upstream.
const (
	UpstreamUnknown Condition = iota // not asked yet
	UpstreamUp
	UpstreamDown
)

// String gives "unknown", "up" or "down".
func (c Condition) String() string {
	return [...]string{"unknown", "up", "down"}[c]
}

// UpstreamState is what the bridge knows of its daemon. It is down when it could
// not be reached when last tried, or when no kind that was asked gets an answer. A
// daemon that is up may fail for some kinds, for want of a model for instance.
type UpstreamState struct {
	Target string
	State  Condition
	Format string // "msgpack", or "json" for a daemon that speaks nothing else; "" while unknown
	Reason string // why it is down, for people

	Endpoints []EndpointState // in the order of preference; the one of Target is the first

	failing map[ipc.Kind]string
	models  map[ipc.Kind]string      // those that have names
	served  [len(ipc.Kinds) + 1]bool // by kind: a model has answered, with a name or without
}

// EndpointState is what the bridge knows of one daemon.
type EndpointState struct {
	Target  string
	State   Condition
	Format  string                 // as in UpstreamState
	Reason  string                 // why it is down
	Breaker [len(ipc.Kinds)]string // "closed", "open" or "half-open", in the order of ipc.Kinds

	failing map[ipc.Kind]string
}

// Failing gives the kinds whose last call failed, and why. The map is the caller's.
func (s *UpstreamState) Failing() map[ipc.Kind]string { return maps.Clone(s.failing) }

// breaker is the state of the breaker behind which kind k is asked: that of the first
// endpoint whose is closed, or the first's.
func (s *UpstreamState) breaker(k ipc.Kind) string {
	for _, e := range s.Endpoints {
		if state := e.Breaker[k-1]; state == "closed" {
			return state
		}
	}
	return s.Endpoints[0].Breaker[k-1]
}

// Upstream gives the daemon's state. Any goroutine may call it.
func (b *Bridge) Upstream() UpstreamState { return *b.state.Load() }

// Models gives the name and version of the model that last answered, by kind; none where
// no model has, or the daemon does not name them. Any goroutine may call it.
func (b *Bridge) Models() map[ipc.Kind]string { return maps.Clone(b.state.Load().models) }

// reached notes that the endpoint answered something, be it an error. Kinds that could
// not reach it are as good as not asked then: only their next question tells.
func (b *Bridge) reached(e *endpoint, now ipc.Instant) {
	e.heard = now
	if e.absent {
		e.absent, e.why = false, nil
		b.publish()
	}
}

// missed notes that the endpoint did not answer a probe.
func (b *Bridge) missed(e *endpoint, why error) {
	if !e.absent {
		e.absent, e.why = true, why
		b.publish()
	}
}

// forgive lets go of failures of the endpoint's that are past.
func (b *Bridge) forgive(e *endpoint, now ipc.Instant) {
	news := false
	for _, l := range b.lanes {
		for _, r := range l.routes {
			news = r.endpoint == e && r.forgive(b.cfg.Probe, now) || news
		}
	}
	if news {
		b.publish()
	}
}

// publish makes the lanes' state visible to other goroutines, and tells OnState
// when it has changed.
func (b *Bridge) publish() {
	next := b.look()
	before := b.state.Swap(next)
	if before.State != next.State || (next.State == UpstreamUp && !sameKinds(before.failing, next.failing)) || !sameEndpoints(before, next) {
		b.cfg.OnState(*next)
	}
}

// look sums the endpoints up: one that answers is enough.
func (b *Bridge) look() *UpstreamState {
	s := &UpstreamState{Target: b.endpoints[0].name, failing: make(map[ipc.Kind]string), models: make(map[ipc.Kind]string)}
	for i := range b.endpoints {
		e := b.lookAt(i)
		s.Endpoints = append(s.Endpoints, e)
		switch {
		case e.State == UpstreamUp && s.State != UpstreamUp:
			s.State, s.Format, s.Reason = UpstreamUp, e.Format, ""
		case e.State == UpstreamDown && s.State == UpstreamUnknown:
			s.State, s.Reason = UpstreamDown, e.Reason
		}
	}
	for _, l := range b.lanes {
		s.served[l.kind] = l.served
		well := false
		for i, r := range l.routes {
			if r.model != "" && (s.models[l.kind] == "" || r.breaker.closed()) && !well {
				s.models[l.kind] = r.model
			}
			why, failing := s.Endpoints[i].failing[l.kind]
			well = well || r.asked && r.breaker.reason == nil
			if failing && s.failing[l.kind] == "" {
				s.failing[l.kind] = why
			}
		}
		if well {
			delete(s.failing, l.kind)
		}
	}
	return s
}

// lookAt sums up what the lanes know of an endpoint.
func (b *Bridge) lookAt(i int) EndpointState {
	e := b.endpoints[i]
	s, spoken := EndpointState{Target: e.name, failing: make(map[ipc.Kind]string)}, ""
	for n, l := range b.lanes {
		r := l.routes[i]
		if r.asked {
			spoken = r.speech.format.String()
		}
		s.Breaker[n] = r.breaker.state.String()
		switch {
		case r.unasked():
		case r.breaker.reason != nil:
			s.failing[l.kind] = r.breaker.reason.Error()
			s.Reason = s.failing[l.kind]
		default:
			s.State, s.Format = UpstreamUp, r.speech.format.String()
		}
	}
	switch {
	case e.absent || (s.State == UpstreamUnknown && len(s.failing) > 0):
		s.State = UpstreamDown
		if s.Reason == "" && e.why != nil {
			s.Reason = e.why.Error()
		}
	case s.State == UpstreamUnknown && e.heard != 0: // a probe knows
		s.State, s.Format = UpstreamUp, spoken
	default:
		s.Reason = ""
	}
	return s
}

func sameEndpoints(a, b *UpstreamState) bool {
	return slices.EqualFunc(a.Endpoints, b.Endpoints, func(x, y EndpointState) bool { return x.State == y.State })
}

func sameKinds(a, b map[ipc.Kind]string) bool {
	kinds := func(m map[ipc.Kind]string) []ipc.Kind { return slices.Sorted(maps.Keys(m)) }
	return slices.Equal(kinds(a), kinds(b))
}
