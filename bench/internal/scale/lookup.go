package scale

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/curve"
	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// lookup takes answers about random agents out of the client's own cache.
type lookup struct {
	client *mlclient.Client
	q      *ipc.WorkloadRequest
	agent  func(uint64) uint64
	reply  ipc.Reply
}

var _ load.Caller = (*lookup)(nil)

// Call implements load.Caller.
func (l *lookup) Call(int) (unexpected int, err error) {
	l.q.AgentID = l.agent(0)
	l.client.Lookup(l.q, &l.reply)
	if l.reply.Source != ipc.SourceCache {
		unexpected = 1
	}
	return unexpected, nil
}

// lookupsTimed is how many lookups are timed together: one takes about as long as
// reading the clock does.
const lookupsTimed = 16

// clientCache fills the cache of package mlclient in this process and looks agents up.
func clientCache(ctx context.Context, s *Spec) ([]curve.Point, error) {
	most := int(s.Xs[len(s.Xs)-1])
	client := mlclient.New(mlclient.Config{
		Path: s.Address, Name: "bench", TTL: time.Hour,
		// Room for twice as many: its shards do not fill evenly.
		Entries: 2 * max(most, 1<<14), CacheBytes: 2 << 30,
		// The toy's confidence is noise; it must not decide what is cached.
		Thresholds: map[ipc.Kind]float32{ipc.Workload: 0},
	})
	defer client.Close()
	if err := client.WaitUp(ctx); err != nil {
		return nil, err
	}
	fill := newFiller(client)
	if err := fill.until(ctx, fillBatch); err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	before, err := process.Resident(os.Getpid())
	if err != nil {
		return nil, err
	}
	var points []curve.Point
	for _, x := range s.Xs {
		p := curve.NewPoint(s.Curve, x)
		if err := fill.until(ctx, uint64(x)); err != nil {
			return nil, err
		}
		if err := ownMemory(before, &p); err != nil {
			return nil, err
		}
		if err := s.lookUp(client, &p); err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	return points, nil
}

// ownMemory is this process's growth, as it is and after a collection that gives
// everything free back to the system.
func ownMemory(before int64, p *curve.Point) error {
	as, err := process.Resident(os.Getpid())
	if err != nil {
		return err
	}
	p.ResidentEach = each(before, as, p.X)
	debug.FreeOSMemory()
	after, err := process.Resident(os.Getpid())
	p.AfterGCEach = each(before, after, p.X)
	return err
}

func (s *Spec) lookUp(client *mlclient.Client, p *curve.Point) error {
	q := payload.New(ipc.Workload).(*ipc.WorkloadRequest)
	payload.Fill(q, payload.Hot)
	l := &lookup{client: client, q: q, agent: anyOf(p.X)}
	r, err := load.Run([]load.Caller{l}, load.Plan{Warm: s.Warm, Run: s.Run, Repeat: lookupsTimed})
	if err != nil {
		return err
	}
	latencies(p, &r)
	p.PerSecond, p.ClientCPU = curve.Figure(r.PerSecond), curve.Figure(r.CPU)
	p.Hits = share(r.Questions-r.Unexpected, r.Questions)
	return nil
}
