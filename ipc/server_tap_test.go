package ipc_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// heard is a tap that keeps everything.
type heard struct {
	mu       sync.Mutex
	messages []heardMessage
}

type heardMessage struct {
	conn       uint64
	fromServer bool
	at         ipc.Instant
	payload    []byte
}

func (h *heard) Message(conn uint64, fromServer bool, at ipc.Instant, payload []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages = append(h.messages, heardMessage{conn, fromServer, at, slices.Clone(payload)})
}

// The tap sees questions before their answers, byte for byte, and nothing of hellos,
// pings and broken messages.
func TestTapSeesPredictionsAndOutcomes(t *testing.T) {
	tap := new(heard)
	limits := ipc.DefaultLimits()
	limits.InFlight = 1
	s := serve(t, ipc.ServerConfig{Tap: tap, Limits: limits})
	first, second := s.greeted(t), s.greeted(t)
	question, impossible := workload(7), predict(8, []any{99, []any{}})
	first.send(question)
	first.wantReply(7, ipc.StatusOK)
	second.send(impossible)
	second.wantReply(8, ipc.StatusUnimplemented)
	s.on(t, func() { s.hold = true })
	first.send(workload(9), workload(10))
	first.wantError(10, ipc.StatusOverloaded, "")
	s.on(t, func() { s.release() })
	first.wantReply(9, ipc.StatusOK)
	outcome := ipctest.Message(ipctest.TypeOutcome, []any{[]any{1, uint8(ipc.Threat), 3, 0, []any{float32(1), 0, float32(1), 0}}})
	first.send(outcome, ping(1))
	first.wantPong(1)
	second.send(ipctest.Frame([]byte{0x92, 0x03, 0x01})) // cut
	second.recv()
	second.wantEnd()

	tap.mu.Lock()
	defer tap.mu.Unlock()
	want := []struct {
		conn       uint64
		fromServer bool
		payload    []byte // nil: any
	}{
		{1, false, question[4:]},
		{1, true, nil},
		{2, false, impossible[4:]},
		{2, true, nil},
		{1, false, nil},
		{1, false, nil},
		{1, true, nil},
		{1, true, nil},
		{1, false, outcome[4:]},
	}
	if len(tap.messages) != len(want) {
		t.Fatalf("%d messages, want %d: %v", len(tap.messages), len(want), tap.messages)
	}
	for i, w := range want {
		m := tap.messages[i]
		if m.conn != w.conn || m.fromServer != w.fromServer || w.payload != nil && !slices.Equal(m.payload, w.payload) || m.at <= 0 {
			t.Errorf("message %d is %+v, want %+v", i, m, w)
		}
		if m.fromServer && !ipc.IsReply(m.payload) {
			t.Errorf("message %d is no answer: %x", i, m.payload)
		}
	}
	if m, err := ipc.ParseReply(tap.messages[6].payload); err != nil || m.ID != 10 || m.Refused == nil || m.Refused.Status != ipc.StatusOverloaded {
		t.Errorf("the refusal reads as %+v, %v", m, err)
	}
	if m, err := ipc.ParseReply(tap.messages[7].payload); err != nil || m.ID != 9 || len(m.Replies) != 1 || m.Replies[0].Source != ipc.SourceModel {
		t.Errorf("the reply reads as %+v, %v", m, err)
	}
}
