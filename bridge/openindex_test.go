package bridge

import (
	"math/rand/v2"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

// TestOpenIndexTellsCollisionsApart adds and removes questions of which many have the
// same hash, in every order that chance gives.
func TestOpenIndexTellsCollisionsApart(t *testing.T) {
	key := func(i int) cachekey.Key {
		agent := uint64(i)
		// Inputs and agent cancel out: one hash for all questions of one i%4.
		return cachekey.Key{
			Kind: ipc.Workload, Subject: ipc.Subject{Agent: agent},
			Inputs: uint64(i%4) ^ (agent<<32 | agent>>32),
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	var x openIndex
	open := make(map[cachekey.Key]*question)
	for range 10_000 {
		k := key(r.IntN(40))
		if got := x.find(&k); got != open[k] {
			t.Fatalf("find(%v) = %p, want %p", k, got, open[k])
		}
		if q := open[k]; q != nil {
			x.remove(q)
			delete(open, k)
			continue
		}
		q := &question{key: k}
		x.add(q)
		open[k] = q
		if x.n != len(open) {
			t.Fatalf("%d questions are open, want %d", x.n, len(open))
		}
	}
}
