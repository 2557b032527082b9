package mlclient_test

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

func TestHotQuestionIsAskedAhead(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		for range 3 {
			r.look(ms, ipc.SourceCache, ipc.ReasonNone, 1)
		}
		r.look(75*ms, ipc.SourceCache, ipc.ReasonNone, 1) // the fourth time
		r.look(ms, ipc.SourceCache, ipc.ReasonNone, 2)    // hot, and most of its time is over
		for range 40 {                                    // with the new answer's time of 200 ms
			r.look(3*ms, ipc.SourceCache, ipc.ReasonNone, 2)
		}
	})
}

// A question like one that is hot, but for what is out of its range, is answered from the
// cache and not passed on.
func TestAnInvalidQuestionIsNotAskedAhead(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		q := ipctest.Request(ipc.Workload, 1).(*ipc.WorkloadRequest)
		q.CurrentCPU, r.q = 1, q
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		for range 4 {
			r.look(ms, ipc.SourceCache, ipc.ReasonNone, 1)
		}
		bad := *q
		if bad.CurrentCPU = 1.001; bad.Validate() == nil {
			r.Fatal("the question is valid")
		}
		r.q = &bad
		r.look(75*ms, ipc.SourceCache, ipc.ReasonNone, 1)
		if n := r.client.Stats().Queued; n != 1 {
			r.Errorf("%d questions queued, want the first one", n)
		}
		r.q = q
		r.look(0, ipc.SourceCache, ipc.ReasonNone, 2)
	})
}

// A question that has served more often than is counted is still hot.
func TestVeryHotQuestionIsAskedAhead(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		for range 257 {
			r.look(0, ipc.SourceCache, ipc.ReasonNone, 1)
		}
		r.look(76*ms, ipc.SourceCache, ipc.ReasonNone, 2)
	})
}

// A hot question that the bridge has no answer to is not asked ahead again at once, and
// what is here goes on serving, as old as it is.
func TestHotQuestionWithoutAnAnswerIsLeftAlone(t *testing.T) {
	withFreshness(t, func(r *freshnessRig) {
		r.look(0, ipc.SourceRule, ipc.ReasonNotCached, 1)
		for range 3 {
			r.look(ms, ipc.SourceCache, ipc.ReasonNone, 1)
		}
		r.busy.Store(true)
		r.look(75*ms, ipc.SourceCache, ipc.ReasonNone, 1)
		r.look(ms, ipc.SourceCache, ipc.ReasonNone, 2)
		for range 3 {
			r.look(ms, ipc.SourceCache, ipc.ReasonNone, 2)
		}
		if got := lookup(r.client, r.q); got.Age != 82*ms {
			r.Errorf("age %v, want 82 ms", got.Age)
		}
	})
}
