package bridge

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// TestWhoHangsUpIsNotWaitedFor: a caller of this process whose context ends has what there is at
// once, however long its budget is, and so has who insists on a model. Others wait on.
func TestWhoHangsUpIsNotWaitedFor(t *testing.T) {
	d := newFakeDaemon(t)
	asked, hung := make(chan struct{}, 8), make(chan struct{})
	d.on(func(http.ResponseWriter, *http.Request) bool { asked <- struct{}{}; <-hung; return false })
	b := start(t, Config{Upstream: target(t, d.URL), Attempt: time.Hour})
	release := sync.OnceFunc(func() { close(hung) })
	t.Cleanup(release)
	q, other := workload(1, 0.5), workload(2, 0.5)
	stays := make(chan ipc.Reply)
	go func() {
		replies := make([]ipc.Reply, 1)
		_ = b.Predict(context.Background(), []ipc.Request{q}, replies, ipc.Options{Budget: patient})
		stays <- replies[0]
	}()
	<-asked
	waiting := func() int {
		n := make(chan int, 1)
		b.loop.Post(func() {
			key := keyOf(other)
			if o := b.lanes[0].open.find(&key); o != nil {
				n <- len(o.waiting)
				return
			}
			n <- 0
		})
		return <-n
	}
	for _, require := range []bool{false, true} {
		ctx, hangUp := context.WithCancel(t.Context())
		replies := make([]ipc.Reply, 3)
		over := make(chan error)
		go func() {
			over <- b.Predict(ctx, []ipc.Request{q, other, q}, replies, ipc.Options{Budget: patient, RequireModel: require})
		}()
		for waiting() == 0 {
			time.Sleep(time.Millisecond)
		}
		hangUp()
		select {
		case err := <-over:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(patient / 2):
			t.Fatal("still waiting")
		}
		for i, r := range replies {
			if rule := r.Source == ipc.SourceRule && r.Reason == ipc.ReasonDeadline; rule == require || require && r.Status != ipc.StatusDeadlineExceeded {
				t.Errorf("slot %d, a model required %v: %+v", i, require, r)
			}
		}
	}
	release()
	if r := <-stays; r.Source != ipc.SourceModel {
		t.Errorf("who stayed has %v because %v", r.Source, r.Reason)
	}
}

// TestWhoHangsUpAtOnceIsNotWaitedFor: a call can be given up before its round.
func TestWhoHangsUpAtOnceIsNotWaitedFor(t *testing.T) {
	r := newRig(t, Config{})
	group := &localCalls{loop: r.loop, done: make(chan struct{})}
	for agent := range uint64(3) {
		c := ipc.NewCall(workload(agent, 0.5), group)
		c.Arrived = r.now()
		c.Deadline = c.Arrived.Add(patient)
		group.calls = append(group.calls, c)
	}
	group.open = len(group.calls)
	other := ipc.NewCall(workload(9, 0.5), &r.done)
	other.Arrived = r.now()
	other.Deadline = other.Arrived.Add(patient)
	r.local = append(r.local, group.calls[0], other, group.calls[1], group.calls[2])
	r.giveUp(group)
	select {
	case <-group.done:
	default:
		t.Fatalf("%d of 3 still wait", group.open)
	}
	for i, c := range group.calls {
		if c.Reply.Source != ipc.SourceRule || c.Reply.Reason != ipc.ReasonDeadline {
			t.Errorf("call %d: %+v", i, c.Reply)
		}
	}
	if r.Round(nil); r.done.n != 0 || r.lanes[0].urgent != 0 {
		t.Errorf("%d others are answered, %d questions count as urgent", r.done.n, r.lanes[0].urgent)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if r.done.n != 1 || other.Reply.Source != ipc.SourceModel {
		t.Errorf("the other one: %+v", other.Reply)
	}
	if r.lanes[0].limiter.missed {
		t.Error("who hangs up counts as a deadline that passed")
	}
}
