// Package scale measures how cost grows with work: the points of one curve, from inside
// a client process. The parent, command curves, starts the servers and tells this one
// what to do by a Spec, as JSON; the points go back the same way.
package scale

import (
	"context"
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/load"
)

// Spec says what to measure, against running servers.
type Spec struct {
	Curve   string // a name of package curve, or Capacity+one
	Address string // ml-bridge's socket
	HTTP    string // ml-bridge's pages, host:port
	Bridge  int    // ml-bridge's process id
	Servers []int  // all servers', for their CPU time

	Xs        []float64 // where to measure, ascending; one for a load curve
	Warm, Run time.Duration
}

// Run does what s says.
func Run(ctx context.Context, s *Spec) ([]curve.Point, error) {
	switch s.Curve {
	case curve.ActiveConns:
		return activeConns(ctx, s)
	case curve.IdleConns:
		return idleConns(ctx, s)
	case curve.BridgeCache:
		return bridgeCache(ctx, s)
	case curve.ClientCache:
		return clientCache(ctx, s)
	case curve.Batch:
		return batches(ctx, s)
	case Capacity + curve.LoadHit, Capacity + curve.LoadCold:
		return capacity(ctx, s)
	case curve.LoadHit, curve.LoadCold:
		return offered(ctx, s)
	}
	return nil, fmt.Errorf("scale: no curve is called %q", s.Curve)
}

// latencies puts a result's percentiles into a point.
func latencies(p *curve.Point, r *load.Result) {
	p.P50, p.P99, p.P999 = curve.Figure(r.P50), curve.Figure(r.P99), curve.Figure(r.P999)
}

// fewest is from how many connections or agents on memory is divided by their number:
// the growth for fewer is mostly the allocator's and the collector's own.
const fewest = 1000

// each divides growth by n.
func each(before, after int64, n float64) curve.Figure {
	if n < fewest {
		return curve.Missing
	}
	return curve.Figure(float64(after-before) / n)
}
