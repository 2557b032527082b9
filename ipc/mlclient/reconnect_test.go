package mlclient_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// TestLinkIsBackAtOnce: a connection that worked for a while says that the bridge was restarted.
// However long the pauses had become before it, the next attempt is now.
func TestLinkIsBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		once := ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply), ipctest.ExpectPredict())
		fail, waits := 12, []func() error{}
		c := mlclient.New(mlclient.Config{Dial: func(ctx context.Context, cfg ipc.ClientConfig) (*ipc.Client, error) {
			if fail--; fail >= 0 {
				return nil, errors.New("nobody there")
			}
			near, wait := ipctest.Pipe(once)
			waits = append(waits, wait)
			return ipc.NewClient(ctx, near, cfg)
		}})
		defer func() {
			_ = c.Close()
			for _, wait := range waits {
				_ = wait()
			}
		}()
		end := func(agent uint64) {
			warm(t, c, ipctest.Request(ipc.Workload, agent))
			time.Sleep(time.Second)
			if r := predict(t, c, ipctest.Request(ipc.Memory, agent), ipc.Options{}); r.Reason != ipc.ReasonBridgeUnavailable {
				t.Errorf("the rule because of %v, want the connection to end", r.Reason)
			}
		}
		time.Sleep(time.Minute)
		for n := range uint64(3) {
			end(n)
			synctest.Wait()
			if s := c.Stats(); s.State != mlclient.Up || s.Connects != n+2 {
				t.Fatalf("after connection %d has ended: %+v; want the next", n, s)
			}
		}
		fail = 1 // and one attempt that fails has the shortest pause behind it
		end(10)
		time.Sleep(10 * time.Millisecond)
		if s := c.Stats(); s.State != mlclient.Up || s.Failures != 13 {
			t.Errorf("10 ms after an attempt that failed: %+v; want the next connection", s)
		}
	})
}

// shortLived answers one question and hangs up right behind the answer.
func shortLived() ipctest.Handler {
	return ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.SendReply(ipctest.ModelReply))
}

// TestLinkIsBackBehindItsFirstAnswer: the answer counts, also where the connection is over
// before its caller has looked at it.
func TestLinkIsBackBehindItsFirstAnswer(t *testing.T) {
	for range 50 { // who looks first is up to the scheduler
		synctest.Test(t, func(t *testing.T) {
			fail, waits := 12, []func() error{}
			c := mlclient.New(mlclient.Config{Dial: func(ctx context.Context, cfg ipc.ClientConfig) (*ipc.Client, error) {
				if fail--; fail >= 0 {
					return nil, errors.New("nobody there")
				}
				near, wait := ipctest.Pipe(shortLived())
				waits = append(waits, wait)
				return ipc.NewClient(ctx, near, cfg)
			}})
			defer func() {
				_ = c.Close()
				for _, wait := range waits {
					_ = wait()
				}
			}()
			time.Sleep(time.Minute)
			warm(t, c, ipctest.Request(ipc.Workload, 1))
			synctest.Wait()
			if s := c.Stats(); s.State != mlclient.Up || s.Connects != 2 {
				t.Fatalf("behind the answer: %+v; want the next connection", s)
			}
		})
	}
}

// TestLinkIsBackBehindALateAnswer: nobody waits for it any more, but it says that the bridge works.
func TestLinkIsBackBehindALateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{RetryMin: time.Hour, RetryMax: time.Hour},
			ipctest.Script(handshake(), ipctest.ExpectPredict(), pause(time.Second), ipctest.SendReply(ipctest.ModelReply)), ipctest.Script(handshake(), ipctest.Hang()))
		defer done()
		time.Sleep(time.Millisecond) // the hello was heard before the call
		predict(t, c, ipctest.Request(ipc.Workload, 1), ipc.Options{})
		time.Sleep(time.Second)
		synctest.Wait()
		if s := c.Stats(); s.State != mlclient.Up || s.Connects != 2 {
			t.Errorf("behind the answer: %+v; want the next connection", s)
		}
	})
}

// TestLinkIsBackAfterALongSilence: also a connection on which nobody asked anything has worked.
func TestLinkIsBackAfterALongSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{RetryMin: time.Minute, RetryMax: time.Minute}, ipctest.Script(handshake(), pause(time.Minute)))
		defer done()
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := c.Stats(); s.Connects != 61 {
			t.Errorf("%d connections of a minute each in an hour, want one after the other", s.Connects)
		}
	})
}

func TestLinkNeverGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mlclient.New(mlclient.Config{Dial: func(context.Context, ipc.ClientConfig) (*ipc.Client, error) {
			return nil, errors.New("nobody there")
		}})
		defer c.Close()
		attempts := func(d time.Duration) uint64 {
			before := c.Stats().Failures
			time.Sleep(d)
			synctest.Wait()
			return c.Stats().Failures - before
		}
		if n := attempts(time.Second); n < 6 || n > 30 {
			t.Errorf("%d attempts in the first second, want a few, further and further apart", n)
		}
		time.Sleep(time.Hour)
		if n := attempts(time.Minute); n < 40 || n > 120 {
			t.Errorf("%d attempts in a minute after an hour, want about one a second", n)
		}
	})
}

// TestLinkDoesNotSpin is about a bridge that hangs up as soon as it has said hello.
func TestLinkDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{}, ipctest.Script(handshake()))
		defer done()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := c.Stats(); s.Connects < 40 || s.Connects > 150 {
			t.Errorf("%d connections in a minute, want about one a second", s.Connects)
		}
	})
}

// TestLinkDoesNotSpinOnAnswers is about a bridge that dies of the first question, for ever.
func TestLinkDoesNotSpinOnAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, done := pipes(t, mlclient.Config{}, shortLived())
		defer done()
		for n := range uint64(60 * 50) {
			predict(t, c, ipctest.Request(ipc.Workload, n), ipc.Options{})
			time.Sleep(20 * time.Millisecond)
		}
		if s := c.Stats(); s.Connects < 40 || s.Connects > 150 {
			t.Errorf("%d connections in a minute, want about one a second", s.Connects)
		}
	})
}
