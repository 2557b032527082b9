package mlclient_test

import (
	"context"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// long is a time that no test uses up unless something is broken.
const long = 10 * time.Minute

func handshake() ipctest.Step { return ipctest.Handshake(ipctest.DefaultHello()) }

// newClient makes a client that is closed at the end; nothing may be left running. How
// long it waits by itself is never what a test on the real clock means: a machine that
// stands still for a while must not change what is answered.
func newClient(t testing.TB, cfg mlclient.Config) *mlclient.Client {
	t.Helper()
	for _, d := range []*time.Duration{&cfg.RefreshBudget, &cfg.Handshake, &cfg.Hung} {
		if *d == 0 {
			*d = long
		}
	}
	c := mlclient.New(cfg)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// upClient is a newClient that has its connection.
func upClient(t testing.TB, cfg mlclient.Config) *mlclient.Client {
	t.Helper()
	c := newClient(t, cfg)
	waitUp(t, c)
	return c
}

func waitUp(t testing.TB, c *mlclient.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	if err := c.WaitUp(ctx); err != nil {
		t.Fatalf("the client does not come up: %v", err)
	}
}

// noLeaks checks at the end of the test, after all cleanups, that no goroutine is
// left.
func noLeaks(t testing.TB) {
	t.Helper()
	t.Cleanup(func() { leaks.None(t) })
}

// warm has the bridge answer q once, so that it is in the cache.
func warm(t testing.TB, c *mlclient.Client, q ipc.Request) {
	t.Helper()
	if r := predict(t, c, q, ipc.Options{Budget: long}); r.Source != ipc.SourceModel {
		t.Fatalf("warming up: %+v, want the model", r)
	}
}

// predict asks one question.
func predict(t testing.TB, c *mlclient.Client, q ipc.Request, opts ipc.Options) ipc.Reply {
	t.Helper()
	var r [1]ipc.Reply
	if err := c.Predict(t.Context(), []ipc.Request{q}, r[:], opts); err != nil {
		t.Fatalf("Predict: %v", err)
	}
	return r[0]
}

// lookup asks without waiting.
func lookup(c *mlclient.Client, q ipc.Request) (r ipc.Reply) {
	c.Lookup(q, &r)
	return r
}

// eventually polls for something that another goroutine does and nothing tells.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(long); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in %v", what, long)
		}
	}
}
