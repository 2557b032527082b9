package advice

import (
	"math/rand/v2"
	"sync"

	"github.com/mlbridge/mlbridge/ipc"
)

// Pool keeps a sample of the questions that the subsystems asked, for the load
// phase to ask again: real windows of real agents. Any goroutine may use it.
//
// It is a uniform sample of everything offered (Vitter's algorithm R, ACM TOMS
// 1985), bounded per kind.
type Pool struct {
	mu      sync.Mutex // guards all below
	limit   int
	rng     *rand.Rand
	offered [len(ipc.Kinds) + 1]int
	kept    [len(ipc.Kinds) + 1][]ipc.Request
}

// NewPool makes a pool of at most limit questions of each kind.
func NewPool(limit int, seed uint64) *Pool {
	return &Pool{limit: limit, rng: rand.New(rand.NewPCG(seed, 5))}
}

// Offer may keep a copy of q. Invalid questions are not kept: the load phase
// measures answers, not refusals.
func (p *Pool) Offer(q ipc.Request) {
	k := q.Kind()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offered[k]++
	place := p.offered[k] - 1
	if place >= p.limit {
		if place = p.rng.IntN(p.offered[k]); place >= p.limit {
			return
		}
	}
	if q.Validate() != nil {
		p.offered[k]--
		return
	}
	if place < len(p.kept[k]) {
		p.kept[k][place] = q.Copy()
		return
	}
	p.kept[k] = append(p.kept[k], q.Copy())
}

// Requests gives the kept questions of a kind, in no particular order.
func (p *Pool) Requests(k ipc.Kind) []ipc.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := append([]ipc.Request(nil), p.kept[k]...)
	// The first come lie in front: shuffled, each stretch of the load is mixed.
	p.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
