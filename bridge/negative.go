package bridge

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

// negatives remembers, for a short while, questions that the model could not answer:
// its output failed validation, or the daemon refused the slot. The model is a pure
// function, so the same question again would cost an exchange and bring the same. A
// daemon that fails altogether is the breaker's business.
//
// It is a table of fixed size in which a question has one place; another that falls on
// it takes it over, which costs one exchange more.
type negatives struct {
	places []negative
	latest ipc.Instant // when the last of them ends: a healthy model costs one comparison
}

type negative struct {
	key   cachekey.Key
	until ipc.Instant
}

const maxNegatives = 256

func (t *negatives) add(k *cachekey.Key, now ipc.Instant, ttl time.Duration) {
	if t.places == nil {
		t.places = make([]negative, maxNegatives)
	}
	t.latest = now.Add(ttl)
	t.places[hashOf(k)%maxNegatives] = negative{key: *k, until: t.latest}
}

func (t *negatives) has(k *cachekey.Key, now ipc.Instant) bool {
	if now >= t.latest {
		return false
	}
	p := &t.places[hashOf(k)%maxNegatives]
	return now < p.until && p.key == *k
}
