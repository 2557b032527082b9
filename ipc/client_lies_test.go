package ipc_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

// okSlot is a reply slot with changes on request.
func okSlot(change func(s []any)) []any {
	q := ipctest.Request(ipc.Workload, 1)
	r := ipctest.ModelReply(q)
	s := []any{0, uint8(ipc.Workload), 1, uint8(ipc.SourceModel), 0, 0, r.Model, msgpack.RawMessage(ipc.AppendPrediction(nil, &r.Prediction))}
	if change != nil {
		change(s)
	}
	return s
}

// TestClientLies lets a bridge break every promise that a client relies on. Each
// time the calls end with the fault's name, and so does the connection.
func TestClientLies(t *testing.T) {
	reply := func(slots ...any) func(id uint64) []byte {
		return func(id uint64) []byte { return ipctest.Message(ipctest.TypeReply, id, append([]any{}, slots...)) }
	}
	raw := func(b ...byte) func(uint64) []byte { return func(uint64) []byte { return b } }
	for _, c := range []struct {
		lie  string
		send func(id uint64) []byte
		want ipc.ProtocolFault
	}{
		{"empty frame", raw(0, 0, 0, 0), ipc.FaultFrameEmpty},
		{"frame too large", raw(0xff, 0xff, 0xff, 0xff), ipc.FaultFrameTooLarge},
		{"no msgpack", raw(0, 0, 0, 1, 0xc1), ipc.FaultType},
		{"unknown message", func(uint64) []byte { return ipctest.Message(99) }, ipc.FaultUnknown},
		{"a predict from a server", func(uint64) []byte { return ipctest.Message(ipctest.TypePredict, 1, 0, []any{}) }, ipc.FaultUnknown},
		{"a second hello", func(uint64) []byte { return ipctest.Message(ipctest.TypeHello, 1, 1, "x", 0, 1, 1, 1, 1) }, ipc.FaultSequence},
		{"id never given", func(id uint64) []byte { return ipctest.Message(ipctest.TypeReply, id+1000, []any{okSlot(nil)}) }, ipc.FaultSequence},
		{"id of an old call of the place", func(id uint64) []byte { return ipctest.Message(ipctest.TypeReply, id-1<<16, []any{okSlot(nil)}) }, ipc.FaultSequence},
		{"id 0", func(uint64) []byte { return ipctest.Message(ipctest.TypeReply, 0, []any{okSlot(nil)}) }, ipc.FaultSequence},
		{"largest id", func(uint64) []byte {
			return ipctest.Message(ipctest.TypeReply, uint64(math.MaxUint64), []any{okSlot(nil)})
		}, ipc.FaultSequence},
		{"error for no call", func(id uint64) []byte { return ipctest.Message(ipctest.TypeError, id+1000, 4, "", "") }, ipc.FaultSequence},
		{"no slots", reply(), ipc.FaultRange},
		{"a slot too many", reply(okSlot(nil), okSlot(nil)), ipc.FaultRange},
		{"another kind", reply(okSlot(func(s []any) {
			q := ipctest.ModelReply(ipctest.Request(ipc.Threat, 1))
			s[1], s[7] = uint8(ipc.Threat), msgpack.RawMessage(ipc.AppendPrediction(nil, &q.Prediction))
		})), ipc.FaultRange},
		{"unknown kind", reply(okSlot(func(s []any) { s[1] = 9 })), ipc.FaultRange},
		{"no source", reply(okSlot(func(s []any) { s[3] = 0 })), ipc.FaultRange},
		{"unknown source", reply(okSlot(func(s []any) { s[3] = 9 })), ipc.FaultRange},
		{"negative age", reply(okSlot(func(s []any) { s[5] = -1 })), ipc.FaultRange},
		{"model name too long", reply(okSlot(func(s []any) { s[6] = string(make([]byte, 65)) })), ipc.FaultTooLong},
		{"NaN", reply(okSlot(func(s []any) { s[7] = []any{float32(math.NaN()), 1, nil, float32(1)} })), ipc.FaultRange},
		{"infinite", reply(okSlot(func(s []any) { s[7] = []any{math.Inf(1), 1, nil, float32(1)} })), ipc.FaultRange},
		{"share above 1", reply(okSlot(func(s []any) { s[7] = []any{float32(1.5), 1, nil, float32(1)} })), ipc.FaultRange},
		{"prediction too short", reply(okSlot(func(s []any) { s[7] = []any{float32(0.5)} })), ipc.FaultMissing},
		{"slot too short", reply([]any{0, 1, 2}), ipc.FaultMissing},
		{"slot is a map", reply(map[string]int{"status": 0}), ipc.FaultType},
		{"bytes behind the reply", func(id uint64) []byte {
			return ipctest.Frame(append(ipctest.Message(ipctest.TypeReply, id, []any{okSlot(nil)})[4:], 0))
		}, ipc.FaultTrailing},
		{"reply cut short", func(id uint64) []byte {
			b := ipctest.Message(ipctest.TypeReply, id, []any{okSlot(nil)})[4:]
			return ipctest.Frame(b[:len(b)-1])
		}, ipc.FaultTruncated},
		{"slots announced, none there", func(id uint64) []byte {
			b := ipctest.Message(ipctest.TypeReply, id, []any{})[4:]
			return ipctest.Frame(append(b[:len(b)-1], 0xdd, 0xff, 0xff, 0xff, 0xff))
		}, ipc.FaultTruncated},
		{"the connection's fault", func(uint64) []byte { return ipctest.Message(ipctest.TypeError, 0, 1, "too-deep", "you lie") }, ipc.FaultDepth},
	} {
		t.Run(c.lie, func(t *testing.T) {
			client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.ExpectPredict(), ipctest.ExpectPredict(),
				func(p *ipctest.Conn) error { return ipctest.Send(c.send(p.Calls[0].ID))(p) }, ipctest.Hang()))
			results := make(chan error, 2)
			for range 2 {
				go func() {
					q := ipctest.Request(ipc.Workload, 1)
					replies := make([]ipc.Reply, 1)
					err := client.Predict(t.Context(), []ipc.Request{q}, replies, ipc.Options{Budget: long})
					if replies[0].Status == ipc.StatusOK {
						t.Errorf("a slot holds an answer: %+v", replies[0])
					}
					results <- err
				}()
			}
			for range 2 {
				err := <-results
				if e, ok := errors.AsType[*ipc.ConnError](err); !ok || !e.Sent || !errors.Is(err, &ipc.ProtocolError{Kind: c.want}) {
					t.Errorf("call: %v, want a ConnError, perhaps sent, of %s", err, c.want)
				}
			}
			<-client.Done()
			if err := client.Err(); !errors.Is(err, &ipc.ProtocolError{Kind: c.want}) {
				t.Errorf("Err = %v, want %s", err, c.want)
			}
		})
	}
}

func TestClientLiesTwice(t *testing.T) {
	var frame []byte
	client, _ := clientOf(t, ipc.ClientConfig{}, ipctest.Script(handshake(), ipctest.ExpectPredict(),
		func(c *ipctest.Conn) error { frame = c.Calls[0].Reply(ipctest.ModelReply); return nil },
		func(c *ipctest.Conn) error { return ipctest.Send(append(frame, frame...))(c) },
		ipctest.Hang()))
	if err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long}); err != nil {
		t.Errorf("first reply: %v, want it taken", err)
	}
	<-client.Done()
	if err := client.Err(); !errors.Is(err, &ipc.ProtocolError{Kind: ipc.FaultSequence}) {
		t.Errorf("after the second reply to one call: %v, want out-of-sequence", err)
	}
}

func TestClientHelloLies(t *testing.T) {
	hello := func(change func(h *ipctest.Hello)) ipctest.Step {
		h := ipctest.DefaultHello()
		change(&h)
		return ipctest.Handshake(h)
	}
	for name, c := range map[string]struct {
		step ipctest.Step
		want error
	}{
		"newer version":  {hello(func(h *ipctest.Hello) { h.VersionMin, h.VersionMax = 2, 3 }), &ipc.ProtocolError{Kind: ipc.FaultVersion}},
		"no batch":       {hello(func(h *ipctest.Hello) { h.Limits.Batch = 0 }), &ipc.ProtocolError{Kind: ipc.FaultRange}},
		"no calls":       {hello(func(h *ipctest.Hello) { h.Limits.InFlight = 0 }), &ipc.ProtocolError{Kind: ipc.FaultRange}},
		"no budget":      {hello(func(h *ipctest.Hello) { h.Limits.Budget = 0 }), &ipc.ProtocolError{Kind: ipc.FaultRange}},
		"too short":      {ipctest.Send(ipctest.Message(0, 1, 1, "x", 0)), &ipc.ProtocolError{Kind: ipc.FaultMissing}},
		"reply first":    {ipctest.Send(ipctest.Message(4, 1, []any{})), &ipc.ProtocolError{Kind: ipc.FaultSequence}},
		"http":           {ipctest.Send([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")), &ipc.ProtocolError{Kind: ipc.FaultFrameTooLarge}},
		"refused":        {ipctest.Send(ipctest.Message(5, 0, 6, "", "who are you")), &ipc.StatusError{Status: ipc.StatusPermissionDenied}},
		"unknown status": {ipctest.Send(ipctest.Message(5, 0, 77, "", "")), &ipc.StatusError{Status: ipc.StatusInternal}},
	} {
		t.Run(name, func(t *testing.T) {
			defer leaks.None(t, goleak.IgnoreCurrent())
			bridge := ipctest.Listen(t, ipctest.Script(c.step, ipctest.Hang()))
			client, err := ipc.Dial(t.Context(), bridge.Path, ipc.ClientConfig{})
			if err == nil {
				_ = client.Close()
			}
			if e, ok := errors.AsType[*ipc.ConnError](err); !ok || e.Op != "hello" || !errors.Is(err, c.want) {
				t.Errorf("Dial: %v, want a ConnError in the hello of %v", err, c.want)
			}
			bridge.Kill()
		})
	}
}

func TestClientDialFails(t *testing.T) {
	if _, err := ipc.Dial(t.Context(), t.TempDir()+"/nobody", ipc.ClientConfig{}); err == nil {
		t.Error("Dial to nobody succeeded")
	} else if e, ok := errors.AsType[*ipc.ConnError](err); !ok || e.Op != "dial" || e.Sent {
		t.Errorf("Dial to nobody: %#v, want a ConnError in dial", err)
	}
	if _, err := ipc.Dial(t.Context(), "/"+strings.Repeat("x", 107), ipc.ClientConfig{}); err == nil || !strings.Contains(err.Error(), "108 bytes, at most 107 fit") {
		t.Errorf("Dial with too long a path: %v", err)
	}
	bridge := ipctest.Listen(t, ipctest.Script(ipctest.Deaf()))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := ipc.Dial(ctx, bridge.Path, ipc.ClientConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial cancelled during the hello: %v, want the context's error", err)
	}
}

// FuzzClientReads feeds a client whatever bytes a bridge could send behind its
// hello. Whatever they are, the call ends, the client ends, and no slot holds an
// answer that is out of range.
func FuzzClientReads(f *testing.F) {
	reply := ipctest.ModelReply(ipctest.Request(ipc.Workload, 1))
	f.Add(ipctest.ReplyTo(1<<16, []ipc.Reply{reply}))
	f.Add(ipctest.ReplyTo(1<<16, []ipc.Reply{{Status: ipc.StatusOverloaded, Error: "busy"}}))
	f.Add(ipctest.Message(ipctest.TypeGoAway, "bye"))
	f.Add(ipctest.Message(ipctest.TypePing, 7))
	f.Add(ipctest.Message(ipctest.TypeError, 1<<16, 4, "", "later"))
	f.Add(ipctest.Message(ipctest.TypeError, 0, 1, "truncated", ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		near, wait := ipctest.Pipe(ipctest.Script(handshake(), ipctest.ExpectPredict(), func(c *ipctest.Conn) error {
			go func() { _, _ = c.Write(b); _ = c.Close() }()
			return ipctest.Hang()(c)
		}))
		client, err := ipc.NewClient(t.Context(), near, ipc.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		replies := make([]ipc.Reply, 1)
		err = client.Predict(t.Context(), []ipc.Request{ipctest.Request(ipc.Workload, 1)}, replies, ipc.Options{Budget: long})
		if r := &replies[0]; r.Status == ipc.StatusOK {
			if verr := r.Prediction.Validate(); err != nil || verr != nil || r.Kind != ipc.Workload || r.Source == ipc.SourceNone {
				t.Errorf("Predict = %v with slot %+v (%v), want no answer or a valid one", err, r, verr)
			}
		}
		<-client.Done()
		_ = client.Close()
		_ = wait()
	})
}
