package mlclient_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// TestPredictEndsBeforeItsContext: whose context ends before the budget is answered before
// that, and not at the moment when nobody reads the answer any more.
func TestPredictEndsBeforeItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{}, ipctest.Script(handshake(), ipctest.Hang()))
		defer done()
		synctest.Wait()
		const left = 4 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		start := time.Now()
		replies := make([]ipc.Reply, 1)
		if err := c.Predict(ctx, requests(1), replies, ipc.Options{Budget: time.Hour}); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		if r := replies[0]; r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDeadline || took >= left || took < left/2 {
			t.Errorf("%v because %v after %v; want the rule at the deadline, shortly before %v", r.Source, r.Reason, took, left)
		}
	})
}

// TestPredictUsesItsBudget: the model has all of it but what an answer from a lower rung takes.
func TestPredictUsesItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{Hung: time.Hour}, ipctest.Script(handshake(), ipctest.Hang()))
		defer done()
		synctest.Wait()
		for budget, want := range map[time.Duration]time.Duration{
			400 * time.Microsecond: 300 * time.Microsecond,
			time.Millisecond:       850 * time.Microsecond,
			10 * time.Millisecond:  9850 * time.Microsecond,
			0:                      850 * time.Microsecond, // the client's
		} {
			start := time.Now()
			predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: budget})
			if took := time.Since(start); took != want {
				t.Errorf("of %v the bridge was given %v, want %v", budget, took, want)
			}
		}
	})
}

// TestPredictKeepsTimeForManyQuestions: what the rules take for all of them is part of the
// budget; the bridge has a quarter of it at least.
func TestPredictKeepsTimeForManyQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{Hung: time.Hour}, ipctest.Script(handshake(), ipctest.Hang()))
		defer done()
		synctest.Wait()
		for questions, want := range map[int]time.Duration{
			1:      850 * time.Microsecond,
			257:    786 * time.Microsecond,
			2001:   350 * time.Microsecond,
			10_000: 350 * time.Microsecond,
		} {
			start := time.Now()
			replies := make([]ipc.Reply, questions)
			if err := c.Predict(t.Context(), requests(questions), replies, ipc.Options{Budget: time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("with %d questions the bridge was given %v of a millisecond, want %v", questions, took, want)
			}
			if last := replies[questions-1]; last.Source != ipc.SourceRule || last.Reason != ipc.ReasonDeadline {
				t.Errorf("%d questions: the last has %v because %v", questions, last.Source, last.Reason)
			}
		}
	})
}

// TestPredictOfManyBatchesEndsInItsBudget: the first batch uses the time up, and the others
// are not given more.
func TestPredictOfManyBatchesEndsInItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := ipctest.DefaultHello()
		h.Limits.Batch = 1
		c, done := pipes(t, mlclient.Config{Budget: time.Second}, ipctest.Script(ipctest.Handshake(h), ipctest.Hang()))
		defer done()
		synctest.Wait()
		start := time.Now()
		replies := make([]ipc.Reply, 3)
		if err := c.Predict(t.Context(), requests(3), replies, ipc.Options{Budget: 4 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took >= 4*time.Millisecond {
			t.Errorf("answered after %v, want less than 4ms", took)
		}
		for i, r := range replies {
			if r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDeadline {
				t.Errorf("slot %d: %v because %v, want the rule at the deadline", i, r.Source, r.Reason)
			}
		}
	})
}

// TestPredictAsksNobodyInVain: what cannot come back in time is not sent, and the rule is
// there at once.
func TestPredictAsksNobodyInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c, done := pipes(t, mlclient.Config{}, ipctest.Script(handshake(), ipctest.Serve(func(q ipc.Request) ipc.Reply {
			asked++
			return ipctest.ModelReply(q)
		})))
		defer done()
		synctest.Wait()
		for budget, want := range map[time.Duration]int{1: 0, time.Microsecond: 0, 5 * time.Microsecond: 0, 6 * time.Microsecond: 1} {
			asked = 0
			start := time.Now()
			r := predict(t, c, ipctest.Request(ipc.Workload, uint64(budget)), ipc.Options{Budget: budget})
			if took := time.Since(start); asked != want || took != 0 {
				t.Errorf("of %v: asked %d times, answered after %v; want %d, at once", budget, asked, took, want)
			}
			if want == 0 && (r.Source != ipc.SourceRule || r.Reason != ipc.ReasonDeadline) {
				t.Errorf("of %v: %v because %v, want the rule because of the deadline", budget, r.Source, r.Reason)
			}
		}
		if s := c.Stats(); s.State != mlclient.Up {
			t.Errorf("%+v; want the connection kept", s)
		}
	})
}
