package ipc_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// inFakeTime plays handler to a client over a pipe, where time stands still
// until everybody waits.
func inFakeTime(t *testing.T, cfg ipc.ClientConfig, handler ipctest.Handler, body func(t *testing.T, client *ipc.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, wait := ipctest.Pipe(handler)
		client, err := ipc.NewClient(t.Context(), near, cfg)
		if err != nil {
			t.Fatal(err)
		}
		body(t, client)
		_ = client.Close()
		_ = wait()
	})
}

// pause is a step that takes time.
func pause(d time.Duration) ipctest.Step {
	return func(*ipctest.Conn) error { time.Sleep(d); return nil }
}

func TestClientTimeDeadline(t *testing.T) {
	inFakeTime(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.Hang()), func(t *testing.T, client *ipc.Client) {
		for _, budget := range []time.Duration{time.Millisecond, 300 * time.Microsecond, time.Second} {
			start := time.Now()
			replies := make([]ipc.Reply, 2)
			err := client.Predict(t.Context(), requests(2), replies, ipc.Options{Budget: budget})
			if took := time.Since(start); err != nil || took != budget {
				t.Errorf("budget %v: %v after %v, want nil exactly then", budget, err, took)
			}
			for i, r := range replies {
				if r.Status != ipc.StatusDeadlineExceeded || r.Source != ipc.SourceNone {
					t.Errorf("budget %v, slot %d: %+v, want deadline exceeded without a source", budget, i, r)
				}
			}
		}
	})
}

func TestClientTimeDefaultBudget(t *testing.T) {
	inFakeTime(t, ipc.ClientConfig{}, ipctest.Script(
		helloWith(func(l *ipc.Limits) { l.Budget = 7 * time.Millisecond }), ipctest.Hang()),
		func(t *testing.T, client *ipc.Client) {
			start := time.Now()
			if err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{}); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != 7*time.Millisecond {
				t.Errorf("no budget: took %v, want the server's default, 7ms", took)
			}
		})
}

func TestClientTimeUnequalBudgets(t *testing.T) {
	inFakeTime(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.Hang()), func(t *testing.T, client *ipc.Client) {
		type end struct{ budget, took time.Duration }
		ends := make(chan end)
		budgets := []time.Duration{50 * time.Millisecond, 3 * time.Millisecond, 20 * time.Millisecond, 3 * time.Millisecond}
		for _, budget := range budgets { // later ones are due earlier than the alarm that is set
			go func() {
				start := time.Now()
				if err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: budget}); err != nil {
					t.Error(err)
				}
				ends <- end{budget, time.Since(start)}
			}()
		}
		for range budgets {
			if e := <-ends; e.took != e.budget {
				t.Errorf("budget %v took %v", e.budget, e.took)
			}
		}
	})
}

func TestClientTimeWaitingForAPlace(t *testing.T) {
	one := func(l *ipc.Limits) { l.InFlight = 1 }
	inFakeTime(t, ipc.ClientConfig{MaxWaiting: 1}, ipctest.Script(helloWith(one), ipctest.Hang()), func(t *testing.T, client *ipc.Client) {
		first := make(chan error)
		go func() {
			first <- client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: time.Millisecond})
		}()
		synctest.Wait()
		second := make(chan time.Duration)
		go func() { // the place stays taken: the server never answered
			start := time.Now()
			replies := make([]ipc.Reply, 1)
			err := client.Predict(t.Context(), requests(1), replies, ipc.Options{Budget: 5 * time.Millisecond})
			if err != nil || replies[0].Status != ipc.StatusDeadlineExceeded {
				t.Errorf("waiting call: %v, %v, want deadline exceeded", err, replies[0].Status)
			}
			second <- time.Since(start)
		}()
		synctest.Wait()
		err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: time.Millisecond})
		if !errors.Is(err, &ipc.StatusError{Status: ipc.StatusOverloaded}) {
			t.Errorf("one more than may wait: %v, want overloaded", err)
		}
		<-first
		if took := <-second; took != 5*time.Millisecond {
			t.Errorf("waiting call took %v, want its budget", took)
		}
	})
}

func TestClientTimeLateReplyIsDropped(t *testing.T) {
	one := func(l *ipc.Limits) { l.InFlight = 1 } // the second call needs the first one's place
	inFakeTime(t, ipc.ClientConfig{}, ipctest.Script(helloWith(one),
		ipctest.ExpectPredict(), pause(10*time.Millisecond), ipctest.SendReply(ipctest.ModelReply),
		ipctest.Serve(ipctest.ModelReply)),
		func(t *testing.T, client *ipc.Client) {
			replies := make([]ipc.Reply, 1)
			if err := client.Predict(t.Context(), requests(1), replies, ipc.Options{Budget: time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			if replies[0].Status != ipc.StatusDeadlineExceeded {
				t.Errorf("late call: %v, want deadline exceeded", replies[0].Status)
			}
			next := make([]ipc.Reply, 1)
			q := ipctest.Request(ipc.Memory, 9)
			if err := client.Predict(t.Context(), []ipc.Request{q}, next, ipc.Options{Budget: time.Second}); err != nil {
				t.Fatal(err)
			}
			if next[0].Kind != ipc.Memory || next[0].Source != ipc.SourceModel {
				t.Errorf("next call = %+v, want its own answer", next[0])
			}
			if replies[0].Status != ipc.StatusDeadlineExceeded {
				t.Error("the late reply was written into storage that was given back")
			}
		})
}

func TestClientTimeContext(t *testing.T) {
	inFakeTime(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.Hang()), func(t *testing.T, client *ipc.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Millisecond, cancel)
		start := time.Now()
		replies := make([]ipc.Reply, 1)
		err := client.Predict(ctx, requests(1), replies, ipc.Options{Budget: time.Second})
		if took := time.Since(start); !errors.Is(err, context.Canceled) || took != 2*time.Millisecond || replies[0].Status == ipc.StatusOK {
			t.Errorf("cancelled: %v after %v with %v, want Canceled after 2ms", err, took, replies[0].Status)
		}
		if err := client.Predict(ctx, requests(1), replies, ipc.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v, want Canceled", err)
		}

		ctx, cancel = context.WithTimeout(t.Context(), 3*time.Millisecond)
		defer cancel()
		start = time.Now()
		err = client.Predict(ctx, requests(1), replies, ipc.Options{Budget: time.Second})
		took := time.Since(start)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Millisecond ||
			replies[0].Status != ipc.StatusDeadlineExceeded {
			t.Errorf("context's deadline: %v after %v with %v, want deadline exceeded after 3ms", err, took, replies[0].Status)
		}
	})
}

func TestClientTimeSlowFrame(t *testing.T) {
	reply := ipctest.ReplyTo(1<<16, []ipc.Reply{ipctest.ModelReply(requests(1)[0])})
	for name, c := range map[string]struct {
		gap  time.Duration
		slow bool
	}{
		"a byte a millisecond": {time.Millisecond, false},
		"a byte a second":      {time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, ipc.ClientConfig{FrameIn: 5 * time.Second}, ipctest.Script(handshake(), ipctest.ExpectPredict(),
				ipctest.Dribble(reply, func() { time.Sleep(c.gap) }), ipctest.Hang()),
				func(t *testing.T, client *ipc.Client) {
					start := time.Now()
					err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: time.Minute})
					if !c.slow {
						if err != nil {
							t.Errorf("dribbled reply: %v, want it taken", err)
						}
						time.Sleep(time.Minute)
						if client.Err() != nil {
							t.Errorf("idle after a dribbled frame: %v, want it open", client.Err())
						}
						return
					}
					if took := time.Since(start); !errors.Is(err, &ipc.ProtocolError{Kind: ipc.FaultFrameSlow}) || took != 5*time.Second {
						t.Errorf("dribbled reply: %v after %v, want frame-slow after 5s", err, took)
					}
				})
		})
	}
}

func TestClientTimeHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, wait := ipctest.Pipe(ipctest.Script(ipctest.Hang()))
		start := time.Now()
		_, err := ipc.NewClient(t.Context(), near, ipc.ClientConfig{Handshake: time.Second})
		if took := time.Since(start); err == nil || took != time.Second {
			t.Errorf("no hello: %v after %v, want an error after 1s", err, took)
		}
		_ = wait()
	})
}
