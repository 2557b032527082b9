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
// belongs to the loop, so a plain map does; a library's cache would bring locks,
// goroutines and a policy for sharing that has nobody to share with. When full it
// forgets whom nobody asked about lately (the clock algorithm: one hand, one bit).
// The hand gives up after maxTurn entries and takes the next, used or not: a search
// through a cache full of used ones would hold every call up by a millisecond.
type cache struct {
	entries map[subjectKey]*cached
	ring    []*cached // every entry, for the clock hand
	hand    int
	limit   int
}

type subjectKey struct {
	kind    ipc.Kind
	subject ipc.Subject
}

type cached struct {
	key        cachekey.Key
	prediction ipc.Prediction
	model      string
	at         ipc.Instant // when the model answered
	used       bool        // asked for since the hand came by
}

func newCache(limit int) *cache {
	return &cache{entries: make(map[subjectKey]*cached), limit: limit}
}

// get returns what is known about the key's subject, or nil. The entry is valid
// until the next put.
func (c *cache) get(k *cachekey.Key) *cached {
	e := c.entries[subjectKey{k.Kind, k.Subject}]
	if e != nil {
		e.used = true
	}
	return e
}

func (c *cache) put(k *cachekey.Key, p *ipc.Prediction, model string, now ipc.Instant) {
	sk := subjectKey{k.Kind, k.Subject}
	e := c.entries[sk]
	if e == nil {
		e = c.room()
		c.entries[sk] = e
	}
	e.key, e.prediction, e.model, e.at = *k, *p, model, now
}

// room gives an entry to fill: a new one, or that of a subject nobody asked about.
func (c *cache) room() *cached {
	if len(c.ring) < c.limit {
		e := new(cached)
		c.ring = append(c.ring, e)
		return e
	}
	for turn := 0; ; turn++ {
		e := c.ring[c.hand]
		c.hand = (c.hand + 1) % len(c.ring)
		if !e.used || turn == maxTurn {
			delete(c.entries, subjectKey{e.key.Kind, e.key.Subject})
			e.used = false
			return e
		}
		e.used = false // a second chance; the next turn of the hand takes it
	}
}

// maxTurn bounds the work of one put, to about a microsecond.
const maxTurn = 64

func (c *cache) len() int { return len(c.entries) }

func (e *cached) age(now ipc.Instant) time.Duration { return now.Sub(e.at) }
