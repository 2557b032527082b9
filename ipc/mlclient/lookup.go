package mlclient

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/ladder"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// Lookup answers q from what is here: a fresh answer of the model, one that is
// stale within its bound, or the rule, whose Reason says why. It never blocks and
// does no I/O; unless the answer is fresh, it queues q to be refreshed.
//
// An answer from the cache keeps the prediction id it came with, so that an outcome
// can be told about it. Only a q that breaks its own ranges has no answer
// (StatusInvalidArgument). q is not kept.
func (c *Client) Lookup(q ipc.Request, r *ipc.Reply) {
	kind, subject := q.Kind(), q.Subject()
	inputs := cachekey.Inputs(q)
	now := ipc.Now()
	s := c.cache.of(kind, subject)
	s.mu.Lock()
	e := s.find(kind, subject)
	if e != nil && e.answered && e.inputs == inputs && ladder.Cached(e.rung(now), c.cfg.TTL, c.threshold[kind]) {
		e.used = true
		e.give(ipc.SourceCache, ipc.ReasonNone, now, r)
		s.sources[ipc.SourceCache]++
		s.mu.Unlock()
		return
	}
	why := ipc.ReasonNotCached
	if !c.link.up() {
		why = ipc.ReasonBridgeUnavailable
	}
	d := c.decide(kind, e, inputs, now, false, why, r)
	s.mu.Unlock()
	c.lookupMiss(s, q, r, d, inputs, now)
}

// rung is the entry's answer as the ladder sees it.
func (e *entry) rung(now ipc.Instant) ladder.Rung {
	return ladder.Rung{Available: true, Age: now.Sub(e.received), Confidence: e.answer.Confidence()}
}

// give copies the entry's answer.
func (e *entry) give(source ipc.Source, why ipc.Reason, now ipc.Instant, r *ipc.Reply) {
	*r = e.answer
	r.Source, r.Reason = source, why
	r.Age += now.Sub(e.received)
}

// lookupMiss is the rest of a Lookup that has no fresh answer.
func (c *Client) lookupMiss(s *shard, q ipc.Request, r *ipc.Reply, d ladder.Decision, inputs uint64, now ipc.Instant) {
	if err := q.Validate(); err != nil {
		*r = invalid(err)
		d.Source = ipc.SourceNone
	} else if d.Source == ipc.SourceRule {
		rules.Answer(q, d.Reason, r)
	}
	s.mu.Lock()
	s.sources[d.Source]++
	ask := d.Source != ipc.SourceNone && c.link.up() && c.askLater(s, q, inputs, now)
	s.mu.Unlock()
	if ask {
		c.queue.rouse()
	}
}

// decide asks the ladder about what is remembered in e, which may be nil, and
// fills r when the answer is a remembered one. The shard is locked.
func (c *Client) decide(kind ipc.Kind, e *entry, inputs uint64, now ipc.Instant, require bool, why ipc.Reason, r *ipc.Reply) ladder.Decision {
	s := ladder.State{
		TTL: c.cfg.TTL, StaleBound: c.cfg.StaleBound, Threshold: c.threshold[kind],
		RequireModel: require, Why: why,
	}
	if e != nil {
		e.used = true
		if e.answered {
			if e.inputs == inputs {
				s.Same = e.rung(now)
			} else {
				s.Subject = e.rung(now)
			}
		}
		if why == ipc.ReasonNotCached && e.refusedLately(inputs, now, c.cfg.TTL) {
			s.Why = e.refusedWhy
		}
	}
	d := ladder.Decide(s)
	if d.Source == ipc.SourceCache || d.Source == ipc.SourceStale {
		e.give(d.Source, d.Reason, now, r)
	}
	return d
}

// knownLately reports whether the same question was put less than a TTL ago, with
// whatever result: asking again would bring the same.
func (e *entry) knownLately(inputs uint64, now ipc.Instant, ttl time.Duration) bool {
	return e.refusedLately(inputs, now, ttl) || e.answered && e.inputs == inputs && now.Sub(e.received) < ttl
}

// refusedLately reports whether the same question got no answer of the model's
// less than a TTL ago.
func (e *entry) refusedLately(inputs uint64, now ipc.Instant, ttl time.Duration) bool {
	return e.refused && e.refusedInputs == inputs && now.Sub(e.refusedAt) < ttl
}

// invalid is the reply to a request that breaks its own ranges.
func invalid(err error) ipc.Reply {
	if e, ok := err.(*ipc.StatusError); ok {
		return ipc.Reply{Status: e.Status, Error: e.Text}
	}
	return ipc.Reply{Status: ipc.StatusInvalidArgument, Error: err.Error()}
}

// remember stores what the bridge said about q: an answer of the model's, or that
// there was none and why.
//
// A subject that was forgotten meanwhile is only remembered anew when again is
// true: the answers of a refresh must not push out those who still ask.
func (c *Client) remember(q ipc.Request, inputs uint64, r *ipc.Reply, now ipc.Instant, again bool) {
	kind, subject := q.Kind(), q.Subject()
	s := c.cache.of(kind, subject)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(kind, subject)
	switch {
	case e == nil && !again:
		return
	case e == nil:
		e = s.obtain(kind, subject)
	}
	if r.Status == ipc.StatusOK && (r.Source == ipc.SourceModel || r.Source == ipc.SourceCache) {
		e.answered, e.inputs, e.received, e.answer = true, inputs, now, *r
		e.refused = false
		return
	}
	if r.Status == ipc.StatusOK && r.Source == ipc.SourceStale && r.Reason == ipc.ReasonRefreshing {
		// The bridge has a newer one in a moment, so asking again is right; until then
		// this is the best there is, as old as it is.
		if made := now.Add(-r.Age); !e.answered || e.inputs != inputs || e.received < made {
			e.answered, e.inputs, e.received, e.answer = true, inputs, made, *r
			e.answer.Age = 0
		}
		e.refused = false
		return
	}
	e.refused, e.refusedInputs, e.refusedAt, e.refusedWhy = true, inputs, now, whyNot(r)
	if e.refusedWhy == ipc.ReasonDemoted {
		e.answered = false // its older answers are no better
	}
}

// whyNot is the reason why r is no fresh answer of the model's.
func whyNot(r *ipc.Reply) ipc.Reason {
	if r.Reason != ipc.ReasonNone {
		return r.Reason
	}
	switch r.Status {
	case ipc.StatusOK:
		return ipc.ReasonDaemonUnavailable // a rule or a stale answer owes a reason
	case ipc.StatusDeadlineExceeded:
		return ipc.ReasonDeadline
	case ipc.StatusOverloaded:
		return ipc.ReasonOverloaded
	case ipc.StatusUnavailable:
		return ipc.ReasonDaemonUnavailable
	}
	return ipc.ReasonInvalidOutput
}
