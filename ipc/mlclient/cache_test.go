package mlclient

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// The bound is on what the cache really takes.
func TestCacheIsBoundedInBytes(t *testing.T) {
	const bound = 4 << 20
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	c := newCache(1<<30, bound)
	for n := range uint64(30_000) {
		for _, k := range ipc.Kinds {
			subject := ipc.Subject{Agent: n}
			if k == ipc.Failure {
				subject = ipc.Subject{Component: fmt.Sprintf("%064d", n)}
			}
			s := c.of(k, subject)
			s.mu.Lock()
			s.obtain(k, subject)
			s.mu.Unlock()
		}
	}
	took := heap() - before
	var stats Stats
	for i := range c.shard {
		c.shard[i].addTo(&stats)
	}
	t.Logf("%d subjects, %d bytes counted, %d on the heap, %d a subject", stats.Entries, stats.Bytes, took, took/int64(stats.Entries))
	if stats.Bytes > bound || took > bound {
		t.Errorf("%d bytes counted, %d on the heap; want at most %d", stats.Bytes, took, bound)
	}
	if took > int64(stats.Bytes) {
		t.Errorf("%d bytes counted, %d on the heap: it takes more than is told", stats.Bytes, took)
	}
	if took < bound/2 {
		t.Errorf("%d bytes on the heap of %d: the count is far too careful", took, bound)
	}
	runtime.KeepAlive(c)
}
