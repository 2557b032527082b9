package ipc_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

func TestClientWithServer(t *testing.T) {
	server := serve(t, ipc.ServerConfig{Name: "real"})
	client, err := ipc.Dial(t.Context(), server.path, ipc.ClientConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const callers, calls = 100, 50 // more callers than the hello lets in flight
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			reqs, replies := requests(1+i%7), make([]ipc.Reply, 1+i%7)
			for range calls {
				if err := client.Predict(t.Context(), reqs, replies, ipc.Options{Budget: long}); err != nil {
					t.Error(err)
					return
				}
				for j, q := range reqs {
					if want := ipctest.ModelReply(q); replies[j] != want {
						t.Errorf("slot %d = %+v, want %+v", j, replies[j], want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if s := server.Stats(); s.Messages != callers*calls || s.CallsRefused != 0 || s.Faults != 0 {
		t.Errorf("server saw %d messages, refused %d, %d faults, want %d, 0, 0", s.Messages, s.CallsRefused, s.Faults, callers*calls)
	}

	q := ipctest.Request(ipc.Failure, 3)
	outcome := ipc.Outcome{PredictionID: 1 << 63, Subject: q.Subject(), Ago: time.Second, Actual: ipctest.ModelReply(q).Prediction}
	outcome.Actual.Failure.Confidence = 0
	if err := client.Outcomes(t.Context(), []ipc.Outcome{outcome}); err != nil {
		t.Fatal(err)
	}
	server.await(t, "the outcome arrives", func() bool { return len(server.observed) > 0 })
	server.on(t, func() {
		if len(server.observed) != 1 || server.observed[0] != outcome {
			t.Errorf("outcome arrived as %+v, want %+v", server.observed, outcome)
		}
	})
}

// TestClientWithServerDraining calls without a pause while the server leaves: every
// call is answered or refused, none is lost.
func TestClientWithServerDraining(t *testing.T) {
	server := serve(t, ipc.ServerConfig{})
	client, err := ipc.Dial(t.Context(), server.path, ipc.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var wg sync.WaitGroup
	first := make(chan struct{})
	var once sync.Once
	for range 8 {
		wg.Go(func() {
			for {
				replies := make([]ipc.Reply, 2)
				err := client.Predict(context.Background(), requests(2), replies, ipc.Options{Budget: long})
				e, over := errors.AsType[*ipc.ConnError](err)
				switch {
				case err == nil:
					once.Do(func() { close(first) })
				case errors.Is(err, ipc.ErrDraining), errors.Is(err, &ipc.StatusError{Status: ipc.StatusUnavailable}):
					return
				case over && !e.Sent:
					return
				default:
					t.Errorf("a call was lost: %v", err)
					return
				}
			}
		})
	}
	<-first
	if cut := server.Shutdown(long); cut != 0 {
		t.Errorf("%d connections cut, want 0", cut)
	}
	wg.Wait()
}
