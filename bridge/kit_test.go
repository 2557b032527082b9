package bridge

import (
	"net/http"
	"testing"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// countDone owns calls that a test submits by hand.
type countDone struct{ n int }

func (c *countDone) CallDone(*ipc.Call) { c.n++ }

// fill puts the fake model's answer to q in the cache of a bridge that is not running.
func fill(b *Bridge, q ipc.Request) {
	key, p := cachekey.Of(q), predictionFor(q)
	b.cache.put(&key, &p, "fake@1", ipc.Now())
}

// heldConn is a connection whose exchanges end when the test says so.
type heldConn struct {
	x      *upstream.Exchange // under way, or nil
	calls  int
	closed bool
	// sync, when set, answers inside Do, as a hosted engine does and as a dial that
	// fails at once may.
	sync func(*upstream.Exchange)
}

func (c *heldConn) Do(x *upstream.Exchange) {
	if c.x != nil {
		panic("two exchanges at a time")
	}
	c.calls++
	if c.x = x; c.sync != nil {
		c.end(c.sync)
	}
}

func (c *heldConn) Close() { c.closed = true }

// end finishes the exchange under way.
func (c *heldConn) end(fill func(*upstream.Exchange)) {
	x := c.x
	c.x = nil
	x.Err, x.Status, x.Answer, x.AnswerType = nil, 0, nil, ""
	fill(x)
	x.Done(x)
}

// broken ends an exchange with an error of the connection.
func broken(op string, sent bool) func(*upstream.Exchange) {
	return func(x *upstream.Exchange) {
		x.Err = &upstream.Error{Op: op, Sent: sent, Err: http.ErrServerClosed}
	}
}

// says ends an exchange with a status and a body.
func says(status int, kind, body string) func(*upstream.Exchange) {
	return func(x *upstream.Exchange) { x.Status, x.AnswerType, x.Answer = status, kind, []byte(body) }
}

// model answers every question of an exchange, as a daemon with models would.
func model(kind ipc.Kind, name string) func(*upstream.Exchange) {
	return func(x *upstream.Exchange) {
		format, _ := api.ParseContentType([]byte(x.ContentType))
		call := api.Call{Kind: kind, Batch: true}
		if err := format.ParseCall(x.Body, &call); err != nil {
			x.Status, x.Answer = http.StatusBadRequest, []byte(err.Error())
			return
		}
		answer := api.Answer{Model: name}
		answer.Resize(len(call.Requests))
		for i, q := range call.Requests {
			answer.Slots[i] = api.Slot{Prediction: predictionFor(q)}
		}
		x.Status, x.AnswerType, x.Answer = http.StatusOK, format.ContentType(), format.AppendAnswer(nil, &answer, true)
	}
}

// rig is a bridge whose loop does not run, so that the test decides what happens
// when; its connections are held, and its clock moves by a tick whenever it is read.
type rig struct {
	*Bridge
	conns  [len(ipc.Kinds)]*heldConn
	second [len(ipc.Kinds)]*heldConn // of the endpoint to fail over to, see newPair
	done   countDone
}

// tick is little enough for a thousand readings within the shortest budget of a test.
const tick = 100

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	r := new(rig)
	at := int64(ipc.Now())
	cfg.clock = func() int64 { at += tick; return at }
	cfg.Host = func(_ *eventloop.Loop, k ipc.Kind) upstream.Conn {
		c := new(heldConn)
		r.conns[k-1] = c
		return c
	}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Discard() })
	r.Bridge = b
	return r
}

// newPair is a rig with two endpoints.
func newPair(t testing.TB, cfg Config) *rig {
	t.Helper()
	var second [len(ipc.Kinds)]*heldConn
	cfg.more = append(cfg.more, func(_ *eventloop.Loop, k ipc.Kind) upstream.Conn {
		c := new(heldConn)
		second[k-1] = c
		return c
	})
	r := newRig(t, cfg)
	r.second = second
	return r
}

// reset makes the bridge as new, for tests that need too many to make each.
func (r *rig) reset() {
	r.settle()
	r.cache, r.endpoints[0].absent, r.done.n = newCache(&r.cfg), false, 0
	for i, k := range ipc.Kinds {
		r.lanes[i] = newLane(r.Bridge, k)
	}
}

// submit gives the bridge a round of calls with a budget that outlasts the test.
func (r *rig) submit(reqs ...ipc.Request) []*ipc.Call {
	calls := make([]*ipc.Call, len(reqs))
	for i, q := range reqs {
		calls[i] = ipc.NewCall(q, &r.done)
		calls[i].Arrived = r.now()
		calls[i].Deadline = calls[i].Arrived.Add(patient)
	}
	r.Round(calls)
	return calls
}

func keyOf(q ipc.Request) cachekey.Key { return cachekey.Of(q) }

// replay gives the same answer, in msgpack, every time, and allocates nothing.
func replay(answer []byte) func(*upstream.Exchange) {
	return func(x *upstream.Exchange) {
		x.Status, x.AnswerType, x.Answer = http.StatusOK, api.Msgpack.ContentType(), answer
	}
}
