package ipc_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

// long is a budget that no test uses up unless something is broken.
const long = 10 * time.Minute

// clientOf connects to a fake bridge; client, bridge and goroutines are checked
// to be gone at the end.
func clientOf(t *testing.T, cfg ipc.ClientConfig, handlers ...ipctest.Handler) (*ipc.Client, *ipctest.Bridge) {
	t.Helper()
	t.Cleanup(func() { leaks.None(t) })
	bridge := ipctest.Listen(t, handlers...)
	client, err := ipc.Dial(t.Context(), bridge.Path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, bridge
}

func handshake() ipctest.Step { return ipctest.Handshake(ipctest.DefaultHello()) }

// helloWith gives a handshake with the default limits changed.
func helloWith(change func(l *ipc.Limits)) ipctest.Step {
	h := ipctest.DefaultHello()
	change(&h.Limits)
	return ipctest.Handshake(h)
}

func requests(n int) []ipc.Request {
	qs := make([]ipc.Request, n)
	for i := range qs {
		qs[i] = ipctest.Request(ipc.Kinds[i%len(ipc.Kinds)], uint64(i+1))
	}
	return qs
}

func TestClientAnswersOfAllKinds(t *testing.T) {
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	reqs := requests(9)
	replies := make([]ipc.Reply, len(reqs))
	for range 3 { // storage is reused
		if err := client.Predict(t.Context(), reqs, replies, ipc.Options{Budget: long}); err != nil {
			t.Fatal(err)
		}
		for i, q := range reqs {
			if diff := cmp.Diff(ipctest.ModelReply(q), replies[i]); diff != "" {
				t.Errorf("reply %d:\n%s", i, diff)
			}
		}
	}
	if got := client.ServerName(); got != "fake" {
		t.Errorf("ServerName = %q, want fake", got)
	}
}

func TestClientSendsWhatItWasAsked(t *testing.T) {
	var got ipctest.Predict
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.ExpectPredict(),
		func(c *ipctest.Conn) error { got = c.Calls[0]; return nil },
		ipctest.SendReply(ipctest.ModelReply), ipctest.Hang()))
	reqs := requests(4)
	if err := client.Predict(t.Context(), reqs, make([]ipc.Reply, 4), ipc.Options{Budget: long, RequireModel: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reqs, got.Requests); diff != "" {
		t.Errorf("the bridge saw other requests:\n%s", diff)
	}
	if !got.RequireModel || got.ID == 0 {
		t.Errorf("flags %v, id %d, want a required model and an id", got.RequireModel, got.ID)
	}
	if left := time.Duration(got.Budget); left <= long/2 || left >= long {
		t.Errorf("budget on the wire %v, want a little less than %v", left, long)
	}
}

func TestClientManyInFlightAnyOrder(t *testing.T) {
	const calls = 32
	steps := []ipctest.Step{handshake()}
	for range calls {
		steps = append(steps, ipctest.ExpectPredict())
	}
	for i := range calls { // newest and oldest by turns
		if i%2 == 0 {
			steps = append(steps, ipctest.SendLast(ipctest.ModelReply))
		} else {
			steps = append(steps, ipctest.SendReply(ipctest.ModelReply))
		}
	}
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(append(steps, ipctest.Hang())...))
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			q := ipctest.Request(ipc.Memory, uint64(i)).(*ipc.MemoryRequest)
			q.CurrentAddress = uint64(i) << 40
			reply := make([]ipc.Reply, 1)
			err := client.Predict(t.Context(), []ipc.Request{q}, reply, ipc.Options{Budget: long})
			if err != nil || reply[0].Memory.NextAddress != q.CurrentAddress+1 {
				t.Errorf("call %d = %+v, %v, want its own answer", i, reply[0], err)
			}
		})
	}
	wg.Wait()
}

func TestClientKeepsToTheServersBounds(t *testing.T) {
	const inFlight, callers = 3, 40
	client, bridge := clientOf(t, ipc.ClientConfig{}, ipctest.Script(
		helloWith(func(l *ipc.Limits) { l.InFlight, l.Batch, l.Frame = inFlight, 2, 400 }),
		func(c *ipctest.Conn) error {
			for range inFlight { // all places are taken before any is given back
				if err := ipctest.ExpectPredict()(c); err != nil {
					return err
				}
			}
			for len(c.Calls) > 0 {
				if err := ipctest.SendReply(ipctest.ModelReply)(c); err != nil {
					return err
				}
			}
			return ipctest.Serve(ipctest.ModelReply)(c)
		}))
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()

	replies := make([]ipc.Reply, 3)
	for name, err := range map[string]error{
		"batch over the limit":    client.Predict(t.Context(), requests(3), replies, ipc.Options{}),
		"replies of other length": client.Predict(t.Context(), requests(2), replies, ipc.Options{}),
		"frame over the limit": client.Predict(t.Context(), []ipc.Request{&ipc.ThreatRequest{
			SyscallFeatures: make([]float32, ipc.MaxSyscallFeatures),
		}}, replies[:1], ipc.Options{Budget: long}),
	} {
		if !errors.Is(err, &ipc.StatusError{Status: ipc.StatusInvalidArgument}) {
			t.Errorf("%s: %v, want invalid argument", name, err)
		}
	}
	for i, r := range replies {
		if r.Status != ipc.StatusInvalidArgument {
			t.Errorf("slot %d of a refused call has status %v", i, r.Status)
		}
	}
	if err := client.Predict(t.Context(), nil, nil, ipc.Options{}); err != nil {
		t.Errorf("no requests: %v, want nil", err)
	}
	if errs := bridge.Errors(); len(errs) != 0 {
		t.Errorf("the bridge saw %v", errs)
	}
}

func TestClientRefusesBadSlotsOnly(t *testing.T) {
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.Serve(ipctest.ModelReply)))
	reqs := requests(5)
	reqs[1] = &ipc.FailureRequest{Component: ""}
	reqs[3] = nil
	replies := make([]ipc.Reply, 5)
	if err := client.Predict(t.Context(), reqs, replies, ipc.Options{Budget: long}); err != nil {
		t.Fatal(err)
	}
	for i := range replies {
		want := ipc.StatusOK
		if i == 1 || i == 3 {
			want = ipc.StatusInvalidArgument
		}
		if replies[i].Status != want {
			t.Errorf("slot %d: %v %q, want %v", i, replies[i].Status, replies[i].Error, want)
		}
	}
}

func TestClientSlotStatus(t *testing.T) {
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.Serve(func(q ipc.Request) ipc.Reply {
		if q.Kind() == ipc.Threat {
			return ipc.Reply{Status: ipc.StatusOverloaded, Error: "busy"}
		}
		if q.Kind() == ipc.Failure {
			return ipc.Reply{Status: 99, Error: "from the future"}
		}
		return ipctest.ModelReply(q)
	})))
	replies := make([]ipc.Reply, 4)
	if err := client.Predict(t.Context(), requests(4), replies, ipc.Options{Budget: long}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []ipc.Status{ipc.StatusOK, ipc.StatusOverloaded, ipc.StatusInternal, ipc.StatusOK} {
		if replies[i].Status != want {
			t.Errorf("slot %d: %v, want %v", i, replies[i].Status, want)
		}
	}
	if replies[1].Error != "busy" {
		t.Errorf("text %q, want busy", replies[1].Error)
	}
}

func TestClientCallRefusedWhole(t *testing.T) {
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.ExpectPredict(),
		func(c *ipctest.Conn) error {
			return ipctest.Send(ipctest.Message(ipctest.TypeError, c.Calls[0].ID, 4, "", "later"))(c)
		},
		ipctest.Serve(ipctest.ModelReply)))
	replies := make([]ipc.Reply, 1)
	err := client.Predict(t.Context(), requests(1), replies, ipc.Options{Budget: long})
	if !errors.Is(err, &ipc.StatusError{Status: ipc.StatusOverloaded}) || replies[0].Status != ipc.StatusOverloaded {
		t.Errorf("refused call: %v and slot %v, want overloaded", err, replies[0].Status)
	}
	if err := client.Predict(t.Context(), requests(1), replies, ipc.Options{Budget: long}); err != nil {
		t.Errorf("the next call on the connection: %v", err)
	}
}

func TestClientGoAway(t *testing.T) {
	said := make(chan string, 1)
	client, _ := clientOf(t, ipc.ClientConfig{OnGoAway: func(text string) { said <- text }},
		ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.ExpectPredict(),
			ipctest.Send(ipctest.Message(ipctest.TypeGoAway, "bye")),
			ipctest.ExpectType(ipctest.TypeOutcome), // the test has seen the goaway
			ipctest.SendReply(ipctest.ModelReply), ipctest.SendReply(ipctest.ModelReply), ipctest.Hang()))
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long}); err != nil {
				t.Errorf("call in flight: %v, want its answer", err)
			}
		})
	}
	if text := <-said; text != "bye" {
		t.Errorf("goaway says %q", text)
	}
	if err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long}); !errors.Is(err, ipc.ErrDraining) {
		t.Errorf("new call: %v, want ErrDraining", err)
	}
	if err := client.Outcomes(t.Context(), []ipc.Outcome{{Actual: ipctest.ModelReply(requests(1)[0]).Prediction}}); err != nil {
		t.Errorf("outcome: %v, want it taken", err)
	}
	wg.Wait()
	<-client.Done() // the last answer ends it
	if err := client.Err(); !errors.Is(err, ipc.ErrDraining) {
		t.Errorf("Err = %v, want ErrDraining", err)
	}
}

func TestClientClose(t *testing.T) {
	arrived := make(chan struct{})
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.Reached(arrived), ipctest.Hang()))
	result := make(chan error, 1)
	go func() {
		result <- client.Predict(context.Background(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long})
	}()
	<-arrived
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		err  error
		sent bool
	}{
		"call in flight": {<-result, true},
		"call after":     {client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{}), false},
		"outcome after":  {client.Outcomes(t.Context(), []ipc.Outcome{{Actual: ipctest.ModelReply(requests(1)[0]).Prediction}}), false},
	} {
		e, ok := errors.AsType[*ipc.ConnError](c.err)
		if !ok || e.Sent != c.sent || !errors.Is(c.err, ipc.ErrClosed) {
			t.Errorf("%s: %#v, want a ConnError of ErrClosed with Sent %v", name, c.err, c.sent)
		}
	}
	if err := client.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestClientServerGone(t *testing.T) {
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.ExpectPredict()))
	replies := make([]ipc.Reply, 2)
	err := client.Predict(t.Context(), requests(2), replies, ipc.Options{Budget: long})
	if e, ok := errors.AsType[*ipc.ConnError](err); !ok || !e.Sent {
		t.Errorf("hang-up during a call: %v, want a ConnError that may have been sent", err)
	}
	if bad := slices.IndexFunc(replies, func(r ipc.Reply) bool { return r.Status != ipc.StatusUnavailable }); bad >= 0 {
		t.Errorf("slot %d: %v, want unavailable", bad, replies[bad].Status)
	}
	<-client.Done()
}

func TestClientPong(t *testing.T) {
	answered := make(chan struct{})
	clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(),
		ipctest.Send(ipctest.Message(ipctest.TypePing, uint64(1)<<63)),
		ipctest.ExpectType(ipctest.TypePong), ipctest.Reached(answered), ipctest.Hang()))
	<-answered
}

func TestClientNotice(t *testing.T) {
	noticed := make(chan error, 1)
	client, _ := clientOf(t, ipc.ClientConfig{OnNotice: func(err error) { noticed <- err }}, ipctest.Script(handshake(),
		ipctest.Send(ipctest.Message(ipctest.TypeError, 0, 1, "", "outcome left out")), ipctest.Serve(ipctest.ModelReply)))
	if err := <-noticed; !errors.Is(err, &ipc.StatusError{Status: ipc.StatusInvalidArgument}) {
		t.Errorf("notice: %v, want invalid argument", err)
	}
	if err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long}); err != nil {
		t.Errorf("call after a notice: %v, want the connection to live", err)
	}
}

func TestClientOutcomes(t *testing.T) {
	seen := make(chan struct{})
	client, bridge := clientOf(t, ipc.ClientConfig{}, ipctest.Script(
		helloWith(func(l *ipc.Limits) { l.Batch = 2 }),
		ipctest.ExpectType(ipctest.TypeOutcome), ipctest.ExpectType(ipctest.TypeOutcome), ipctest.ExpectType(ipctest.TypeOutcome),
		ipctest.Reached(seen), ipctest.Hang()))
	outcomes := make([]ipc.Outcome, 5)
	for i := range outcomes {
		q := ipctest.Request(ipc.Kinds[i%4], 7)
		outcomes[i] = ipc.Outcome{PredictionID: 9, Subject: q.Subject(), Ago: time.Second, Actual: ipctest.ModelReply(q).Prediction}
	}
	if err := client.Outcomes(t.Context(), outcomes); err != nil {
		t.Fatal(err)
	}
	<-seen
	outcomes[2].Subject.Component = ""
	if err := client.Outcomes(t.Context(), outcomes); !errors.Is(err, &ipc.StatusError{Status: ipc.StatusInvalidArgument}) {
		t.Errorf("failure without a component: %v, want invalid argument", err)
	}
	if errs := bridge.Errors(); len(errs) != 0 {
		t.Errorf("the bridge saw %v", errs)
	}
}
