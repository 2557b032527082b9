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

func TestLinkKilledAndRestarted(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	states := make(chan mlclient.State, 16)
	c := upClient(t, mlclient.Config{
		Path: bridge.Path, TTL: 1, StaleBound: 1,
		OnState: func(s mlclient.State, _ error) { states <- s },
	})
	q := ipctest.Request(ipc.Workload, 1)
	for range 3 {
		warm(t, c, q)
		if s := <-states; s != mlclient.Up {
			t.Fatalf("state %v, want up", s)
		}
		bridge.Kill()
		if s := <-states; s != mlclient.Down || s.String() != "down" || mlclient.Up.String() != "up" {
			t.Fatalf("state %v, want down", s)
		}
		if r := predict(t, c, q, ipc.Options{Budget: long}); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonBridgeUnavailable {
			t.Errorf("bridge killed: %v because %v, want the rule, bridge unavailable", r.Source, r.Reason)
		}
		bridge.Start()
		waitUp(t, c)
	}
	if s := c.Stats(); s.Connects != 4 {
		t.Errorf("%d connections, want 4", s.Connects)
	}
}

func TestLinkLyingBridge(t *testing.T) {
	noLeaks(t)
	lie := func(ipc.Request) ipc.Reply { return ipctest.ModelReply(ipctest.Request(ipc.Threat, 1)) }
	bridge := ipctest.Listen(t,
		ipctest.Script(handshake(), ipctest.Serve(lie)),
		ipctest.Script(ipctest.Send([]byte("SSH-2.0-OpenSSH_9.6\r\n"))),
		ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	c := upClient(t, mlclient.Config{Path: bridge.Path})
	q := ipctest.Request(ipc.Workload, 1)
	if r := predict(t, c, q, ipc.Options{Budget: long}); r.Source != ipc.SourceRule || r.Reason != ipc.ReasonBridgeUnavailable {
		t.Errorf("a lie: %v because %v, want the rule, bridge unavailable", r.Source, r.Reason)
	}
	if r := lookup(c, q); r.Reason == ipc.ReasonInvalidOutput {
		t.Errorf("then Lookup has the rule because of %v; the bridge said no such thing", r.Reason)
	}
	eventually(t, "an honest bridge is found", func() bool {
		return predict(t, c, q, ipc.Options{Budget: long}).Source == ipc.SourceModel
	})
}

func TestLinkGoAway(t *testing.T) {
	noLeaks(t)
	second := make(chan struct{})
	bridge := ipctest.Listen(t,
		ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.Send(ipctest.Message(ipctest.TypeGoAway, "bye")),
			ipctest.Await(second), ipctest.SendReply(ipctest.ModelReply), ipctest.Hang()),
		ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply), ipctest.Reached(second), ipctest.Hang()))
	c := upClient(t, mlclient.Config{Path: bridge.Path})
	inFlight := make(chan ipc.Reply)
	go func() {
		var r [1]ipc.Reply
		_ = c.Predict(context.Background(), requests(1), r[:], ipc.Options{Budget: long})
		inFlight <- r[0]
	}()
	eventually(t, "there is a second connection", func() bool { return bridge.Accepted() == 2 })
	waitUp(t, c)
	if r := predict(t, c, ipctest.Request(ipc.Memory, 9), ipc.Options{Budget: long}); r.Source != ipc.SourceModel {
		t.Errorf("new call after a goaway: %v because %v, want the model over the new connection", r.Source, r.Reason)
	}
	if r := <-inFlight; r.Source != ipc.SourceModel {
		t.Errorf("call in flight at the goaway: %v because %v, want its answer", r.Source, r.Reason)
	}
}

// TestLinkGoAwayWithTheHello: a bridge that drains already when it is dialled is none.
func TestLinkGoAwayWithTheHello(t *testing.T) {
	noLeaks(t)
	bridge := ipctest.Listen(t, ipctest.Script(handshake(), ipctest.Hang()), ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	dials := 0
	c := upClient(t, mlclient.Config{Dial: func(ctx context.Context, cfg ipc.ClientConfig) (*ipc.Client, error) {
		dials++
		client, err := ipc.Dial(ctx, bridge.Path, cfg)
		if dials == 1 {
			cfg.OnGoAway("bye")
		}
		return client, err
	}})
	if r := predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: long}); r.Source != ipc.SourceModel {
		t.Errorf("%v because %v, want the model over the second connection", r.Source, r.Reason)
	}
}

// TestLinkLostWithAnAnswerAtHand: what is here serves, and nobody says that a new answer is
// on its way.
func TestLinkLostWithAnAnswerAtHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{}, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply)),
			ipctest.Script(ipctest.Hang()))
		defer done()
		synctest.Wait()
		q := ipctest.Request(ipc.Workload, 1)
		warm(t, c, q)
		for range 5 { // a hot one
			lookup(c, q)
		}
		for _, at := range []struct {
			after  time.Duration
			source ipc.Source
			reason ipc.Reason
		}{
			{80 * time.Millisecond, ipc.SourceCache, ipc.ReasonNone},
			{30 * time.Millisecond, ipc.SourceStale, ipc.ReasonBridgeUnavailable},
			{2 * time.Second, ipc.SourceRule, ipc.ReasonBridgeUnavailable},
		} {
			time.Sleep(at.after)
			for how, r := range map[string]ipc.Reply{"Lookup": lookup(c, q), "Predict": predict(t, c, q, ipc.Options{})} {
				if r.Source != at.source || r.Reason != at.reason {
					t.Errorf("%s %v later: %v because %v, want %v because %v", how, at.after, r.Source, r.Reason, at.source, at.reason)
				}
			}
		}
		if s := c.Stats(); s.Queued != 0 || s.RefreshFailed != 0 {
			t.Errorf("%d questions queued for nobody", s.Queued)
		}
	})
}

// TestLinkGivesADrainingBridgeUp that said goaway, and owes an answer for ever.
func TestLinkGivesADrainingBridgeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		c, done := pipes(t, mlclient.Config{},
			ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.Send(ipctest.Message(ipctest.TypeGoAway, "bye")), ipctest.Hang(), ipctest.Reached(closed)),
			ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
		defer done()
		synctest.Wait()
		predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{}) // it goes on being owed an answer
		start := time.Now()
		<-closed
		if took := time.Since(start); took < 10*time.Second || took > time.Minute {
			t.Errorf("the connection was kept for %v, want a little longer than a bridge drains", took)
		}
	})
}

// pipes makes a client in fake time whose connections run the handlers, in turn.
func pipes(t *testing.T, cfg mlclient.Config, handlers ...ipctest.Handler) (c *mlclient.Client, done func()) {
	t.Helper()
	var waits []func() error
	cfg.Dial = func(ctx context.Context, cc ipc.ClientConfig) (*ipc.Client, error) {
		near, wait := ipctest.Pipe(handlers[min(len(waits), len(handlers)-1)])
		waits = append(waits, wait)
		return ipc.NewClient(ctx, near, cc)
	}
	c = mlclient.New(cfg)
	return c, func() {
		_ = c.Close()
		for _, wait := range waits {
			_ = wait()
		}
	}
}

func TestLinkAnswersInsideTheBudget(t *testing.T) {
	reply := ipctest.ReplyTo(1<<16, []ipc.Reply{ipctest.ModelReply(ipctest.Request(ipc.Workload, 1))})
	for name, handler := range map[string]ipctest.Handler{
		"hung":            ipctest.Script(handshake(), ipctest.Hang()),
		"deaf":            ipctest.Script(handshake(), ipctest.Deaf()),
		"hung, no hello":  ipctest.Script(ipctest.Hang()),
		"dribbling":       ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.Dribble(reply, func() { time.Sleep(time.Millisecond) }), ipctest.Hang()),
		"a little late":   ipctest.Script(handshake(), ipctest.ExpectPredict(), pause(time.Millisecond), ipctest.SendReply(ipctest.ModelReply), ipctest.Hang()),
		"always too late": late(2 * time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, done := pipes(t, mlclient.Config{}, handler)
				defer done()
				synctest.Wait()
				for range 400 { // long enough for the bridge to be given up as hung, and again
					start := time.Now()
					r := predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{Budget: time.Millisecond})
					took := time.Since(start)
					if r.Status != ipc.StatusOK || r.Source != ipc.SourceRule || took > time.Millisecond {
						t.Fatalf("%v from %v because %v after %v, want the rule within 1ms", r.Status, r.Source, r.Reason, took)
					}
					if r.Reason != ipc.ReasonDeadline && r.Reason != ipc.ReasonBridgeUnavailable {
						t.Fatalf("because %v, want the deadline or no bridge", r.Reason)
					}
					time.Sleep(time.Millisecond)
				}
			})
		})
	}
}

func pause(d time.Duration) ipctest.Step {
	return func(*ipctest.Conn) error { time.Sleep(d); return nil }
}

// late answers every call, each too late for its budget.
func late(by time.Duration) ipctest.Handler {
	return ipctest.Script(handshake(), ipctest.Serve(func(q ipc.Request) ipc.Reply {
		time.Sleep(by)
		return ipctest.ModelReply(q)
	}))
}

func TestLinkRefreshesInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{}, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
		defer done()
		synctest.Wait()
		q := ipctest.Request(ipc.Workload, 1)
		at := func(want ipc.Source, age time.Duration, when string) {
			t.Helper()
			if r := lookup(c, q); r.Source != want || r.Age != age {
				t.Errorf("%s: %v of age %v, want %v of age %v", when, r.Source, r.Age, want, age)
			}
			synctest.Wait() // a refresh, if any, is done
		}
		at(ipc.SourceRule, 0, "at first")
		at(ipc.SourceCache, 0, "refreshed")
		time.Sleep(100*time.Millisecond - 1)
		at(ipc.SourceCache, 100*time.Millisecond-1, "at the end of the TTL")
		time.Sleep(time.Nanosecond) // fake time
		at(ipc.SourceStale, 100*time.Millisecond, "after the TTL")
		at(ipc.SourceCache, 0, "refreshed again")
		time.Sleep(time.Second)
		at(ipc.SourceStale, time.Second, "at the stale bound")
		time.Sleep(time.Second + 1)
		at(ipc.SourceRule, 0, "after the stale bound")
	})
}
