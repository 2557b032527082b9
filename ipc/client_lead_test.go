package ipc

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// turnOf gives who has the turn to read.
func turnOf(c *Client) turn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.turns.state
}

func ask(t testing.TB, ctx context.Context, c *Client, budget time.Duration) Reply {
	t.Helper()
	replies := make([]Reply, 1)
	err := c.Predict(ctx, []Request{&WorkloadRequest{AgentID: 1}}, replies, Options{Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	return replies[0]
}

// untilNobody asks until the reader's goroutine has left reading to the callers.
func untilNobody(t testing.TB, c *Client) {
	t.Helper()
	for range 10_000 {
		if ask(t, context.Background(), c, time.Minute); turnOf(c) == turnNobody {
			return
		}
	}
	t.Fatal("the reader's goroutine never left its turn, though calls came one at a time")
}

// While nobody reads the alarm is set, and when it goes off on an idle connection the
// reader's goroutine reads again.
func TestLeadTurnGoesBackWhenIdle(t *testing.T) {
	client := echoClient(t)
	for range 3 {
		untilNobody(t, client)
		client.mu.Lock()
		if nobody := client.turns.state == turnNobody; nobody && (client.armed == 0 || client.armed > client.watchBy()) {
			t.Errorf("nobody reads and the alarm is set to %d, want a time up to %d", client.armed, client.watchBy())
		}
		client.mu.Unlock()
		client.heard.Store(int64(Now().Add(-unwatched)))
		client.expire()
		if got := turnOf(client); got != turnReader {
			t.Errorf("on an idle connection turn %d reads, want the reader's goroutine", got)
		}
	}
	if r := ask(t, context.Background(), client, time.Minute); r.Status != StatusOK {
		t.Errorf("after a pause: %+v", r)
	}
}

// A context that can be cancelled needs the reader's goroutine, and ends its call.
func TestLeadLeavesCancellableCallsToTheReader(t *testing.T) {
	client := echoClient(t)
	untilNobody(t, client)
	ctx, cancel := context.WithCancel(t.Context())
	if r := ask(t, ctx, client, time.Minute); r.Status != StatusOK {
		t.Errorf("cancellable call: %+v", r)
	}
	if got := turnOf(client); got != turnReader {
		t.Errorf("after a cancellable call turn %d reads, want the reader's goroutine", got)
	}
	cancel()
}

// tired is a bridge that answers n calls. Then it hangs up, or says that it was asked
// again and answers on when it may.
type tired struct {
	n      int
	hangUp bool
	behind []byte // comes with the answers after the first n
	asked  chan struct{}
	more   chan struct{}
}

func (f *tired) serve(far net.Conn) {
	defer far.Close()
	own := hello{versionMin: Version, versionMax: Version, limits: DefaultLimits()}
	limits := DefaultLimits()
	answer := Reply{PredictionID: 1, Source: SourceModel, Prediction: Prediction{Kind: Workload}}
	in, have := make([]byte, 64<<10), 0
	for f.n > 0 || !f.hangUp {
		payload, rest, _, err := nextFrame(in[:have], limits.Frame)
		if err != nil {
			return
		}
		if payload == nil {
			k, err := far.Read(in[have:])
			if err != nil {
				return
			}
			have += k
			continue
		}
		r := reader{b: payload}
		k, typ := r.header()
		b, start := beginFrame(nil)
		if typ == msgHello {
			b = own.appendServer(b)
		} else {
			if f.n--; f.n == -1 {
				close(f.asked)
				<-f.more
			}
			h := r.predictHead(k, &limits)
			b = appendReplySlot(appendReplyHead(b, h.id, 1), &answer)
		}
		b = endFrame(b, start)
		if f.n < 0 {
			b = append(b, f.behind...)
		}
		if _, err := far.Write(b); err != nil {
			return
		}
		have = copy(in, rest)
	}
}

// leading gives a client whose next call's caller reads the answer, and its bridge,
// which does not answer that call.
func leading(t *testing.T) (*Client, *tired) {
	return leadingWith(t, ClientConfig{}, nil)
}

func leadingWith(t *testing.T, cfg ClientConfig, behind []byte) (*Client, *tired) {
	return clientOfTired(t, cfg, &tired{n: soloEnough, behind: behind, asked: make(chan struct{}), more: make(chan struct{})})
}

func clientOfTired(t *testing.T, cfg ClientConfig, f *tired) (*Client, *tired) {
	t.Helper()
	n := f.n
	near, far := connPair(t)
	go f.serve(far)
	client, err := NewClient(t.Context(), near, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	for range n {
		ask(t, context.Background(), client, time.Minute)
	}
	return client, f
}

// The time of a call ends whose caller reads, and the next one reads on after it.
func TestLeadEndsWithItsBudget(t *testing.T) {
	client, bridge := leading(t)
	for asked := false; !asked; { // of which on a busy machine it hears nothing where no time was left to ask
		if r := ask(t, context.Background(), client, 5*time.Millisecond); r.Status != StatusDeadlineExceeded {
			t.Errorf("unanswered call: %+v, want deadline exceeded", r)
		}
		select {
		case <-bridge.asked:
			asked = true
		default:
		}
	}
	close(bridge.more)
	for range 100 { // the late answer is passed over, the next ones are not
		if r := ask(t, context.Background(), client, time.Minute); r.Status != StatusOK {
			t.Fatalf("after an unanswered call: %+v", r)
		}
	}
}

// Close wakes a caller that reads.
func TestLeadEndsWithTheConnection(t *testing.T) {
	client, bridge := leading(t)
	defer close(bridge.more)
	ended := make(chan error, 1)
	go func() {
		replies := make([]Reply, 1)
		ended <- client.Predict(context.Background(), []Request{&WorkloadRequest{}}, replies, Options{Budget: time.Minute})
	}()
	<-bridge.asked
	_ = client.Close()
	if e, ok := (<-ended).(*ConnError); !ok || e.Err != ErrClosed {
		t.Errorf("call during Close: %v, want a ConnError of ErrClosed", e)
	}
}

// A frame that was started behind the answer has its time, though the caller who read
// its beginning reads no more.
func TestLeadLeavesAStartedFrameToTheReader(t *testing.T) {
	client, bridge := leadingWith(t, ClientConfig{FrameIn: 50 * time.Millisecond}, []byte{0, 0})
	close(bridge.more)
	if r := ask(t, context.Background(), client, time.Minute); r.Status != StatusOK {
		t.Errorf("answer with the start of a frame behind it: %+v", r)
	}
	if got := turnOf(client); got != turnReader {
		t.Errorf("after it turn %d reads, want the reader's goroutine", got)
	}
	<-client.Done()
	if err := client.Err(); !errors.Is(err, &ProtocolError{Kind: FaultFrameSlow}) {
		t.Errorf("the frame was never completed: %v, want frame-slow", err)
	}
}

// A server that hangs up right behind an answer is found out, though the caller who
// read the answer read no further and nobody asks again.
func TestLeadFindsTheEnd(t *testing.T) {
	for n := range 2 * soloEnough {
		client, _ := clientOfTired(t, ClientConfig{}, &tired{n: n + 1, hangUp: true})
		<-client.Done()
		if err := client.Err(); err != io.EOF {
			t.Errorf("hang-up behind answer %d: %v, want EOF", n+1, err)
		}
	}
}

// Callers of all sorts at once and by turns: every call ends, and nothing is left
// over. What this looks for is a turn that is lost, or had by two, for which the race
// detector looks too.
func TestLeadStress(t *testing.T) {
	client := echoClient(t)
	const callers, calls = 8, 400
	var wg sync.WaitGroup
	for w := range callers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(w)))
			for range calls {
				ctx, cancel := context.Background(), context.CancelFunc(func() {})
				budget := time.Minute
				switch rnd.IntN(8) {
				case 0:
					ctx, cancel = context.WithCancel(ctx)
				case 1:
					ctx, cancel = context.WithCancel(ctx)
					go cancel()
				case 2:
					budget = time.Duration(rnd.IntN(100)) * time.Microsecond
				case 3:
					time.Sleep(time.Duration(rnd.IntN(200)) * time.Microsecond) // lets others be alone
				}
				replies := make([]Reply, 1)
				err := client.Predict(ctx, []Request{&WorkloadRequest{AgentID: uint64(w)}}, replies, Options{Budget: budget})
				gone := ctx.Err() != nil
				cancel()
				ok := err == nil && (replies[0].Status == StatusOK || budget < time.Minute && replies[0].Status == StatusDeadlineExceeded)
				if !ok && !gone {
					t.Errorf("caller %d: %v, %+v", w, err, replies[0])
					return
				}
			}
		})
	}
	wg.Wait()
	untilNobody(t, client) // a place that a call left behind, or a turn, would keep it from that
	client.mu.Lock()
	defer client.mu.Unlock()
	if client.convoy.returning != 0 || len(client.out) != 0 || len(client.waiting) != 0 {
		t.Errorf("left over: %d returning, %d bytes, %d waiting", client.convoy.returning, len(client.out), len(client.waiting))
	}
}

// TestLeadPollsWhileFewWait: a caller looks again before it sleeps, but not while more
// callers of the process wait than it has processors to spare, and the count of them
// comes back to what it was.
func TestLeadPollsWhileFewWait(t *testing.T) {
	client := echoClient(t)
	for _, c := range []struct {
		others int32
		polls  bool
	}{{0, true}, {1000, false}, {0, true}} {
		leaders.Add(c.others)
		before := leaders.Load()
		for range 100 {
			untilNobody(t, client)
			ask(t, context.Background(), client, time.Minute) // nobody reads: the caller leads
		}
		if client.in.polls != c.polls {
			t.Errorf("with %d others waiting: may poll %v, want %v", c.others, client.in.polls, c.polls)
		}
		if now := leaders.Load(); now != before {
			t.Errorf("%d callers wait after all were answered, want %d", now, before)
		}
		leaders.Add(-c.others)
	}
}
