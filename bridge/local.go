package bridge

import (
	"context"
	"fmt"
	"slices"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// localCalls are the questions of one Predict inside this process.
type localCalls struct {
	loop  *eventloop.Loop
	calls []*ipc.Call
	slots []int // where in the replies each call's belongs
	open  int
	done  chan struct{}
}

// CallDone counts down; it runs on the loop.
func (l *localCalls) CallDone(*ipc.Call) {
	if l.open--; l.open == 0 {
		close(l.done)
		l.loop.Yield()
	}
}

// Predict answers questions of this process, such as those that came over HTTP. It
// goes the same way as the socket's calls, deadline included. When ctx ends, what is still
// open is answered from the lower rungs.
func (b *Bridge) Predict(ctx context.Context, reqs []ipc.Request, replies []ipc.Reply, opts ipc.Options) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	budget := b.defaultBudget()
	if opts.Budget > 0 {
		budget = min(opts.Budget, b.cfg.Server.Limits.MaxBudget)
	}
	group := &localCalls{loop: b.loop, done: make(chan struct{})}
	now := ipc.Now()
	for i, q := range reqs {
		if err := ipc.CheckRequest(q); err != nil {
			replies[i] = ipc.Refusal(err)
			continue
		}
		c := ipc.NewCall(q, group)
		c.Arrived, c.Deadline, c.RequireModel = now, now.Add(budget), opts.RequireModel
		c.Class, c.Trace = opts.Class, opts.Trace
		group.calls, group.slots = append(group.calls, c), append(group.slots, i)
	}
	if group.open = len(group.calls); group.open == 0 {
		return nil
	}
	if !b.loop.Post(func() { b.local = append(b.local, group.calls...) }) {
		return ipc.ErrClosed
	}
	gone := ctx.Done()
	for over := false; !over; {
		select {
		case <-group.done:
			over = true
		case <-gone:
			gone = nil
			b.loop.Post(func() { b.giveUp(group) })
		case <-b.loop.Done():
			select {
			case <-group.done: // the last answers of a drain came with its end
				over = true
			default:
				return ipc.ErrClosed
			}
		}
	}
	for n, i := range group.slots {
		replies[i] = group.calls[n].Reply
	}
	return nil
}

// giveUp answers those of the calls that still wait, for nobody who waits for them: whoever
// asked over HTTP with a long budget and hung up would hold a connection until it is over.
func (b *Bridge) giveUp(group *localCalls) {
	now := b.now()
	for _, c := range group.calls {
		if i := slices.Index(b.local, c); i >= 0 { // not even begun
			b.local = slices.Delete(b.local, i, i+1)
			b.begin(c, now)
		}
		key := cachekey.Of(c.Request)
		q := b.lanes[key.Kind-1].open.find(&key)
		if q == nil {
			continue
		}
		if i := slices.IndexFunc(q.waiting, func(w *waiter) bool { return w.call == c }); i >= 0 {
			w := q.waiting[i]
			w.measure = false // it says nothing about the load
			w.late()
		}
	}
}

// Outcomes takes what really happened from inside this process. Where one of the
// actual values is out of its range, none is taken: a single NaN would stay in the
// scores for ever.
func (b *Bridge) Outcomes(ctx context.Context, outcomes []ipc.Outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range outcomes {
		if err := outcomes[i].Actual.Validate(); err != nil {
			return fmt.Errorf("bridge: outcome %d: %w", i, err)
		}
	}
	done := make(chan struct{})
	if !b.loop.Post(func() { b.Observe(outcomes); close(done) }) {
		return ipc.ErrClosed
	}
	select {
	case <-done:
	case <-b.loop.Done(): // ran what was posted, or never ran
		select {
		case <-done:
		default:
			return ipc.ErrClosed
		}
	}
	return nil
}

var (
	_ ipc.Predictor = (*Bridge)(nil)
	_ ipc.Backend   = (*Bridge)(nil)
)
