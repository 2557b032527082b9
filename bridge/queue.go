package bridge

import "github.com/mlbridge/mlbridge/ipc"

// What waits in a lane: what leaves next, and what goes when there is too much of it.

// room reports whether one more question may wait. Those that nobody waits for must
// not keep out those that somebody does: when the queue is full they go.
func (l *lane) room(now ipc.Instant) bool {
	limit := l.bridge.cfg.QueueLimit
	if len(l.queue) >= limit {
		urgent := l.tidy(now)
		for _, q := range l.queue[urgent:] {
			l.forget(q)
		}
		clear(l.queue[urgent:])
		l.queue = l.queue[:urgent]
	}
	return len(l.queue) < limit
}

// pump sends what is queued, as far as a flight is free to take it.
func (l *lane) pump(now ipc.Instant) {
	for len(l.queue) > 0 && !l.closed {
		n := l.tidy(now)
		if l.limiter.tight > 0 {
			n = l.dropHopeless(n, now)
		}
		if n == 0 { // what nobody waits for still fills the cache, when there is nothing else
			n = min(l.spare(), crowd)
		}
		if n = min(n, l.limiter.batch()); n == 0 {
			return
		}
		f, n := l.pick(n, now)
		if f == nil {
			return
		}
		f.out = append(f.out[:0], l.queue[:n]...)
		l.queue = l.queue[:copy(l.queue, l.queue[n:])]
		for _, q := range f.out {
			q.tries++
			q.account = nil
			l.unqueued(q)
			l.turn = max(l.turn, q.turn)
		}
		l.retries.earn()
		f.send()
	}
}

// spare is how many questions that nobody waits for may be asked: under more load than
// the daemon can bear they are forgotten, for each would take the place of one that
// somebody will wait for before it is answered. Not while no endpoint answers: then they
// are what tells when one is back, and an exchange that could end the strain has to be
// begun by somebody.
func (l *lane) spare() int {
	if l.limiter.strain > 0 && !l.down() {
		for _, q := range l.queue {
			l.forget(q)
		}
		clear(l.queue)
		l.queue = l.queue[:0]
	}
	return len(l.queue)
}

// dropHopeless answers those of the first n questions from a lower rung that an exchange
// would not answer in time, by how long the last ones took. The daemon has better to do;
// where it has nothing the first goes all the same, or nobody would ever learn that
// exchanges have become faster.
func (l *lane) dropHopeless(n int, now ipc.Instant) (left int) {
	soon := now.Add(l.limiter.service.exchange() + l.bridge.cfg.Margin)
	kept := l.queue[:0]
	idle := !l.busy()
	for i, q := range l.queue {
		if i < n && !(idle && left == 0) && !q.patient && q.lastDeadline() < soon {
			l.bridge.stats.load.shed[l.kind-1][q.class].Inc()
			l.settle(q, ipc.ReasonOverloaded)
			continue
		}
		if kept = append(kept, q); i < n {
			left++
		}
	}
	clear(l.queue[len(kept):])
	l.queue = kept
	return left
}

// outdated reports whether nobody waits for q any more and its answer would be too
// old to be worth a place in the cache.
func (l *lane) outdated(q *question, now ipc.Instant) bool {
	return len(q.waiting) == 0 && now.Sub(q.at) > l.bridge.cfg.TTL
}

// tidy drops what is outdated and puts the questions that somebody waits for first. It
// gives their number. Under more load than the daemon can bear, questions of callers
// that gave up would else be all that it ever answers.
func (l *lane) tidy(now ipc.Instant) (urgent int) {
	if l.deserted == 0 {
		return len(l.queue)
	}
	l.idle = l.idle[:0]
	kept := l.queue[:0]
	for _, q := range l.queue {
		switch {
		case len(q.waiting) > 0:
			kept = append(kept, q)
		case l.outdated(q, now):
			l.forget(q)
		default:
			l.idle = append(l.idle, q)
		}
	}
	urgent = len(kept)
	kept = append(kept, l.idle...)
	clear(l.queue[len(kept):])
	clear(l.idle)
	l.queue = kept
	return urgent
}
