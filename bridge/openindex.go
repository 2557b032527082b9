package bridge

import (
	"hash/maphash"
	"math/rand/v2"

	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

// openIndex finds the open question that a key belongs to: chains of questions by some
// bits of a hash. It holds no more than the queue and the flights, some a chain; Go's
// maps, which grow and have to be found a free place in, took three times as long.
type openIndex struct {
	chains [1 << chainBits]*question
	n      int
}

const chainBits = 10

// The seeds keep peers, who know how inputs are hashed and name subjects as they like, from
// making questions that fall together: the product of the two is nobody's to choose.
var (
	componentSeed         = maphash.MakeSeed()
	agentSeed, inputsSeed = rand.Uint64(), rand.Uint64()
)

func hashOf(k *cachekey.Key) uint64 {
	subject := k.Subject.Agent ^ agentSeed
	if k.Subject.Component != "" {
		subject ^= maphash.String(componentSeed, k.Subject.Component)
	}
	return scattered(subject, k.Inputs^inputsSeed)
}

// chain is where the questions are that k may belong to.
func (x *openIndex) chain(k *cachekey.Key) **question {
	return &x.chains[hashOf(k)>>(64-chainBits)]
}

func (x *openIndex) find(k *cachekey.Key) *question {
	if x.n == 0 {
		return nil
	}
	q := *x.chain(k)
	for q != nil && q.key != *k {
		q = q.next
	}
	return q
}

func (x *openIndex) add(q *question) {
	first := x.chain(&q.key)
	q.next, *first = *first, q
	x.n++
}

func (x *openIndex) remove(q *question) {
	at := x.chain(&q.key)
	for *at != q {
		at = &(*at).next
	}
	*at, q.next = q.next, nil
	x.n--
}
