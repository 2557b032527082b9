package bridge

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
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

	limit  int
	models []string // by record.model; the latest is the last
}

// record is what every kind's shelf keeps of an answer besides the answer itself.
type record struct {
	inputs uint64      // hash of the question's inputs
	at     ipc.Instant // when the model answered
	model  uint16      // its name's place in cache.models
	used   bool        // asked for since the shelf's hand came by
}

func (r *record) age(now ipc.Instant) time.Duration { return now.Sub(r.at) }

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

// newCache makes a cache of at most limit subjects a kind.
func newCache(limit int) *cache {
	c := &cache{limit: limit}
	c.forget()
	return c
}

// forget empties the cache.
func (c *cache) forget() {
	c.workload.init(c.limit)
	c.threat.init(c.limit)
	c.failure.init(c.limit)
	c.memory.init(c.limit)
	c.models = nil
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

// confidence is that of the answer at e.
func (c *cache) confidence(e cached) float32 {
	var p ipc.Prediction
	c.load(e, &p)
	return p.Confidence()
}

// model gives the name of the model whose answer lies at e.
func (c *cache) model(e cached) string { return c.models[e.record.model] }

func (c *cache) put(k *cachekey.Key, p *ipc.Prediction, model string, now ipc.Instant) {
	r := record{inputs: k.Inputs, at: now, model: c.name(model)}
	switch k.Kind {
	case ipc.Workload:
		c.workload.put(k.Subject.Agent, r, &p.Workload)
	case ipc.Threat:
		c.threat.put(k.Subject.Agent, r, &p.Threat)
	case ipc.Failure:
		c.failure.put(k.Subject.Component, r, &p.Failure)
	case ipc.Memory:
		c.memory.put(k.Subject.Agent, r, &p.Memory)
	}
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
