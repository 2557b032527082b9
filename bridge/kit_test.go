package bridge

import (
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

// countDone owns calls that a test submits by hand.
type countDone struct{ n int }

func (c *countDone) CallDone(*ipc.Call) { c.n++ }

// fill puts the fake model's answer to q in the cache of a bridge that is not running.
func fill(b *Bridge, q ipc.Request) {
	key, p := cachekey.Of(q), predictionFor(q)
	b.cache.put(&key, &p, "fake@1", ipc.Now())
}
