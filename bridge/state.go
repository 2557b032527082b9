package bridge

import (
	"maps"

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

// UpstreamState is what the bridge knows of its daemon. It is down when any kind's
// last call failed.
type UpstreamState struct {
	Target string
	State  Condition
	Format string // "msgpack", or "json" for a daemon that speaks nothing else; "" while unknown
	Reason string // why it is down, for people

	models map[ipc.Kind]string
}

// Upstream gives the daemon's state. Any goroutine may call it.
func (b *Bridge) Upstream() UpstreamState { return *b.state.Load() }

// Models gives the name and version of the model that last answered, by kind. Any
// goroutine may call it.
func (b *Bridge) Models() map[ipc.Kind]string { return maps.Clone(b.state.Load().models) }

// publish makes the lanes' state visible to other goroutines, and tells OnState
// when it has changed.
func (b *Bridge) publish() {
	next := &UpstreamState{Target: b.cfg.target(), models: make(map[ipc.Kind]string)}
	var cause error
	for _, l := range b.lanes {
		if l.model != "" {
			next.models[l.kind], next.Format = l.model, l.format.String()
			next.State = max(next.State, UpstreamUp)
		}
		if l.down {
			next.State, next.Reason, cause = UpstreamDown, l.reason.Error(), l.reason
		}
	}
	before := b.state.Swap(next)
	if before.State != next.State {
		b.cfg.OnState(next.State == UpstreamUp, cause)
	}
}
