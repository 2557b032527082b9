package bridge

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

// TestOpenIndexTellsCollisionsApart adds and removes questions of which a quarter has the
// same hash, in every order that chance gives.
func TestOpenIndexTellsCollisionsApart(t *testing.T) {
	key := func(i int) cachekey.Key {
		k := cachekey.Key{Kind: ipc.Workload, Subject: ipc.Subject{Agent: uint64(i)}, Inputs: uint64(i)}
		if i%4 == 0 {
			k.Inputs = inputsSeed // the hash is 0, whatever the agent
		}
		return k
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

// TestPeersDoNotChooseChains: a peer knows how inputs are hashed and names its agents as it
// likes. All of its questions in one chain would make each cost as much as a full queue.
func TestPeersDoNotChooseChains(t *testing.T) {
	const questions = 1 << chainBits
	r := rand.New(rand.NewPCG(3, 4))
	var x openIndex
	for range questions {
		inputs := r.Uint64()
		x.add(&question{key: cachekey.Key{
			Kind: ipc.Workload, Subject: ipc.Subject{Agent: bits.RotateLeft64(inputs, 32)}, Inputs: inputs,
		}})
	}
	longest := 0
	for _, q := range x.chains {
		n := 0
		for ; q != nil; q = q.next {
			n++
		}
		longest = max(longest, n)
	}
	// Of as many questions as chains by chance, about six.
	if longest > 32 {
		t.Errorf("a chain of %d questions, of %d", longest, questions)
	}
}
