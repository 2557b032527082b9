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

// TestLinkIsBackAtOnce: a connection that worked says that the bridge was restarted. However
// long the pauses had become before it, the next attempt is now.
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
