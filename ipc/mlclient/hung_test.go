package mlclient_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

func TestLinkDropsAHungBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause atomic.Value
		c, done := pipes(t, mlclient.Config{Hung: 50 * time.Millisecond, OnState: func(s mlclient.State, err error) {
			if s == mlclient.Down && cause.Load() == nil {
				cause.Store(err)
			}
		}}, ipctest.Script(handshake(), ipctest.Hang()), ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
		defer done()
		synctest.Wait()
		start := time.Now()
		for predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: time.Millisecond}).Source != ipc.SourceModel {
			time.Sleep(time.Millisecond)
			if time.Since(start) > time.Second {
				t.Fatal("the bridge behind the hung one was not found in 1s")
			}
		}
		if err, _ := cause.Load().(error); !errors.Is(err, mlclient.ErrHung) {
			t.Errorf("dropped because %v, want ErrHung", err)
		}
		if s := c.Stats(); s.Hangs != 1 || s.Connects != 2 {
			t.Errorf("%d hangs and %d connections, want 1 and 2", s.Hangs, s.Connects)
		}
	})
}

// Who never waits finds out, too, by what is asked behind the answers.
func TestLookupDropsAHungBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		c, done := pipes(t, mlclient.Config{}, ipctest.Script(handshake(), ipctest.Hang(), ipctest.Reached(closed)),
			ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
		defer done()
		time.Sleep(time.Millisecond) // the hello was heard before the first call
		for n := uint64(0); c.Stats().Hangs == 0; n++ {
			if n == 100 {
				t.Fatal("the bridge is not found to hang in a second")
			}
			lookup(c, ipctest.Request(ipc.Workload, n))
			time.Sleep(10 * time.Millisecond)
		}
		<-closed
		time.Sleep(time.Second)
		lookup(c, ipctest.Request(ipc.Workload, 1000))
		synctest.Wait()
		if r := lookup(c, ipctest.Request(ipc.Workload, 1000)); r.Source != ipc.SourceCache {
			t.Errorf("%v because %v, want the answer of the next bridge", r.Source, r.Reason)
		}
	})
}

// Large frames fill what may wait for the bridge to read before it counts as hung: whoever is
// refused for that finds out all the same.
func TestLinkDropsAHungBridgeThatHasNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{Hung: 50 * time.Millisecond}, ipctest.Script(handshake(), ipctest.Deaf()),
			ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
		defer done()
		synctest.Wait()
		time.Sleep(time.Millisecond) // the hello was heard before the first call
		large := make([]ipc.Request, ipc.DefaultLimits().Batch)
		for i := range large {
			large[i] = &ipc.ThreatRequest{AgentID: uint64(i), Anomalies: make([]ipc.Anomaly, ipc.MaxAnomalies), SyscallFeatures: make([]float32, ipc.MaxSyscallFeatures)}
		}
		refused := 0
		replies := make([]ipc.Reply, len(large))
		for start := time.Now(); replies[0].Source != ipc.SourceModel; time.Sleep(time.Millisecond) {
			if time.Since(start) > time.Second {
				t.Fatalf("the bridge behind the hung one was not found in 1s; %d calls had no room", refused)
			}
			if err := c.Predict(t.Context(), large, replies, ipc.Options{Budget: time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			if replies[0].Reason == ipc.ReasonOverloaded {
				refused++
			}
		}
		if s := c.Stats(); s.Hangs != 1 || s.Connects != 2 || refused == 0 {
			t.Errorf("%d hangs, %d connections, %d calls without room; want 1, 2 and some", s.Hangs, s.Connects, refused)
		}
	})
}

// An answer that came too late says that the bridge lived then, and nothing of what
// follows it.
func TestLinkDropsABridgeThatHangsAfterALateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lateOnce := ipctest.Script(handshake(), ipctest.ExpectPredict(), func(*ipctest.Conn) error {
			time.Sleep(2 * time.Millisecond)
			return nil
		}, ipctest.SendReply(ipctest.ModelReply), ipctest.Hang())
		c, done := pipes(t, mlclient.Config{Hung: 50 * time.Millisecond}, lateOnce,
			ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
		defer done()
		synctest.Wait()
		time.Sleep(time.Millisecond) // the hello was heard before the first call
		start := time.Now()
		for predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: time.Millisecond}).Source != ipc.SourceModel {
			time.Sleep(3 * time.Millisecond)
			if time.Since(start) > time.Second {
				t.Fatal("the bridge behind the hung one was not found in 1s")
			}
		}
		if s := c.Stats(); s.Hangs != 1 || s.Connects != 2 {
			t.Errorf("%d hangs and %d connections, want 1 and 2", s.Hangs, s.Connects)
		}
	})
}

func TestLinkKeepsASlowBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{Hung: 50 * time.Millisecond}, late(2*time.Millisecond))
		defer done()
		synctest.Wait()
		for range 200 {
			predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: time.Millisecond})
			time.Sleep(3 * time.Millisecond)
		}
		if s := c.Stats(); s.Hangs != 0 || s.Connects != 1 {
			t.Errorf("%d hangs and %d connections of a bridge that is only slow, want 0 and 1", s.Hangs, s.Connects)
		}
	})
}

// A bridge that says nothing for less than the time that counts as hung keeps its connection.
func TestLinkKeepsABridgeThatPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{Hung: 50 * time.Millisecond},
			ipctest.Script(handshake(), pause(time.Hour+40*time.Millisecond), ipctest.Serve(ipctest.ModelReply)))
		defer done()
		time.Sleep(time.Hour)
		for range 30 {
			predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: time.Millisecond})
			time.Sleep(time.Millisecond)
		}
		if s := c.Stats(); s.Hangs != 0 || s.Connects != 1 || s.Predicts[ipc.SourceRule] < 10 || s.Predicts[ipc.SourceModel] == 0 {
			t.Errorf("%+v; want the rule, and then the model, on one connection", s)
		}
	})
}

// The first call that goes unanswered says nothing about how long that has been so.
func TestLinkIsNotHungAtOnce(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Hang()))
	c := upClient(t, mlclient.Config{Path: bridge.Path, Hung: 1})
	if r := predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: time.Millisecond}); r.Reason != ipc.ReasonDeadline {
		t.Fatalf("%v because %v, want the deadline to pass", r.Source, r.Reason)
	}
	if s := c.Stats(); s.Hangs != 0 {
		t.Errorf("the connection was dropped after one call")
	}
}
