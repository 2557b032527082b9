package bridge

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

func TestCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	c := newCache(4)
	p := ipc.Prediction{Kind: ipc.Workload}
	key := func(agent uint64) *cachekey.Key {
		k := cachekey.Of(workload(agent, 0.5))
		return &k
	}
	for agent := range uint64(4) {
		c.put(key(agent), &p, "m", 1)
	}
	for agent := uint64(4); agent < 100; agent++ {
		if c.get(key(0)) == nil {
			t.Fatalf("agent 0 was forgotten at agent %d though it is asked for every time", agent)
		}
		c.put(key(agent), &p, "m", 1)
		if c.len() != 4 || len(c.ring) != 4 {
			t.Fatalf("%d entries, %d records; want 4", c.len(), len(c.ring))
		}
	}
	if c.get(key(1)) != nil {
		t.Error("agent 1, never asked for, is still there")
	}
}
