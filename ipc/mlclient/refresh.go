package mlclient

import (
	"context"
	"sync"

	"github.com/mlbridge/mlbridge/ipc"
)

// question is a request that waits to be refreshed, encoded: encoding into storage
// that is used again costs less than a deep copy, and no allocation.
type question struct {
	kind   ipc.Kind
	inputs uint64
	bytes  []byte
	ticket uint64
}

// queue holds the questions of Lookup until the refresher takes them, all at once:
// what gathered while one batch was away is the next. It is bounded; when it is
// full, newer questions are dropped, since their agents will ask again.
type queue struct {
	wake chan struct{} // has room for one; never closed

	mu      sync.Mutex
	waiting []question // in order of their tickets
	first   uint64     // ticket of waiting[0], when there is one
	away    uint64     // tickets from here to first are being asked
	limit   int
}

func newQueue(limit int) *queue {
	return &queue{wake: make(chan struct{}, 1), first: 1, away: 1, limit: limit, waiting: make([]question, 0, min(limit, 64))}
}

// put queues q, whose subject's latest question has ticket old. Where that still
// waits, q takes its place; where it is away and was the same, its answer will do.
// It returns the ticket that stands for q, 0 when there is no room.
func (u *queue) put(q ipc.Request, inputs, old, oldInputs uint64) (ticket uint64, spared bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case old >= u.first && old-u.first < uint64(len(u.waiting)):
		w := &u.waiting[old-u.first]
		w.inputs, w.bytes = inputs, ipc.AppendRequest(w.bytes[:0], q)
		return old, true
	case old >= u.away && old < u.first && oldInputs == inputs:
		return old, true
	}
	n := len(u.waiting)
	if n >= u.limit {
		return 0, false
	}
	if n < cap(u.waiting) {
		u.waiting = u.waiting[:n+1] // with the storage of an earlier question
	} else {
		u.waiting = append(u.waiting, question{})
	}
	w := &u.waiting[n]
	w.kind, w.inputs, w.ticket = q.Kind(), inputs, u.first+uint64(n)
	w.bytes = ipc.AppendRequest(w.bytes[:0], q)
	return w.ticket, false
}

// take exchanges what waits for the storage of an earlier batch.
func (u *queue) take(spare []question) []question {
	u.mu.Lock()
	defer u.mu.Unlock()
	batch := u.waiting
	u.waiting = spare[:0]
	u.first += uint64(len(batch))
	return batch
}

// back says that everything taken has been asked.
func (u *queue) back() {
	u.mu.Lock()
	u.away = u.first
	u.mu.Unlock()
}

// rouse wakes the refresher; it never blocks.
func (u *queue) rouse() {
	select {
	case u.wake <- struct{}{}:
	default: // it is awake, or about to be
	}
}

// askLater queues q, whose subject's entry is e, to be refreshed, once per subject: a
// newer question takes the place of an older one that has not left yet. It reports whether
// q will be asked, and whether the refresher has to be told. The shard is locked; the
// queue's lock is taken inside.
func (c *Client) askLater(s *shard, e *entry, q ipc.Request, inputs uint64) (asked, rouse bool) {
	ticket, spared := c.queue.put(q, inputs, e.queued, e.queuedInputs)
	e.queued, e.queuedInputs = ticket, inputs
	switch {
	case ticket == 0:
		s.dropped++
	case spared:
		s.replaced++
	default:
		s.queued++
	}
	return ticket != 0, ticket != 0 && !spared
}

// refresher sends the queued questions as batches, one after the other.
func (c *Client) refresher(ctx context.Context) {
	var spare []question
	var b batch
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.queue.wake:
		}
		waiting := c.queue.take(spare)
		for rest := waiting; len(rest) > 0; {
			client := c.link.client()
			if client == nil {
				c.stats.refreshFailed.Add(uint64(len(rest)))
				break
			}
			n := min(len(rest), client.Limits().Batch, maxRefreshBatch)
			c.refresh(ctx, client, rest[:n], &b)
			rest = rest[n:]
		}
		c.queue.back()
		spare = waiting
	}
}

// maxRefreshBatch bounds a batch where the bridge would take more, so that the
// first of it need not wait for the last.
const maxRefreshBatch = 256

// batch is storage for one batch of refreshes.
type batch struct {
	store   [len(ipc.Kinds) + 1][]ipc.Request // by kind, decoded into again and again
	used    [len(ipc.Kinds) + 1]int
	reqs    []ipc.Request
	replies []ipc.Reply
}

func (b *batch) fill(qs []question) {
	b.used = [len(ipc.Kinds) + 1]int{}
	b.reqs = b.reqs[:0]
	for i := range qs {
		k := qs[i].kind
		if b.used[k] == len(b.store[k]) {
			b.store[k] = append(b.store[k], ipc.NewRequest(k))
		}
		q := b.store[k][b.used[k]]
		b.used[k]++
		// These are bytes of our own making, from a valid request.
		_, _ = ipc.ParseRequest(qs[i].bytes, q)
		b.reqs = append(b.reqs, q)
	}
	if cap(b.replies) < len(qs) {
		b.replies = make([]ipc.Reply, len(qs), maxRefreshBatch)
	}
	b.replies = b.replies[:len(qs)]
}

func (c *Client) refresh(ctx context.Context, client *ipc.Client, qs []question, b *batch) {
	b.fill(qs)
	c.stats.refreshBatches.Add(1)
	began := ipc.Now()
	err := client.Predict(ctx, b.reqs, b.replies, ipc.Options{Budget: c.cfg.RefreshBudget, Class: c.cfg.Class})
	c.link.report(client, began, err, b.replies)
	if unreachable(err) {
		c.stats.refreshFailed.Add(uint64(len(qs)))
		return
	}
	now := ipc.Now()
	for i := range qs {
		if b.replies[i].Status == ipc.StatusOK {
			c.stats.refreshed.Add(1)
		} else {
			c.stats.refreshFailed.Add(1)
		}
		c.remember(b.reqs[i], qs[i].inputs, &b.replies[i], now, false)
	}
}
