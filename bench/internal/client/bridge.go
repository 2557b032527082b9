package client

import (
	"context"
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// bridgeCaller asks ml-bridge through the wire client.
type bridgeCaller struct {
	client  *ipc.Client
	reqs    []ipc.Request
	replies []ipc.Reply
	hot     bool
	budget  time.Duration
	want    ipc.Source
}

func dialBridge(ctx context.Context, s *Spec) ([]load.Caller, error) {
	c, err := ipc.Dial(ctx, s.Address, ipc.ClientConfig{Name: "bench"})
	if err != nil {
		return nil, err
	}
	callers := make([]load.Caller, s.InFlight)
	for i := range callers {
		b := &bridgeCaller{client: c, hot: s.Hot, want: ipc.SourceModel, budget: payload.BudgetNs, replies: make([]ipc.Reply, s.Batch)}
		if s.Hot {
			b.want = ipc.SourceCache
		}
		if s.Default {
			b.budget = 0
		}
		for range s.Batch {
			q := payload.New(s.Kind)
			payload.Fill(q, payload.Hot)
			b.reqs = append(b.reqs, q)
		}
		callers[i] = b
	}
	return callers, nil
}

// Call fills in new questions as part of the call: a kernel has to, too.
func (b *bridgeCaller) Call(i int) (unexpected int, err error) {
	if !b.hot {
		for k, q := range b.reqs {
			payload.Fill(q, i+k)
		}
	}
	err = b.client.Predict(context.Background(), b.reqs, b.replies, ipc.Options{Budget: b.budget})
	if err != nil {
		return 0, err
	}
	for k := range b.replies {
		switch r := &b.replies[k]; {
		case r.Status == ipc.StatusDeadlineExceeded, r.Status == ipc.StatusOK && r.Source != b.want:
			unexpected++
		case r.Status != ipc.StatusOK:
			return 0, fmt.Errorf("answer %d: status %v: %s", k, r.Status, r.Error)
		}
	}
	return unexpected, nil
}

// lookupCaller takes fresh answers out of the kernel-side client's own cache.
type lookupCaller struct {
	client *mlclient.Client
	req    ipc.Request
	reply  ipc.Reply
}

func dialLookup(ctx context.Context, s *Spec) ([]load.Caller, error) {
	c := mlclient.New(mlclient.Config{
		Path: s.Address, Name: "bench", TTL: time.Hour,
		// The toy's confidence is noise; it must not decide which row this is.
		Thresholds: map[ipc.Kind]float32{s.Kind: 0},
	})
	if err := c.WaitUp(ctx); err != nil {
		return nil, err
	}
	l := &lookupCaller{client: c, req: payload.New(s.Kind)}
	payload.Fill(l.req, payload.Hot)
	reqs, replies := []ipc.Request{l.req}, make([]ipc.Reply, 1)
	if err := c.Predict(ctx, reqs, replies, ipc.Options{Budget: payload.BudgetNs, RequireModel: true}); err != nil {
		return nil, err
	}
	return []load.Caller{l}, nil
}

func (l *lookupCaller) Call(int) (unexpected int, err error) {
	l.client.Lookup(l.req, &l.reply)
	if l.reply.Source != ipc.SourceCache {
		unexpected = 1
	}
	return unexpected, nil
}
