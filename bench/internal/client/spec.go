// Package client holds the clients of the benchmark: one file per way of asking. A
// client process is told what to do by a Spec and says what it measured as a
// load.Result, both as JSON.
package client

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/ipc"
)

// Spec says whom to ask, how, and for how long.
type Spec struct {
	Protocol string // a key of dialers, or Floor
	Address  string // path of a Unix socket, or host:port
	Kind     ipc.Kind
	Hot      bool // ask one question for ever instead of a new one each time
	Batch    int  // questions a call; 0 = 1
	Conns    int  // connections; 0 = 1
	InFlight int  // calls in flight on each; 0 = 1
	Default  bool // name no budget: the server's default of 1 ms holds
	Procs    int  // of Go's processors for the client; 0 = as many as there are cores

	Prime     bool // only ask once about every subject, see prime
	Warm, Run time.Duration
	PIDs      []int // the servers, for their CPU time
}

// Floor is the protocol of the C client, which is a program of its own.
const Floor = "floor"

func (s *Spec) setDefaults() {
	s.Batch, s.Conns, s.InFlight = max(s.Batch, 1), max(s.Conns, 1), max(s.InFlight, 1)
	if s.Kind == 0 {
		s.Kind = ipc.Workload
	}
}

// dialer makes the callers of one connection, InFlight of them.
type dialer func(ctx context.Context, s *Spec) ([]load.Caller, error)

var dialers = map[string]dialer{
	"bridge":   dialBridge,
	"lookup":   dialLookup,
	"ttrpc":    dialTTRPC,
	"grpc":     dialGRPC,
	"net/http": dialNetHTTP,
	"fasthttp": dialFastHTTP,
}

// lookupsTimed is how many lookups are timed together: one takes about as long as
// reading the clock does.
const lookupsTimed = 64

// Run does what s says.
func Run(ctx context.Context, s Spec) (load.Result, error) {
	s.setDefaults()
	if s.Procs > 0 {
		runtime.GOMAXPROCS(s.Procs)
	}
	dial := dialers[s.Protocol]
	if dial == nil {
		return load.Result{}, fmt.Errorf("no client for %q", s.Protocol)
	}
	var callers []load.Caller
	for range s.Conns {
		more, err := dial(ctx, &s)
		if err != nil {
			return load.Result{}, fmt.Errorf("%s: %w", s.Protocol, err)
		}
		callers = append(callers, more...)
	}
	if s.Prime {
		return load.Result{}, prime(callers[0], s.Batch)
	}
	plan := load.Plan{Warm: s.Warm, Run: s.Run, Batch: s.Batch, PIDs: s.PIDs}
	if s.Protocol == "lookup" {
		plan.Repeat = lookupsTimed
	}
	return load.Run(callers, plan)
}

// Primer is s as a client that only makes the servers know every subject, so that what
// they allocate for a subject once does not count as the cost of a question.
func (s Spec) Primer() Spec {
	return Spec{Protocol: "bridge", Address: s.Address, Kind: s.Kind, Batch: 256, Prime: true}
}

// prime asks the questions that are the furthest from being asked again.
func prime(c load.Caller, batch int) error {
	const first = (payload.Rounds - 1) * payload.Agents
	for i := 0; i < payload.Agents; i += batch {
		if _, err := c.Call(first + i); err != nil {
			return fmt.Errorf("priming: %w", err)
		}
	}
	return nil
}
