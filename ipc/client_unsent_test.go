package ipc_test

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// A server that has stopped reading and then hangs up has seen what was written
// before and nothing after: the caller is told which.
func TestClientSaysWhatWasSent(t *testing.T) {
	taken, deaf, asked := make(chan struct{}), make(chan struct{}), make(chan struct{})
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(
		handshake(),
		ipctest.ExpectPredict(),
		ipctest.Reached(taken),
		func(c *ipctest.Conn) error {
			err := c.Conn.(*net.UnixConn).CloseRead()
			close(deaf)
			<-asked // the second call has met the closed door
			return err
		},
	))
	var first error
	var wg sync.WaitGroup
	wg.Go(func() {
		first = client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long})
	})
	<-taken
	<-deaf
	second := make(chan error, 1)
	go func() {
		second <- client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long})
	}()
	select {
	case err := <-second:
		t.Fatalf("the second call ended before the connection did: %v", err)
	case <-time.After(20 * time.Millisecond): // it has been written, in vain, by now or will be: both are fine
	}
	close(asked)
	wg.Wait()
	for _, c := range []struct {
		name string
		err  error
		sent bool
	}{{"first", first, true}, {"second", <-second, false}} {
		e, ok := errors.AsType[*ipc.ConnError](c.err)
		if !ok || e.Sent != c.sent {
			t.Errorf("%s call: %v, want a ConnError with Sent %v", c.name, c.err, c.sent)
		}
	}
}
