package bridge

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/freshness"
	"github.com/mlbridge/mlbridge/ipc/ladder"
)

var adaptive = Config{TTL: 100 * time.Millisecond, MaxTTL: time.Minute, Tolerance: 0.01, Subjects: 1024, CacheBytes: 64 << 20}

func TestTTLFollowsTheAnswers(t *testing.T) {
	const base = 100 * time.Millisecond
	said := func(cpu float32) ipc.Prediction {
		return ipc.Prediction{Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{CPU: cpu}}
	}
	q, other := workload(1, 0.5), workload(1, 0.9)
	for _, c := range []struct {
		line  string
		says  []float32 // answers to the same question; below 0: to another one
		model string    // of the last answer
		want  time.Duration
	}{
		{"the first answer", []float32{0.5}, "m", base},
		{"the same again", []float32{0.5, 0.5}, "m", 2 * base},
		{"within the tolerance", []float32{0.5, 0.509}, "m", 2 * base},
		{"beyond it", []float32{0.5, 0.511}, "m", base / 4},
		{"twice the same, then another", []float32{0.5, 0.5, 0.5, 0.9}, "m", base},
		{"always another", []float32{0, 1, 0, 1, 0, 1, 0, 1}, "m", base / 16},
		{"always the same", make([]float32, 40), "m", time.Minute},
		{"another question keeps what was learnt", []float32{0.5, 0.5, 0.5, -1}, "m", 4 * base},
		{"another model's answers teach nothing", []float32{0.5, 0.5, 0.5, 0.5}, "m@2", base},
	} {
		cache := newCache(&adaptive)
		var key cachekey.Key
		for i, cpu := range c.says {
			key = cachekey.Of(q)
			if cpu < 0 {
				key = cachekey.Of(other)
			}
			p, model := said(cpu), "m"
			if i == len(c.says)-1 {
				model = c.model
			}
			cache.put(&key, &p, model, 1)
		}
		if got := cache.fresh.TTL(cache.get(&key).level); got != c.want {
			t.Errorf("%s: TTL = %v, want %v", c.line, got, c.want)
		}
	}
}

// What begin gives from the cache without asking the ladder is what the ladder would.
func TestStagesAgreeWithTheLadder(t *testing.T) {
	for _, cfg := range []Config{adaptive, {TTL: 100 * time.Millisecond, Subjects: 8, CacheBytes: 1 << 20}} {
		c := newCache(&cfg)
		key, p := keyOf(workload(1, 0.5)), predictionFor(workload(1, 0.5))
		c.put(&key, &p, "m", 1)
		e := c.get(&key)
		const now = ipc.Instant(time.Hour)
		for level := range freshness.MaxLevel - freshness.MinLevel + 1 {
			for model := range uint16(2) {
				c.current[0] = current{model, model}
				for _, share := range []float64{0, 0.5, 0.9999, 1, 1.5, 1.9999, 2, 5} {
					e.level = level + freshness.MinLevel
					e.at = now.Add(-time.Duration(share * float64(c.fresh.TTL(e.level))))
					ttl, bound := c.bounds(e, time.Second)
					rung := ladder.Rung{Available: true, Age: e.age(now), Confidence: 0.75}
					d := ladder.Decide(ladder.State{Same: rung, Subject: rung, TTL: ttl, StaleBound: bound, Why: ipc.ReasonRefreshing})
					switch c.stage(e, now) {
					case freshness.Fresh, freshness.Ahead:
						if d.Source != ipc.SourceCache {
							t.Errorf("level %d, %v × TTL, current model %v: fresh, and the ladder says %v", e.level, share, model == 0, d.Source)
						}
					case freshness.Revalidate:
						if d.Source != ipc.SourceStale {
							t.Errorf("level %d, %v × TTL, current model %v: to revalidate, and the ladder says %v", e.level, share, model == 0, d.Source)
						}
					default:
						if d.Source == ipc.SourceCache {
							t.Errorf("level %d, %v × TTL, current model %v: old, and the ladder says cache", e.level, share, model == 0)
						}
					}
				}
			}
		}
	}
}

// answered makes a rig that knows the answer to q, given the age ago.
func answered(t *testing.T, q ipc.Request, age time.Duration) (*rig, *record) {
	t.Helper()
	r := newRig(t, adaptive)
	r.submit(q)
	r.conns[q.Kind()-1].end(model(q.Kind(), "m@1"))
	key := keyOf(q)
	e := r.cache.get(&key)
	e.at = e.at.Add(-age)
	return r, e.record
}

func TestStaleAnswerNowAndOneRefreshBehind(t *testing.T) {
	for _, q := range oneOfEach() {
		r, _ := answered(t, q, 150*time.Millisecond)
		conn := r.conns[q.Kind()-1]
		before := r.done.n
		calls := r.submit(q, q, q)
		for i, c := range calls {
			if c.Reply.Source != ipc.SourceStale || c.Reply.Reason != ipc.ReasonRefreshing {
				t.Errorf("%v: call %d = %v (%v), want stale, refreshing", q.Kind(), i, c.Reply.Source, c.Reply.Reason)
			}
		}
		if r.done.n-before != 3 || conn.calls != 2 || conn.x == nil {
			t.Errorf("%v: %d answered, %d exchanges; want 3 at once and one exchange behind them", q.Kind(), r.done.n-before, conn.calls)
		}
		if n := count(t, r.stats.cache.refreshes[q.Kind()-1]); n != 1 {
			t.Errorf("%v: %d refreshes are counted, want 1", q.Kind(), n)
		}
		conn.end(model(q.Kind(), "m@1"))
		if c := r.submit(q)[0]; c.Reply.Source != ipc.SourceCache || conn.calls != 2 || r.done.n-before != 4 {
			t.Errorf("%v: after the refresh %v with %d exchanges, want the cache with 2", q.Kind(), c.Reply.Source, conn.calls)
		}
	}
}

func TestWhoInsistsOnAModelWaitsForIt(t *testing.T) {
	q := workload(1, 0.5)
	r, _ := answered(t, q, 150*time.Millisecond)
	c := ipc.NewCall(q, &r.done)
	c.RequireModel, c.Arrived, c.Deadline = true, r.now(), r.now().Add(patient)
	r.Round([]*ipc.Call{c})
	if r.done.n != 1 {
		t.Fatalf("answered at once: %+v", c.Reply)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if c.Reply.Source != ipc.SourceModel {
		t.Errorf("reply = %+v, want the model's", c.Reply)
	}
}

func TestHotQuestionIsAskedAheadOfItsExpiry(t *testing.T) {
	q := workload(1, 0.5)
	for _, hits := range []int{freshness.Hot - 1, freshness.Hot, 256} {
		r, e := answered(t, q, 0)
		asked := hits + 4
		for range hits {
			r.submit(q)
		}
		if r.conns[0].calls != 1 {
			t.Fatalf("%d exchanges for a fresh answer, want 1", r.conns[0].calls)
		}
		e.at = e.at.Add(-80 * time.Millisecond)
		for range 3 {
			if c := r.submit(q)[0]; c.Reply.Source != ipc.SourceCache {
				t.Fatalf("after %d hits: %+v, want the cache", hits, c.Reply)
			}
			hits++
		}
		if want := 2; r.conns[0].calls != want || r.conns[0].x == nil {
			t.Errorf("%d exchanges, want %d: one ahead, however often it is asked", r.conns[0].calls, want)
		}
		r.conns[0].end(model(ipc.Workload, "m@1"))
		if got := r.cache.fresh.TTL(e.level); got != 200*time.Millisecond || e.hits != 0 {
			t.Errorf("after the refresh: TTL %v, %d hits; want 200ms, 0", got, e.hits)
		}
		if r.done.n != asked {
			t.Errorf("%d answers to %d calls", r.done.n, asked)
		}
	}
}

// A hot question that the model has no answer to any more is left alone for a while, and so
// is all by a lane that is closed. What is there serves.
func TestHotQuestionIsNotAskedInVain(t *testing.T) {
	q := workload(1, 0.5)
	r, e := answered(t, q, 80*time.Millisecond)
	e.hits = freshness.Hot
	hit := func(when string, exchanges int) {
		t.Helper()
		for range 3 {
			if c := r.submit(q)[0]; c.Reply.Source != ipc.SourceCache || r.conns[0].calls != exchanges || len(r.lanes[0].queue) > 0 {
				t.Errorf("%s: %v, %d exchanges and %d questions queued; want the cache and %d", when, c.Reply.Source, r.conns[0].calls, len(r.lanes[0].queue), exchanges)
			}
		}
	}
	hit("hot", 2)
	r.conns[0].end(says(200, "application/msgpack", "\x93\xa3m@1\x00\x91\x92\x0d\xa0"))
	hit("when the model has no answer", 2)
	r.lanes[0].negatives.latest = 0 // its time is over
	hit("later", 3)
	r.settle()
	hit("closed", 3)
}

func TestRefreshLeavesADaemonAloneThatIsDown(t *testing.T) {
	q := workload(1, 0.5)
	r, _ := answered(t, q, 150*time.Millisecond)
	r.submit(workload(2, 0.5))
	r.conns[0].end(broken("dial", false))
	c := r.submit(q)[0]
	if c.Reply.Source != ipc.SourceStale || c.Reply.Reason != ipc.ReasonBreakerOpen || r.conns[0].x != nil {
		t.Errorf("reply = %v (%v), exchange %v; want stale, breaker open, none", c.Reply.Source, c.Reply.Reason, r.conns[0].x)
	}
}

func TestAnswersOfAReplacedModelAreAskedAnew(t *testing.T) {
	q := workload(1, 0.5)
	r, _ := answered(t, q, 0)
	r.submit(workload(2, 0.5))
	r.conns[0].end(model(ipc.Workload, "m@2"))
	if c := r.submit(q)[0]; c.Reply.Source != ipc.SourceStale || c.Reply.Model != "m@1" || r.conns[0].x == nil {
		t.Fatalf("the old model's answer came as %v, exchange %v; want stale and one under way", c.Reply.Source, r.conns[0].x)
	}
	r.conns[0].end(model(ipc.Workload, "m@2"))
	if c := r.submit(q)[0]; c.Reply.Source != ipc.SourceCache || c.Reply.Model != "m@2" {
		t.Errorf("then %v of %s, want the cache of m@2", c.Reply.Source, c.Reply.Model)
	}
}

// With a long TTL learnt, an answer outlives the configured stale bound in its use.
func TestFreshAnswerIsNeverTooOldToBeStale(t *testing.T) {
	q := workload(1, 0.5)
	r, e := answered(t, q, 15*time.Second)
	e.level = 7 // 12.8 s
	r.lanes[0].routes[0].breaker.failed(http.ErrServerClosed, r.now())
	if c := r.submit(q)[0]; c.Reply.Source != ipc.SourceStale {
		t.Errorf("15 s old with a TTL of 12.8 s: %v, want stale", c.Reply.Source)
	}
	if c := r.submit(workload(1, 0.9))[0]; c.Reply.Source != ipc.SourceRule {
		t.Errorf("another question: %v, want the rule: the stale bound is 1 s", c.Reply.Source)
	}
}

func TestQuestionWithoutAnswerIsNotAskedAgainAtOnce(t *testing.T) {
	r := newRig(t, adaptive)
	q := workload(1, 0.5)
	invalid := func() {
		r.conns[0].end(says(200, "application/msgpack", "\x93\xa1m\x00\x91\x92\x0d\xa0"))
	}
	for n := range 3 {
		c := r.submit(q)[0]
		if n == 0 {
			invalid()
		}
		if c.Reply.Source != ipc.SourceRule || c.Reply.Reason != ipc.ReasonInvalidOutput || r.conns[0].calls != 1 {
			t.Errorf("ask %d: %v (%v) after %d exchanges, want the rule, invalid output, 1", n, c.Reply.Source, c.Reply.Reason, r.conns[0].calls)
		}
	}
	if invalid, hits := count(t, r.stats.invalid[0]), count(t, r.stats.cache.negatives[0]); invalid != 1 || hits != 2 {
		t.Errorf("%d invalid outputs and %d questions spared are counted, want 1 and 2", invalid, hits)
	}
	if r.submit(workload(2, 0.5)); r.conns[0].x == nil {
		t.Error("another question is not asked either")
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	for i := range r.lanes[0].negatives.places { // its time is over
		r.lanes[0].negatives.places[i].until = 0
	}
	if r.submit(q); r.conns[0].x == nil {
		t.Error("after its time it is not asked again")
	}
}

// The bound is on what the cache really takes.
func TestCacheIsBoundedInBytes(t *testing.T) {
	cfg := adaptive
	cfg.Subjects, cfg.CacheBytes = 1<<30, 8<<20
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := newCache(&cfg)
	for agent := range uint64(60_000) {
		for _, k := range []ipc.Kind{ipc.Workload, ipc.Threat, ipc.Memory} {
			p := ipc.Prediction{Kind: k}
			c.put(&cachekey.Key{Kind: k, Subject: ipc.Subject{Agent: agent}}, &p, "m", 1)
		}
		p := ipc.Prediction{Kind: ipc.Failure}
		c.put(&cachekey.Key{Kind: ipc.Failure, Subject: ipc.Subject{Component: fmt.Sprintf("%064d", agent)}}, &p, "m", 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	took := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d subjects, %d bytes counted, %d on the heap", c.n.Load(), c.size.Load(), took)
	if c.size.Load() > int64(cfg.CacheBytes) || took > int64(cfg.CacheBytes) {
		t.Errorf("%d bytes counted, %d on the heap; want at most %d", c.size.Load(), took, cfg.CacheBytes)
	}
	if c.n.Load() < 30_000 {
		t.Errorf("%d subjects in %d bytes: the count is far too careful", c.n.Load(), cfg.CacheBytes)
	}
	runtime.KeepAlive(c)
}
