package ipc_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

func TestServerHello(t *testing.T) {
	limits := ipc.DefaultLimits()
	limits.Batch, limits.InFlight, limits.Budget = 17, 3, 5*time.Millisecond
	s := serve(t, ipc.ServerConfig{Name: "under test", Limits: limits})
	c := s.dial(t)
	c.send(ipctest.Message(ipctest.TypeHello, 1, 7, "from the future", 1<<40, "extra", nil))
	want := []any{
		uint64(ipctest.TypeHello), uint64(1), uint64(1), "under test", uint64(0),
		uint64(limits.Frame), uint64(17), uint64(3), uint64(5_000_000),
	}
	if m := c.recv(); !slices.Equal(m, want) {
		t.Errorf("hello = %v\nwant %v", m, want)
	}
}

func TestServerAnswersEveryKindAlone(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	c := s.greeted(t)
	for i, k := range ipc.Kinds {
		id := uint64(i + 1)
		c.send(predict(id, slotsOf(ipctest.Request(k, 7))...))
		c.wantReply(id, ipc.StatusOK)
	}
	c.send(ping(math.MaxUint64))
	c.wantPong(math.MaxUint64)
	c.send(ipctest.Message(ipctest.TypePong, 1), ipctest.Message(ipctest.TypeGoAway, "bye"), ping(2))
	c.wantPong(2) // pong and goaway of a client are ignored
	if got := s.Stats(); got.Messages != 4 || got.Slots != 4 || got.Faults != 0 {
		t.Errorf("Stats() = %+v, want 4 messages of 4 slots and no fault", got)
	}
}

// A batch with every kind of bad slot: its neighbours get their answers, in place.
func TestServerBatchWithBadSlots(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	c := s.greeted(t)
	good := slotsOf(ipctest.Request(ipc.Workload, 1), ipctest.Request(ipc.Memory, 2))
	hour24 := ipctest.Request(ipc.Workload, 3).(*ipc.WorkloadRequest)
	hour24.TimeOfDay = 24
	nan := ipctest.Request(ipc.Memory, 4).(*ipc.MemoryRequest)
	nan.LocalityScore = float32(math.NaN())
	c.send(predict(9,
		good[0],
		slotsOf(hour24)[0],
		[]any{99, []any{1, 2}},     // a kind nobody knows
		slotsOf(nan)[0],            // not finite
		[]any{1, "text"},           // no request
		"no slot",                  //
		[]any{1, map[string]int{}}, // a map
		good[1],
	))
	c.wantReply(9, ipc.StatusOK, ipc.StatusInvalidArgument, ipc.StatusUnimplemented,
		ipc.StatusInvalidArgument, ipc.StatusInvalidArgument, ipc.StatusInvalidArgument,
		ipc.StatusInvalidArgument, ipc.StatusOK)
	c.send(predict(10, []any{99, nil}), workload(11))
	got := []any{c.recv()[1], c.recv()[1]}
	if !slices.Contains(got, any(uint64(10))) || !slices.Contains(got, any(uint64(11))) {
		t.Errorf("replies to %v, want 10 and 11", got)
	}
	if n := s.Stats().SlotsInvalid; n != 7 {
		t.Errorf("SlotsInvalid = %d, want 7", n)
	}
}

func TestServerRepliesInAnyOrder(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	s.on(t, func() { s.hold = true })
	c := s.greeted(t)
	c.send(workload(1), workload(2), predict(3, slotsOf(requests(5)...)...), ping(4))
	c.wantPong(4)
	s.on(t, s.release) // newest first
	c.wantReply(3, 0, 0, 0, 0, 0)
	c.wantReply(2, ipc.StatusOK)
	c.wantReply(1, ipc.StatusOK)
}

func TestServerBudget(t *testing.T) {
	limits := ipc.DefaultLimits()
	limits.Budget, limits.MaxBudget = 3*time.Millisecond, 2*time.Second
	s := serve(t, ipc.ServerConfig{Limits: limits})
	c := s.greeted(t)
	for i, tc := range []struct {
		asked any
		want  time.Duration
	}{
		{0, limits.Budget},
		{nil, limits.Budget},
		{1, 1},
		{int64(5 * time.Millisecond), 5 * time.Millisecond},
		{int64(time.Hour), limits.MaxBudget},
		{uint64(math.MaxInt64), limits.MaxBudget},
	} {
		id := uint64(i + 1)
		c.send(ipctest.Message(ipctest.TypePredict, id, tc.asked, slotsOf(ipctest.Request(ipc.Threat, 1)), i%2))
		c.wantReply(id, ipc.StatusOK)
		s.on(t, func() {
			if got := s.last.Deadline.Sub(s.last.Arrived); got != tc.want {
				t.Errorf("budget %v: deadline after %v, want %v", tc.asked, got, tc.want)
			}
			if s.last.RequireModel != (i%2 == 1) {
				t.Errorf("flags %d: RequireModel = %v", i%2, s.last.RequireModel)
			}
		})
	}
}

// One impossible outcome does not spoil the others: they count, a notice comes, and
// the connection lives.
func TestServerOutcomes(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	c := s.greeted(t)
	outcome := func(kind uint8, subject any, actual ipc.Prediction) []any {
		return []any{5, kind, subject, 1000, msgpack.RawMessage(ipc.AppendPrediction(nil, &actual))}
	}
	load := ipctest.ModelReply(ipctest.Request(ipc.Workload, 1)).Prediction
	broken := load
	broken.Workload.CPU = 1.5
	failure := ipctest.ModelReply(ipctest.Request(ipc.Failure, 1)).Prediction
	c.send(ipctest.Message(ipctest.TypeOutcome, []any{
		outcome(1, 7, load), outcome(1, 8, broken), outcome(3, "disk", failure), outcome(1, "not a number", load),
	}))
	c.wantError(0, ipc.StatusInvalidArgument, "") // one notice a message
	c.send(ipctest.Message(ipctest.TypeOutcome, []any{}), ping(1))
	c.wantPong(1)
	s.on(t, func() {
		if len(s.observed) != 2 || s.observed[0].Subject.Agent != 7 || s.observed[1].Subject.Component != "disk" {
			t.Errorf("observed %+v, want those about agent 7 and the disk", s.observed)
		}
	})
	if got := s.Stats(); got.Outcomes != 2 || got.OutcomesRefused != 1 || got.Faults != 0 {
		t.Errorf("Stats() = %+v, want 2 outcomes, 1 message with some refused", got)
	}
}

// A peer that hangs up with calls in flight costs nothing once they are answered.
func TestServerPeerHangsUpWithCallsInFlight(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	s.on(t, func() { s.hold = true })
	c := s.greeted(t)
	c.send(workload(1), predict(2, slotsOf(requests(3)...)...), ping(3))
	c.wantPong(3)
	_ = c.Close()
	s.await(t, "the server to see the end", func() bool { return s.Stats().Connections == 0 })
	s.on(t, func() {
		if s.Answering() != 4 {
			t.Errorf("%d slots being answered, want 4", s.Answering())
		}
		s.release()
		if s.Answering() != 0 {
			t.Errorf("%d slots being answered after the last, want 0", s.Answering())
		}
	})
	if got := s.Stats().Orphaned; got != 4 {
		t.Errorf("Orphaned = %d, want 4", got)
	}
}
