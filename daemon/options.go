package daemon

import (
	"time"

	"github.com/mlbridge/mlbridge/daemon/registry"
)

// Options configure a Server. Zero values of the limits mean DefaultOptions'.
type Options struct {
	Registry *registry.Registry // required
	Version  string             // of the program, shown by /health

	AllowHosts []string // Host names allowed on loopback besides loopback's own

	// Loops is the number of event loops that answer plain predictions (package
	// httploop); 0 means DefaultLoops, less than that none: the library serves all.
	Loops int
	// Dedicated says that the process is there for the server: its loops may keep a
	// processor each while requests come briskly, at the expense of other goroutines.
	Dedicated bool
	BusyPoll  time.Duration // they then poll for so long at most before they sleep (package busypoll), except on a single processor; 0: not at all

	MaxConns     int           // open connections; further ones get 503
	ReadTimeout  time.Duration // from a request's first byte to its last
	WriteTimeout time.Duration // for writing an answer
	IdleTimeout  time.Duration // of a connection without a request
	linger       time.Duration // lingerTime, but for tests

	// OnTraced, when set, is told of every call that came with a trace, after it was
	// answered. It must not block.
	OnTraced func(Traced)

	// OnPanic is told of a handler's panic, whose call was answered with 500.
	OnPanic func(value any, stack []byte)
	// OnAcceptError is told when accepting connections begins to fail, which is
	// retried. It is not called again before one was accepted.
	OnAcceptError func(err error)
}

// DefaultOptions are the limits used when nothing is configured.
func DefaultOptions() Options {
	return Options{
		MaxConns:     4096,
		ReadTimeout:  10 * time.Second,
		WriteTimeout: 10 * time.Second,
		IdleTimeout:  2 * time.Minute,
	}
}

func (o Options) withDefaults() Options {
	d := DefaultOptions()
	if o.MaxConns == 0 {
		o.MaxConns = d.MaxConns
	}
	if o.Loops == 0 {
		o.Loops = DefaultLoops()
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = d.ReadTimeout
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = d.WriteTimeout
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = d.IdleTimeout
	}
	if o.linger == 0 {
		o.linger = lingerTime
	}
	if o.OnPanic == nil {
		o.OnPanic = func(any, []byte) {}
	}
	if o.OnAcceptError == nil {
		o.OnAcceptError = func(error) {}
	}
	return o
}
