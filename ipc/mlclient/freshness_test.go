package mlclient_test

import (
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// freshnessRig is a client in fake time whose bridge counts the questions.
type freshnessRig struct {
	*testing.T
	client *mlclient.Client
	q      ipc.Request
	asked  atomic.Int64
	cpu    atomic.Int64 // what the model says, in thousandths
	other  atomic.Bool  // it is another model
	cached atomic.Int64 // ns; not 0: the bridge gives an answer of its cache that is as old
	stale  atomic.Bool  // and is having it made anew
	busy   atomic.Bool  // the bridge has its rule answer
}

func withFreshness(t *testing.T, f func(r *freshnessRig)) {
	t.Helper()
	withFreshnessOf(t, mlclient.Config{}, f)
}

func withFreshnessOf(t *testing.T, cfg mlclient.Config, f func(r *freshnessRig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &freshnessRig{T: t, q: ipctest.Request(ipc.Workload, 1)}
		r.cpu.Store(500)
		c, done := pipes(t, cfg, ipctest.Script(handshake(), ipctest.Serve(func(q ipc.Request) ipc.Reply {
			r.asked.Add(1)
			a := ipctest.ModelReply(q)
			a.Workload.CPU = float32(r.cpu.Load()) / 1000
			if r.other.Load() {
				a.Model = "other@1"
			}
			if age := r.cached.Load(); age != 0 {
				a.Source, a.Age = ipc.SourceCache, time.Duration(age)
			}
			if r.stale.Load() {
				a.Source, a.Reason = ipc.SourceStale, ipc.ReasonRefreshing
			}
			if r.busy.Load() {
				a.Source, a.Reason = ipc.SourceRule, ipc.ReasonOverloaded
			}
			return a
		})))
		defer done()
		synctest.Wait()
		r.client = c
		f(r)
	})
}

// look gives what Lookup says after a pause, once what it has set going has ended.
func (r *freshnessRig) look(after time.Duration, source ipc.Source, why ipc.Reason, asked int64) {
	r.Helper()
	time.Sleep(after)
	got := lookup(r.client, r.q)
	synctest.Wait()
	if got.Source != source || got.Reason != why || r.asked.Load() != asked {
		r.Errorf("%v (%v), %d asked; want %v (%v), %d", got.Source, got.Reason, r.asked.Load(), source, why, asked)
	}
}

const ms = time.Millisecond

func TestTTLOfASubjectFollowsItsAnswers(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		r.look(99*ms, ipc.SourceCache, ipc.ReasonNone, 1)
		r.look(2*ms, ipc.SourceStale, ipc.ReasonRefreshing, 2) // the same again: 200 ms
		r.look(199*ms, ipc.SourceCache, ipc.ReasonNone, 2)
		r.cpu.Store(505)
		r.look(200*ms, ipc.SourceStale, ipc.ReasonRefreshing, 3) // as good as the same: 400 ms
		r.look(801*ms, ipc.SourceStale, ipc.ReasonNotCached, 4)  // too old for refreshing; 800 ms
		r.cpu.Store(900)
		r.look(810*ms, ipc.SourceStale, ipc.ReasonRefreshing, 5) // another answer: 200 ms
		r.look(199*ms, ipc.SourceCache, ipc.ReasonNone, 5)
		r.look(2*ms, ipc.SourceStale, ipc.ReasonRefreshing, 6)
		r.look(401*ms, ipc.SourceStale, ipc.ReasonRefreshing, 7)
		r.look(801*ms, ipc.SourceStale, ipc.ReasonRefreshing, 8)
		for n := range int64(8) { // it grows no further than a second
			r.look(1001*ms, ipc.SourceStale, ipc.ReasonRefreshing, 9+n)
		}
	})
}

// Who asks and waits is treated alike, but for who insists on a model.
func TestPredictRefreshesBehindToo(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		ask := func(after time.Duration, require bool, source ipc.Source, asked int64) {
			r.Helper()
			time.Sleep(after)
			got := predict(r.T, r.client, r.q, ipc.Options{RequireModel: require})
			synctest.Wait()
			if got.Source != source || r.asked.Load() != asked {
				r.Errorf("%v (%v), %d asked; want %v, %d", got.Source, got.Reason, r.asked.Load(), source, asked)
			}
		}
		ask(0, false, ipc.SourceModel, 1)
		ask(101*ms, false, ipc.SourceStale, 2) // one behind it; 200 ms
		ask(201*ms, true, ipc.SourceModel, 3)  // 400 ms
		ask(801*ms, false, ipc.SourceModel, 4) // 800 ms
		ask(0, true, ipc.SourceCache, 4)
		ask(100*ms, false, ipc.SourceCache, 4)
		ask(200*ms, false, ipc.SourceCache, 4)
		ask(310*ms, false, ipc.SourceCache, 4)
		ask(10*ms, false, ipc.SourceCache, 5) // hot: one ahead
	})
}

// What comes from the bridge's cache says nothing about how much answers change, unless
// it was made after what is here.
func TestTheSameAnswerAgainTeachesNothing(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		r.cached.Store(int64(time.Hour))
		r.look(101*ms, ipc.SourceStale, ipc.ReasonRefreshing, 2)
		r.look(101*ms, ipc.SourceStale, ipc.ReasonRefreshing, 3) // 100 ms as before
		r.cached.Store(int64(ms))
		r.look(101*ms, ipc.SourceStale, ipc.ReasonRefreshing, 4) // 200 ms
		r.look(199*ms, ipc.SourceCache, ipc.ReasonNone, 4)
	})
}

// What a model's answers have taught about a long TTL says nothing about another model's.
func TestAnotherModelBeginsAnew(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		r.look(101*ms, ipc.SourceStale, ipc.ReasonRefreshing, 2) // 200 ms
		r.look(201*ms, ipc.SourceStale, ipc.ReasonRefreshing, 3) // 400 ms
		r.other.Store(true)                                      // and says the same
		r.look(401*ms, ipc.SourceStale, ipc.ReasonRefreshing, 4) // 100 ms
		r.look(99*ms, ipc.SourceCache, ipc.ReasonNone, 4)
		r.look(2*ms, ipc.SourceStale, ipc.ReasonRefreshing, 5)
	})
}

// TestWithinTheTolerance: answers agree that are no further apart than the client was told.
func TestWithinTheTolerance(t *testing.T) {
	withFreshnessOf(t, mlclient.Config{Tolerance: 0.25}, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		r.cpu.Store(700)
		r.look(101*ms, ipc.SourceStale, ipc.ReasonRefreshing, 2) // 200 ms
		r.look(199*ms, ipc.SourceCache, ipc.ReasonNone, 2)
	})
}

// An answer that the bridge had before the one that is here is no news; a later one is.
func TestAnOlderAnswerDoesNotTakeANewersPlace(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		r.stale.Store(true)
		r.cached.Store(int64(time.Minute))
		r.cpu.Store(900)
		r.look(101*ms, ipc.SourceStale, ipc.ReasonRefreshing, 2)
		if got := lookup(r.client, r.q); got.Age != 101*ms || got.Workload.CPU != 0.5 {
			r.Errorf("cpu %v of %v, want 0.5 of 101 ms", got.Workload.CPU, got.Age)
		}
		synctest.Wait()
		r.cached.Store(int64(50 * ms))
		r.look(50*ms, ipc.SourceStale, ipc.ReasonRefreshing, 4)
		if got := lookup(r.client, r.q); got.Age != 50*ms || got.Workload.CPU != 0.9 {
			r.Errorf("then cpu %v of %v, want 0.9 of 50 ms", got.Workload.CPU, got.Age)
		}
	})
}

// A subject that asks something else keeps its TTL: the answers are to different questions.
func TestAnotherQuestionTeachesNothing(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		r.look(101*ms, ipc.SourceStale, ipc.ReasonRefreshing, 2) // 200 ms
		other := *r.q.(*ipc.WorkloadRequest)
		other.CurrentCPU, r.q = 0.9, &other
		r.cpu.Store(900)
		r.look(0, ipc.SourceStale, ipc.ReasonNotCached, 3)
		r.look(199*ms, ipc.SourceCache, ipc.ReasonNone, 3)
		r.look(2*ms, ipc.SourceStale, ipc.ReasonRefreshing, 4)
	})
}

// What the bridge refused is asked again when its time is over.
func TestRefusalsAreNotForEver(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.busy.Store(true)
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		r.look(99*ms, ipc.SourceRule, ipc.ReasonOverloaded, 1)
		r.look(2*ms, ipc.SourceRule, ipc.ReasonNotCached, 2)
	})
}

// An answer that the bridge is having made anew is as old as it was said to be.
func TestStaleAnswersGrowOlder(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.stale.Store(true)
		r.cached.Store(int64(50 * ms))
		if got := predict(r.T, r.client, r.q, ipc.Options{}); got.Source != ipc.SourceStale || got.Age != 50*ms {
			r.Errorf("%v of %v, want the bridge's stale one of 50 ms", got.Source, got.Age)
		}
		time.Sleep(10 * ms)
		if got := lookup(r.client, r.q); got.Age != 60*ms {
			r.Errorf("10 ms later its age is %v, want 60 ms", got.Age)
		}
	})
}

// However old a bridge says that an answer is, it gets no younger for it.
func TestAnswersOfAnyAgeStayOld(t *testing.T) {
	for _, said := range []ipc.Source{ipc.SourceModel, ipc.SourceCache, ipc.SourceStale} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int64
			c, done := pipes(t, mlclient.Config{}, ipctest.Script(handshake(), ipctest.Serve(func(q ipc.Request) ipc.Reply {
				asked.Add(1)
				a := ipctest.ModelReply(q)
				if a.Source, a.Age = said, math.MaxInt64; said == ipc.SourceStale {
					a.Reason = ipc.ReasonRefreshing
				}
				return a
			})))
			defer done()
			synctest.Wait()
			q := ipctest.Request(ipc.Workload, 1)
			predict(t, c, q, ipc.Options{})
			time.Sleep(101 * ms)
			before := asked.Load()
			r := lookup(c, q)
			synctest.Wait()
			if r.Source == ipc.SourceCache || r.Source == ipc.SourceStale && r.Age < 1<<60 {
				t.Errorf("after an answer (%v) that was 292 years old: %+v", said, r)
			}
			if asked.Load() != before+1 {
				t.Errorf("after an answer (%v) that was 292 years old nobody asks anew", said)
			}
		})
	}
}
