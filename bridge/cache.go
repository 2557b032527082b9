package bridge

import (
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/freshness"
)

// cache keeps the last model's answer about every subject. The same question
// again within the TTL is answered from it; another question about the same
// subject gets it as stale, when nothing better can be had in time.
//
// One answer a subject is enough: an agent's earlier inputs do not come back. It
// belongs to the loop, so plain maps do; a library's cache would bring locks,
// goroutines and a policy for sharing that has nobody to share with. Every kind has a
// shelf of its own, made for its subjects and its answers: with one map for all, an
// agent took four times the memory and finding it twice the time.
type cache struct {
	workload shelf[uint64, ipc.WorkloadPrediction]
	threat   shelf[uint64, ipc.ThreatPrediction]
	failure  shelf[string, ipc.FailurePrediction]
	memory   shelf[uint64, ipc.MemoryPrediction]

	limit   int // subjects a kind
	bytes   int // of all kinds together
	fresh   freshness.Policy
	models  []string                // by record.model
	current [len(ipc.Kinds)]current // by kind
	n       atomic.Int64            // subjects, as of the last put
	size    atomic.Int64            // bytes they take, at the worst
}

// record is what every kind's shelf keeps of an answer besides the answer itself.
type record struct {
	inputs uint64          // hash of the question's inputs
	at     ipc.Instant     // when the model answered
	model  uint16          // its name's place in cache.models
	level  freshness.Level // of the subject's TTL
	hits   uint8           // how often it has served, up to 255
	used   bool            // asked for since the shelf's hand came by
}

func (r *record) age(now ipc.Instant) time.Duration { return now.Sub(r.at) }

// current are the models that answer for a kind now: one, and for a share of the subjects
// perhaps a candidate; else that is the same one.
type current struct{ model, candidate uint16 } // as record.model

// cached is where an answer lies; its record is nil when there is none. It is valid
// until the next put.
type cached struct {
	*record
	kind  ipc.Kind
	place int
}

func (e cached) known() bool { return e.record != nil }

// maxModels is how many names of models a cache can tell apart.
const maxModels = 1024

// newFreshness is the policy that cfg asks for.
func newFreshness(cfg *Config) freshness.Policy {
	return freshness.New(cfg.TTL, cfg.MaxTTL, cfg.Tolerance)
}

// newCache makes a cache of at most cfg.Subjects a kind, and of cfg.CacheBytes in all:
// a quarter a kind, so that none can push out another's.
func newCache(cfg *Config) *cache {
	c := &cache{limit: cfg.Subjects, bytes: cfg.CacheBytes, fresh: newFreshness(cfg)}
	c.forget()
	return c
}

// forget empties the cache.
func (c *cache) forget() {
	share := c.bytes / len(ipc.Kinds)
	c.workload.init(c.limit, share, hashNumber)
	c.threat.init(c.limit, share, hashNumber)
	c.failure.init(c.limit, share, hashName)
	c.memory.init(c.limit, share, hashNumber)
	c.models = nil
	c.current = [len(ipc.Kinds)]current{}
}

// stage tells what the answer at e is good for, to whoever asks its very question.
func (c *cache) stage(e cached, now ipc.Instant) freshness.Stage {
	return c.fresh.Stage(e.level, e.age(now), e.hits, c.replaced(e))
}

// replaced reports whether the model whose answer lies at e answers no more.
func (c *cache) replaced(e cached) bool {
	now := &c.current[e.kind-1]
	return e.record.model != now.model && e.record.model != now.candidate
}

// answers notes that the model answers for kind k now: for all subjects, or for those that
// are not in the share of a candidate.
func (c *cache) answers(k ipc.Kind, model string, all bool) {
	now := &c.current[k-1]
	if now.model = c.name(model); all {
		now.candidate = now.model
	}
}

// shares notes that the candidate answers for the subjects of its share.
func (c *cache) shares(k ipc.Kind, candidate string) {
	c.current[k-1].candidate = c.name(candidate)
}

// get finds what is known about the key's subject.
func (c *cache) get(k *cachekey.Key) cached {
	e := cached{kind: k.Kind}
	switch k.Kind {
	case ipc.Workload:
		e.place, e.record = c.workload.find(k.Subject.Agent)
	case ipc.Threat:
		e.place, e.record = c.threat.find(k.Subject.Agent)
	case ipc.Failure:
		e.place, e.record = c.failure.find(k.Subject.Component)
	case ipc.Memory:
		e.place, e.record = c.memory.find(k.Subject.Agent)
	}
	if e.record != nil {
		e.used = true
	}
	return e
}

// load reads the answer that lies at e into p.
func (c *cache) load(e cached, p *ipc.Prediction) {
	*p = ipc.Prediction{Kind: e.kind}
	switch e.kind {
	case ipc.Workload:
		p.Workload = c.workload.at(e.place).answer
	case ipc.Threat:
		p.Threat = c.threat.at(e.place).answer
	case ipc.Failure:
		p.Failure = c.failure.at(e.place).answer
	case ipc.Memory:
		p.Memory = c.memory.at(e.place).answer
	}
}

// model gives the name of the model whose answer lies at e.
func (c *cache) model(e cached) string { return c.models[e.record.model] }

// bounds gives until which age the answer at e serves its own question as cached, and
// until which as stale: no answer is too old to be stale that has just been fresh.
func (c *cache) bounds(e cached, stale time.Duration) (ttl, bound time.Duration) {
	if !c.replaced(e) || !c.fresh.Adaptive() {
		ttl = c.fresh.TTL(e.level)
	}
	return ttl, c.fresh.Stale(e.level, stale)
}

// verdict is how a new answer compares with the one before.
type verdict uint8

const (
	verdictNone    verdict = iota // it answers another question, or is the first
	verdictAgreed                 // the same answer to the same question
	verdictChanged                // another answer to the same question
)

// put keeps the answer in the place of the subject's last.
func (c *cache) put(k *cachekey.Key, p *ipc.Prediction, model string, now ipc.Instant) (v verdict) {
	r := record{inputs: k.Inputs, at: now, model: c.name(model)}
	before := c.len()
	switch k.Kind {
	case ipc.Workload:
		v = keep(&c.fresh, &c.workload, k.Subject.Agent, r, &p.Workload, freshness.Workload)
	case ipc.Threat:
		v = keep(&c.fresh, &c.threat, k.Subject.Agent, r, &p.Threat, freshness.Threat)
	case ipc.Failure:
		v = keep(&c.fresh, &c.failure, k.Subject.Component, r, &p.Failure, freshness.Failure)
	case ipc.Memory:
		v = keep(&c.fresh, &c.memory, k.Subject.Agent, r, &p.Memory, freshness.Memory)
	}
	if c.len() != before {
		c.n.Store(int64(c.len()))
		c.size.Store(int64(c.workload.bytes() + c.threat.bytes() + c.failure.bytes() + c.memory.bytes()))
	}
	return v
}

// keep writes the answer on its shelf. A subject keeps what its last answers have
// taught about its TTL, also when it asks something else; another model's answers
// teach nothing about this one's. It counts as asked for only if the last answer was.
func keep[K comparable, P any](f *freshness.Policy, s *shelf[K, P], subject K, r record, answer *P, apart func(a, b *P) float64) (v verdict) {
	e, known := s.claim(subject)
	if known {
		r.used = e.used
		switch {
		case r.model != e.model:
			r.level = freshness.Replaced(e.level)
		case r.inputs != e.inputs:
			r.level = e.level
		default:
			v = verdictChanged
			var agreed bool
			if r.level, agreed = f.Judge(e.level, apart(&e.answer, answer)); agreed {
				v = verdictAgreed
			}
		}
	}
	*e = item[K, P]{record: r, subject: subject, answer: *answer}
	return v
}

// name gives the model's place in models. One a record, as a number, is what lets the
// collector pass over the shelves of agents: they hold no pointers.
func (c *cache) name(model string) uint16 {
	for i := len(c.models) - 1; i >= 0; i-- {
		if c.models[i] == model {
			return uint16(i)
		}
	}
	if len(c.models) == maxModels { // nobody changes models so often; start over
		c.forget()
	}
	c.models = append(c.models, model)
	return uint16(len(c.models) - 1)
}

func (c *cache) len() int {
	return c.workload.n + c.threat.n + c.failure.n + c.memory.n
}
