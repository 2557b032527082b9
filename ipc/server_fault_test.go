package ipc_test

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// nested is an array in an array, depth times.
func nested(depth int) any {
	var v any = []any{}
	for range depth {
		v = []any{v}
	}
	return v
}

// faults are the ways to break a connection, before or after the hello.
var faults = []struct {
	name    string
	greeted bool
	bytes   []byte
	fault   ipc.ProtocolFault
}{
	{"empty frame", true, []byte{0, 0, 0, 0}, ipc.FaultFrameEmpty},
	{"empty frame first", false, []byte{0, 0, 0, 0}, ipc.FaultFrameEmpty},
	{"oversized", true, []byte{0, 0x10, 0, 1}, ipc.FaultFrameTooLarge},
	{"most that can be announced", true, []byte{0xff, 0xff, 0xff, 0xff}, ipc.FaultFrameTooLarge},
	{"http", false, []byte("POST / HTTP/1.1\r\n\r\n"), ipc.FaultFrameTooLarge},
	{"not msgpack", true, ipctest.Frame([]byte{0xc1, 0}), ipc.FaultType},
	{"a map", true, ipctest.Frame([]byte{0x80}), ipc.FaultType},
	{"empty array", true, ipctest.Frame([]byte{0x90}), ipc.FaultMissing},
	{"value longer than the frame", true, ipctest.Frame([]byte{0x92, 1}), ipc.FaultTruncated},
	{"bytes behind the value", true, ipctest.Frame([]byte{0x92, 1, 1, 0}), ipc.FaultTrailing},
	{"unknown message", true, ipctest.Message(99), ipc.FaultUnknown},
	{"message of the other direction", true, ipctest.ReplyTo(1, nil), ipc.FaultUnknown},
	{"message type out of range", true, ipctest.Message(256), ipc.FaultRange},
	{"call before hello", false, workload(1), ipc.FaultSequence},
	{"ping before hello", false, ping(1), ipc.FaultSequence},
	{"second hello", true, clientHello(), ipc.FaultSequence},
	{"version of the future", false, ipctest.Message(ipctest.TypeHello, 2, 9, "x", 0), ipc.FaultVersion},
	{"version of the past", false, ipctest.Message(ipctest.TypeHello, 0, 0, "x", 0), ipc.FaultVersion},
	{"short hello", false, ipctest.Message(ipctest.TypeHello, 1, 1), ipc.FaultMissing},
	{"id 0", true, workload(0), ipc.FaultRange},
	{"negative budget", true, ipctest.Message(ipctest.TypePredict, 1, -1, slotsOf(ipctest.Request(ipc.Threat, 1))), ipc.FaultRange},
	{"no slots", true, predict(1), ipc.FaultMissing},
	{"too many slots", true, predict(1, make([]any, 257)...), ipc.FaultTooLong},
	{"too deep", true, ipctest.Message(ipctest.TypePong, 1, nested(20)), ipc.FaultDepth},
	{"too deep in a slot", true, predict(1, []any{1, nested(20)}), ipc.FaultDepth},
	{"slot cut short", true, ipctest.Frame([]byte{0x94, 3, 1, 0, 0x91, 0x92, 1}), ipc.FaultTruncated},
	{"broken outcome", true, ipctest.Frame([]byte{0x92, 6, 0x91, 0xc1}), ipc.FaultType},
}

// Every broken peer is told what it broke and hung up on; a well-behaved one with a
// connection next to it notices nothing.
func TestServerFaults(t *testing.T) {
	var told atomic.Int64
	s := serve(t, ipc.ServerConfig{OnFault: func(p ipc.Peer, err error) {
		if e, ok := errors.AsType[*ipc.ProtocolError](err); ok && e.Text != "" && p.PID != 0 {
			told.Add(1)
		}
	}})
	bystander := s.greeted(t)
	for i, tc := range faults {
		t.Run(tc.name, func(t *testing.T) {
			open := s.dial
			if tc.greeted {
				open = s.greeted
			}
			c := open(t)
			c.send(tc.bytes, ping(1)) // what comes behind is thrown away
			c.wantError(0, ipc.StatusInvalidArgument, tc.fault)
			c.wantEnd()
		})
		id := uint64(i + 1)
		bystander.send(workload(id))
		bystander.wantReply(id, ipc.StatusOK)
	}
	s.await(t, "the broken connections to end", func() bool { return s.Stats().Connections == 1 })
	if got := s.Stats(); got.Faults != uint64(len(faults)) {
		t.Errorf("Stats() = %+v, want %d faults", got, len(faults))
	}
	if got := told.Load(); got != int64(len(faults)) {
		t.Errorf("OnFault was told %d times, want %d", got, len(faults))
	}
}

// The replies that were ready before the fault still come, then the error.
func TestServerFaultBehindGoodCalls(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	c := s.greeted(t)
	c.send(workload(1))
	c.wantReply(1, ipc.StatusOK)
	c.send(ping(2), []byte{0, 0, 0, 0})
	c.wantPong(2)
	c.wantError(0, ipc.StatusInvalidArgument, ipc.FaultFrameEmpty)
	c.wantEnd()
}

// A peer that breaks the protocol with calls in flight is closed at once; their
// answers are nobody's.
func TestServerFaultWithCallsInFlight(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	s.on(t, func() { s.hold = true })
	c := s.greeted(t)
	c.send(workload(1), []byte{0, 0, 0, 0})
	c.wantError(0, ipc.StatusInvalidArgument, ipc.FaultFrameEmpty)
	c.wantEnd()
	s.on(t, s.release)
	if got := s.Stats().Orphaned; got != 1 {
		t.Errorf("Orphaned = %d, want 1", got)
	}
}

// Noise of every length ends each connection and nothing else.
func TestServerNoise(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	rng := rand.New(rand.NewPCG(3, 4))
	bystander := s.greeted(t)
	for i := range 200 {
		noise := make([]byte, 1+rng.IntN(300))
		for j := range noise {
			noise[j] = byte(rng.Uint32())
		}
		open := s.dial
		if i%2 == 0 {
			open = s.greeted
			noise = ipctest.Frame(noise) // framed well, so that the decoder sees it
		}
		c := open(t)
		_, _ = c.Write(noise) // the server may have hung up on the first bytes already
		_ = c.Close()
	}
	bystander.send(workload(1))
	bystander.wantReply(1, ipc.StatusOK)
	s.await(t, "the noisy connections to end", func() bool { return s.Stats().Connections == 1 })
}
