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

	failing map[ipc.Kind]string
	models  map[ipc.Kind]string
}

// Failing gives the kinds whose last call failed, and why. The map is the caller's.
func (s *UpstreamState) Failing() map[ipc.Kind]string { return maps.Clone(s.failing) }

// Upstream gives the daemon's state. Any goroutine may call it.
func (b *Bridge) Upstream() UpstreamState { return *b.state.Load() }

// Models gives the name and version of the model that last answered, by kind. Any
// goroutine may call it.
func (b *Bridge) Models() map[ipc.Kind]string { return maps.Clone(b.state.Load().models) }

// reached notes that the daemon answered something, be it an error. Kinds that could
// not reach it are as good as not asked then: only their next question tells.
func (b *Bridge) reached() {
	if b.absent {
		b.absent = false
		b.publish()
	}
}

// publish makes the lanes' state visible to other goroutines, and tells OnState
// when it has changed.
func (b *Bridge) publish() {
	next := b.look()
	before := b.state.Swap(next)
	if before.State != next.State || (next.State == UpstreamUp && !sameKinds(before.failing, next.failing)) {
		b.cfg.OnState(*next)
	}
}

// look sums the lanes up.
func (b *Bridge) look() *UpstreamState {
	s := &UpstreamState{Target: b.cfg.target(), failing: make(map[ipc.Kind]string), models: make(map[ipc.Kind]string)}
	for _, l := range b.lanes {
		if l.model != "" {
			s.models[l.kind] = l.model
		}
		switch {
		case !l.asked || (l.rest.unreachable && !b.absent):
		case l.rest.down():
			s.failing[l.kind] = l.rest.reason.Error()
			s.Reason = s.failing[l.kind]
		default:
			s.State, s.Format = UpstreamUp, l.speech.format.String()
		}
	}
	switch {
	case b.absent || (s.State == UpstreamUnknown && len(s.failing) > 0):
		s.State = UpstreamDown
	default:
		s.Reason = ""
	}
	return s
}

func sameKinds(a, b map[ipc.Kind]string) bool {
	kinds := func(m map[ipc.Kind]string) []ipc.Kind { return slices.Sorted(maps.Keys(m)) }
	return slices.Equal(kinds(a), kinds(b))
}
