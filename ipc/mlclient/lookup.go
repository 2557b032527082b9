package mlclient

import (
	"math"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/freshness"
	"github.com/mlbridge/mlbridge/ipc/ladder"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// Lookup answers q from what is here: a fresh answer of the model, one that is
// stale within its bound, or the rule, whose Reason says why. It never blocks and
// does no I/O; unless the answer is fresh, it queues q to be refreshed.
//
// An answer to this very question keeps the prediction id it came with, so that an outcome
// can be told about it, once: further ones change nothing. A stale one to another question has
// none. Only a q that is nil, or breaks its own ranges, has no answer
// (StatusInvalidArgument). q is not kept.
func (c *Client) Lookup(q ipc.Request, r *ipc.Reply) {
	if q == nil {
		*r = ipc.Refusal(ipc.CheckRequest(q))
		return
	}
	kind, subject := q.Kind(), q.Subject()
	inputs := cachekey.Inputs(q)
	now := ipc.Now()
	s := c.cache.of(kind, subject)
	s.mu.Lock()
	e := s.find(kind, subject)
	if e != nil && e.answered && e.inputs == inputs && ladder.Cached(e.rung(now), c.fresh.TTL(e.level), c.threshold[kind]) {
		e.used = true
		ahead := e.hits >= freshness.Hot && c.stage(e, now) == freshness.Ahead
		e.give(ipc.SourceCache, ipc.ReasonNone, now, r)
		s.sources[ipc.SourceCache]++
		s.mu.Unlock()
		if ahead {
			c.askBehind(q, inputs, now)
		}
		return
	}
	why := ipc.ReasonNotCached
	if !c.link.up() {
		why = ipc.ReasonBridgeUnavailable
	}
	d, _ := c.decide(kind, e, inputs, now, false, why, r)
	s.mu.Unlock()
	c.lookupMiss(s, q, r, d, inputs, now)
}

// rung is the entry's answer as the ladder sees it.
func (e *entry) rung(now ipc.Instant) ladder.Rung {
	return ladder.Rung{Available: true, Age: now.Sub(e.received), Confidence: e.answer.Confidence()}
}

// stage tells what the entry's answer is good for, to whoever asks its very question. What
// has been asked ahead of its expiry is not asked so again.
func (c *Client) stage(e *entry, now ipc.Instant) freshness.Stage {
	stage := c.fresh.Stage(e.level, now.Sub(e.received), e.hits, false)
	if stage == freshness.Ahead && e.ahead {
		return freshness.Fresh
	}
	return stage
}

// give copies the entry's answer.
func (e *entry) give(source ipc.Source, why ipc.Reason, now ipc.Instant, r *ipc.Reply) {
	if e.hits < math.MaxUint8 {
		e.hits++
	}
	*r = e.answer
	if r.Source, r.Reason = source, why; why == ipc.ReasonNone && r.Ruled != 0 {
		r.Reason = ipc.ReasonDemoted // for a part of it
	}
	r.Age += now.Sub(e.received)
}

// lookupMiss is the rest of a Lookup that has no fresh answer.
func (c *Client) lookupMiss(s *shard, q ipc.Request, r *ipc.Reply, d ladder.Decision, inputs uint64, now ipc.Instant) {
	if err := q.Validate(); err != nil {
		*r = ipc.Refusal(err)
		d.Source = ipc.SourceNone
	} else if d.Source == ipc.SourceRule {
		rules.Answer(q, d.Reason, r)
	}
	s.mu.Lock()
	s.sources[d.Source]++
	rouse := false
	if d.Source != ipc.SourceNone && c.link.up() {
		if e := s.obtain(q.Kind(), q.Subject()); !c.knownLately(e, inputs, now) {
			_, rouse = c.askLater(s, e, q, inputs)
		}
	}
	s.mu.Unlock()
	if rouse {
		c.queue.rouse()
	}
}

// askBehind queues q, whose answer is being given, to be asked anew. It reports whether
// that will happen: where nobody can be asked it does not.
func (c *Client) askBehind(q ipc.Request, inputs uint64, now ipc.Instant) bool {
	if !c.link.up() || q.Validate() != nil { // who hits the cache has not been looked at
		return false
	}
	kind, subject := q.Kind(), q.Subject()
	s := c.cache.of(kind, subject)
	s.mu.Lock()
	e := s.find(kind, subject)
	if e == nil || e.refusedLately(inputs, now, c.cfg.TTL) {
		s.mu.Unlock()
		return false
	}
	asked, rouse := c.askLater(s, e, q, inputs)
	e.ahead = e.ahead || asked
	s.mu.Unlock()
	if rouse {
		c.queue.rouse()
	}
	return asked
}

// decide asks the ladder about what is remembered in e, which may be nil, and
// fills r when the answer is a remembered one; stage is how far an answer to this very
// question has come. The shard is locked.
func (c *Client) decide(kind ipc.Kind, e *entry, inputs uint64, now ipc.Instant, require bool, why ipc.Reason, r *ipc.Reply) (d ladder.Decision, stage freshness.Stage) {
	s := ladder.State{
		TTL: c.cfg.TTL, StaleBound: c.cfg.StaleBound, Threshold: c.threshold[kind],
		RequireModel: require, Why: why,
	}
	if e != nil {
		e.used = true
		if e.answered && !(require && e.answer.Ruled != 0) {
			if e.inputs == inputs {
				s.Same, stage = e.rung(now), c.stage(e, now)
				s.TTL, s.StaleBound = c.fresh.TTL(e.level), c.fresh.Stale(e.level, c.cfg.StaleBound)
				if why == ipc.ReasonNotCached && stage == freshness.Revalidate && !require {
					s.Why = ipc.ReasonRefreshing
				}
			} else {
				s.Subject = e.rung(now)
			}
		}
		if why == ipc.ReasonNotCached && e.refusedLately(inputs, now, c.cfg.TTL) {
			s.Why = e.refusedWhy
		}
	}
	d = ladder.Decide(s)
	if d.Source == ipc.SourceCache || d.Source == ipc.SourceStale {
		e.give(d.Source, d.Reason, now, r)
		if e.inputs != inputs { // what follows this question is no outcome of that one
			r.PredictionID = 0
		}
	}
	return d, stage
}

// knownLately reports whether the same question was put less than a TTL ago, with
// whatever result: asking again would bring the same.
func (c *Client) knownLately(e *entry, inputs uint64, now ipc.Instant) bool {
	return e.refusedLately(inputs, now, c.cfg.TTL) || e.answered && e.inputs == inputs && now.Sub(e.received) < c.fresh.TTL(e.level)
}

// refusedLately reports whether the same question got no answer of the model's
// less than a TTL ago.
func (e *entry) refusedLately(inputs uint64, now ipc.Instant, ttl time.Duration) bool {
	return e.refused && e.refusedInputs == inputs && now.Sub(e.refusedAt) < ttl
}

// oldest is how old an answer counts at most, whatever the bridge says, 146 years: added to
// what passes here, more would be no number.
const oldest time.Duration = math.MaxInt64 / 2

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
		c.learn(e, inputs, r, now)
		e.answered, e.inputs, e.received, e.answer = true, inputs, now, *r
		e.answer.Age = min(r.Age, oldest)
		e.refused, e.ahead, e.hits = false, false, 0
		return
	}
	if r.Status == ipc.StatusOK && r.Source == ipc.SourceStale && r.Reason == ipc.ReasonRefreshing {
		// The bridge has a newer one in a moment, so asking again is right; until then
		// this is the best there is, as old as it is.
		if made := now.Add(-min(r.Age, oldest)); !e.answered || e.inputs != inputs || e.received < made {
			e.answered, e.inputs, e.received, e.answer = true, inputs, made, *r
			e.answer.Age, e.hits = 0, 0
		}
		e.refused, e.ahead = false, false
		return
	}
	e.ahead = false
	e.refused, e.refusedInputs, e.refusedAt, e.refusedWhy = true, inputs, now, whyNot(r)
	if e.refusedWhy.Condemns() {
		e.answered = false // its older answers are no better
	}
}

// learn sets the level of the subject's TTL by how r compares with the answer before it. A
// subject keeps what it has learnt when it asks something else; another model's answers
// teach nothing about this one's, and nor does the very answer that is here, again from
// the bridge's cache.
func (c *Client) learn(e *entry, inputs uint64, r *ipc.Reply, now ipc.Instant) {
	switch {
	case !e.answered || e.inputs != inputs:
	case e.answer.Model != r.Model:
		e.level = freshness.Replaced(e.level)
	case r.Source == ipc.SourceModel || r.Age < now.Sub(e.received):
		e.level, _ = c.fresh.Judge(e.level, freshness.Apart(&e.answer.Prediction, &r.Prediction))
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
