package bridge

import (
	"hash/maphash"
	"math/bits"
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

// hashSeed and chainSeed keep peers from naming components, or choosing numbers, that
// fall together.
var (
	hashSeed  = maphash.MakeSeed()
	chainSeed = rand.Uint64()
)

func hashOf(k *cachekey.Key) uint64 {
	h := k.Inputs ^ bits.RotateLeft64(k.Subject.Agent, 32)
	if k.Subject.Component != "" {
		h ^= maphash.String(hashSeed, k.Subject.Component)
	}
	return h
}

// chain is where the questions are that k may belong to.
func (x *openIndex) chain(k *cachekey.Key) **question {
	hi, lo := bits.Mul64(hashOf(k)^chainSeed, 0x9e3779b97f4a7c15)
	return &x.chains[(hi^lo)>>(64-chainBits)]
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
