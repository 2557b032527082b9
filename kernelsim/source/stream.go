package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Stream gives samples, all of one instant at a time.
type Stream[T any] interface {
	// Next waits for the next instant and returns what was observed at it: valid
	// until the following call, never empty, samples of an agent in order. The
	// error is io.EOF at the end, ctx's when that ends first.
	Next(ctx context.Context) ([]T, error)
	Close() error
}

// Usage is what an agent used in the interval that ended at At.
type Usage struct {
	At     time.Time
	Over   time.Duration // length of the interval, > 0
	Agent  uint64
	Name   string  // for people: a program's name
	CPU    float64 // share in [0, 1]: of one core for a process, of all cores for the host
	Memory uint64  // resident bytes
}

// Reading is how a component stands.
type Reading struct {
	At        time.Time
	Component string
	Health    float64 // in [0, 1], 1 = healthy
	Value     float64 // the component's own reading; its unit is the component's
	// Flag marks an interval in which something went wrong: what failure_history
	// holds. For memory, the limit was hit; else the same as Incident.
	Flag bool
	// Incident says that the component is failing now.
	Incident bool
}

// Fault is one page fault.
type Fault struct {
	At    time.Duration // since the stream began
	Agent uint64
	Addr  uint64 // exact
	Type  uint8  // ipc.AccessRead …
}

// Call is one system call of a task.
type Call struct {
	At     time.Duration // since the stream began
	Agent  uint64        // the task
	Stream int           // which program's run, from 0
	Truth  uint8         // the run's true threat_type, ipc.ThreatNone when harmless
	Nr     uint16        // in the x86-64 table
	Bytes  uint64        // moved over a socket
}

// Origin is a kind of source.
type Origin string

// The origins.
const (
	Live      Origin = "live"
	Trace     Origin = "trace"
	Synthetic Origin = "synthetic"
	// Shift is generated, finite, and changes its behaviour half-way.
	Shift Origin = "shift"
)

// ParseOrigins reads "live,trace". The empty string is none, and none is no other one beside it.
func ParseOrigins(list string) ([]Origin, error) {
	var out []Origin
	if list = strings.TrimSpace(list); list == "" || list == "none" {
		return nil, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		switch o := Origin(strings.TrimSpace(name)); {
		case slices.Contains(out, o):
			return nil, fmt.Errorf("source: %q: %s is given twice", list, o)
		case o == Live || o == Trace || o == Synthetic || o == Shift:
			out = append(out, o)
		case o == "none":
			return nil, fmt.Errorf("source: %q: none goes with no other", list)
		default:
			return nil, fmt.Errorf("source: %q: want live, trace, synthetic, shift or none", name)
		}
	}
	return out, nil
}

// ErrNoLive says that nothing here observes page faults and system calls on a live host: it
// takes privileges, which nobody who runs this need have.
var ErrNoLive = errors.New("source: live is of workload and failure only")

// ErrNoShift says that no change of behaviour is generated for a kind.
var ErrNoShift = errors.New("source: shift is of workload and memory only")

// Agents of recordings and generators are kept apart from live ones, whose ids are
// made of start time and pid (see LiveAgent), by their upper bits.
const (
	traceAgents     = uint64(1) << 62
	syntheticAgents = uint64(1) << 61
	streamShift     = 32 // below: the agent within its recording
)

func traceAgent(stream int, agent uint64) uint64 {
	return traceAgents | uint64(stream+1)<<streamShift | agent&(1<<streamShift-1)
}

// ended is what Next returns when nothing is left.
func ended[T any](ctx context.Context, batch []T) ([]T, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(batch) == 0 {
		return nil, io.EOF
	}
	return batch, nil
}
