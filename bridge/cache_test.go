package bridge

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

func newTestCache(subjects int) *cache {
	return newCache(&Config{Subjects: subjects, CacheBytes: 64 << 20, TTL: 1})
}

func TestCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	c := newTestCache(4)
	p := ipc.Prediction{Kind: ipc.Workload}
	key := func(agent uint64) *cachekey.Key {
		k := cachekey.Of(workload(agent, 0.5))
		return &k
	}
	for agent := range uint64(4) {
		c.put(key(agent), &p, "m", 1)
	}
	for agent := uint64(4); agent < 100; agent++ {
		if !c.get(key(0)).known() {
			t.Fatalf("agent 0 was forgotten at agent %d though it is asked for every time", agent)
		}
		c.put(key(agent), &p, "m", 1)
		if c.len() != 4 || c.workload.places.n != 4 {
			t.Fatalf("%d entries, %d records; want 4", c.len(), c.workload.places.n)
		}
	}
	if c.get(key(1)).known() {
		t.Error("agent 1, never asked for, is still there")
	}
}

func TestCacheGivesBackEveryKind(t *testing.T) {
	c := newTestCache(4)
	for round := range 3 {
		for i, q := range oneOfEach() {
			key, p := cachekey.Of(q), predictionFor(q)
			name := fmt.Sprintf("m%d@%d", i, round)
			c.put(&key, &p, name, ipc.Instant(round+1))
			e := c.get(&key)
			if !e.known() || e.inputs != key.Inputs || e.at != ipc.Instant(round+1) || c.model(e) != name {
				t.Fatalf("%v, round %d: get() = %+v", q.Kind(), round, e)
			}
			got := ipc.Prediction{Kind: 200, Workload: ipc.WorkloadPrediction{CPU: 7}}
			if c.load(e, &got); got != p {
				t.Errorf("load() = %+v, want %+v", got, p)
			}
		}
	}
	if c.len() != len(ipc.Kinds) {
		t.Errorf("len() = %d, want one a kind", c.len())
	}
}

// TestCacheOutlivesManyModels: a daemon may call its models what it likes.
func TestCacheOutlivesManyModels(t *testing.T) {
	c := newTestCache(4)
	q := oneOfEach()[0]
	key, p := cachekey.Of(q), predictionFor(q)
	for i := range maxModels + 10 {
		name := strconv.Itoa(i)
		c.put(&key, &p, name, 1)
		if e := c.get(&key); !e.known() || c.model(e) != name {
			t.Fatalf("the answer of model %s is lost or another's", name)
		}
	}
}

func TestCacheFindsWithoutAllocating(t *testing.T) {
	c := newTestCache(1)
	for _, q := range oneOfEach() {
		key, p := cachekey.Of(q), predictionFor(q)
		c.put(&key, &p, "m", 1)
		n := testing.AllocsPerRun(100, func() {
			c.put(&key, &p, "m", 2)
			c.load(c.get(&key), &p)
		})
		if n != 0 {
			t.Errorf("%v: %v allocations", q.Kind(), n)
		}
	}
}

// A shelf that is full of subjects that were asked about is not searched as a whole.
func TestAFullShelfIsNotSearchedForLong(t *testing.T) {
	var s shelf[uint64, ipc.WorkloadPrediction]
	s.init(chunkLen, 1<<20, hashNumber)
	for n := range uint64(chunkLen) {
		e, _ := s.claim(n)
		e.subject, e.used = n, true
	}
	e, known := s.claim(1 << 20)
	if e.subject = 1 << 20; known {
		t.Error("a new subject is known")
	}
	looked := 0
	for n := range chunkLen {
		if !s.at(n).used {
			looked++
		}
	}
	if _, r := s.find(1 << 20); r == nil || s.n != chunkLen || looked != maxTurn {
		t.Errorf("%d of %d were looked at for a place, want %d; found then: %v", looked, s.n, maxTurn, r)
	}
}

// A new answer is compared with the last one to the same question of the same model.
func TestVerdicts(t *testing.T) {
	c := newCache(&adaptive)
	for i, v := range []struct {
		q     ipc.Request
		cpu   float32
		model string
		want  verdict
	}{
		{workload(1, 0.5), 0.5, "m@1", verdictNone},
		{workload(1, 0.5), 0.5, "m@1", verdictAgreed},
		{workload(1, 0.5), 0.9, "m@1", verdictChanged},
		{workload(1, 0.8), 0.9, "m@1", verdictNone},
		{workload(1, 0.8), 0.9, "m@2", verdictNone},
		{workload(2, 0.8), 0.9, "m@2", verdictNone},
	} {
		key, p := cachekey.Of(v.q), ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: v.cpu}}
		if got := c.put(&key, &p, v.model, 1); got != v.want {
			t.Errorf("answer %d: %v, want %v", i, got, v.want)
		}
	}
}

// A daemon whose model has another name each time does not make the cache grow.
func TestNamesOfModelsAreBounded(t *testing.T) {
	c := newTestCache(4)
	key, p := cachekey.Of(workload(1, 0.5)), predictionFor(workload(1, 0.5))
	for n := range 3 * maxModels {
		name := "m@" + strconv.Itoa(n)
		c.put(&key, &p, name, 1)
		if e := c.get(&key); !e.known() || c.model(e) != name || len(c.models) > maxModels {
			t.Fatalf("model %d: %+v by %q, %d names", n, e, c.model(e), len(c.models))
		}
	}
}
