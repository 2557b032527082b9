package scale

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/wire"
	"github.com/mlbridge/mlbridge/ipc"
)

// inFlight is how many calls are under way where throughput is measured.
const inFlight = 64

// spare is how many descriptors a client process needs besides its connections.
const spare = 64

// descriptors raises the limit of open files as far as it goes and gives the number of
// connections that it leaves room for. The servers inherit the same limits, and Go
// raises theirs by itself.
func descriptors() (int, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("scale: limit of open files: %w", err)
	}
	l.Cur = l.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("scale: limit of open files: %w", err)
	}
	return int(min(l.Cur, 1<<20)) - spare, nil
}

// climb grows a set of connections to each x in turn and measures there. Where the
// process may not have so many open files it stops and says so at the last point.
func climb(s *Spec, set *wire.Set, measure func(p *curve.Point) error) (points []curve.Point, err error) {
	room, err := descriptors()
	if err != nil {
		return nil, err
	}
	for _, x := range s.Xs {
		err := error(unix.EMFILE)
		if int(x) <= room {
			err = set.Grow(s.Address, int(x))
		}
		if errors.Is(err, unix.EMFILE) && len(points) > 0 {
			points[len(points)-1].Note = fmt.Sprintf("the limit of open files leaves room for %d connections", room)
			return points, nil
		}
		if err != nil {
			return nil, err
		}
		p := curve.NewPoint(s.Curve, x)
		if err := measure(&p); err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	return points, nil
}

// hits is a closed loop of the cached question.
func (s *Spec) hits(ctx context.Context, set *wire.Set, inFlight int) (load.Result, float64, error) {
	return wire.Closed(ctx, set, wire.Plan{
		InFlight: inFlight, Frame: wire.Hot(), Budget: patient, Want: ipc.SourceCache,
		Warm: s.Warm, Run: s.Run, Servers: s.Servers,
	})
}

// activeConns spreads calls over all connections.
func activeConns(ctx context.Context, s *Spec) ([]curve.Point, error) {
	set, err := wire.Dial(s.Address, 1)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	if _, _, err := s.hits(ctx, set, inFlight); err != nil {
		return nil, err
	}
	before, err := process.Resident(s.Bridge)
	if err != nil {
		return nil, err
	}
	return climb(s, set, func(p *curve.Point) error {
		r, client, err := s.hits(ctx, set, inFlight)
		if err != nil {
			return err
		}
		after, err := process.Resident(s.Bridge)
		latencies(p, &r)
		p.PerSecond, p.ServerCPU, p.ClientCPU = curve.Figure(r.PerSecond), curve.Figure(r.CPU), curve.Figure(client)
		p.ResidentEach = each(before, after, p.X)
		return err
	})
}

// idleConns lets connections lie beside one that is used.
func idleConns(ctx context.Context, s *Spec) ([]curve.Point, error) {
	caller, err := wire.Dial(s.Address, 1)
	if err != nil {
		return nil, err
	}
	defer caller.Close()
	idle, err := wire.Dial(s.Address, 0)
	if err != nil {
		return nil, err
	}
	defer idle.Close()
	if _, _, err := s.hits(ctx, caller, 1); err != nil {
		return nil, err
	}
	before, err := process.Resident(s.Bridge)
	if err != nil {
		return nil, err
	}
	return climb(s, idle, func(p *curve.Point) error {
		after, err := process.Resident(s.Bridge)
		if err != nil {
			return err
		}
		r, client, err := s.hits(ctx, caller, 1)
		latencies(p, &r)
		p.ServerCPU, p.ClientCPU = curve.Figure(r.CPU), curve.Figure(client)
		p.ResidentEach = each(before, after, p.X)
		return err
	})
}
