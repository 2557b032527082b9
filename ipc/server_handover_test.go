package ipc_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// successor is a server that has adopted what another handed over.
func successor(t testing.TB, cfg ipc.ServerConfig, handed []ipc.Handed) *served {
	t.Helper()
	s := serve(t, cfg)
	for _, h := range handed {
		s.on(t, func() {
			if err := s.Adopt(h); err != nil {
				t.Errorf("Adopt: %v", err)
			}
		})
	}
	return s
}

// handOver hands everything over and fails when something was cut.
func (s *served) handOver(t testing.TB) []ipc.Handed {
	t.Helper()
	handed, cut := s.HandOver(long)
	if cut != 0 {
		t.Errorf("HandOver() cut %d connections", cut)
	}
	return handed
}

// Calls in flight are answered by the old server, what was written meanwhile by the
// new one, and the peer notices nothing.
func TestServerHandOver(t *testing.T) {
	old := serve(t, ipc.ServerConfig{})
	old.on(t, func() { old.hold = true })
	busy, idle, silent := old.greeted(t), old.greeted(t), old.dial(t)
	busy.send(workload(1), ping(2))
	busy.wantPong(2)
	old.await(t, "all to be accepted", func() bool { return old.Stats().Connections == 3 })
	handed := make(chan []ipc.Handed, 1)
	go func() { handed <- old.handOver(t) }()
	old.await(t, "the idle ones to be given up", func() bool { return old.Stats().Connections == 1 })
	busy.send(workload(3), ping(4)) // nobody reads it now
	idle.send(ping(5))
	old.on(t, old.release)
	busy.wantReply(1, ipc.StatusOK)
	h := <-handed
	if _, err := unix.FcntlInt(uintptr(h[0].FD), unix.F_GETFD, 0); len(h) != 3 || err != nil {
		t.Fatalf("handed over %d connections (%v), want 3", len(h), err)
	}

	next := successor(t, ipc.ServerConfig{}, h)
	busy.wantPong(4) // a reply comes at the end of the round
	busy.wantReply(3, ipc.StatusOK)
	idle.wantPong(5)
	idle.send(workload(6))
	idle.wantReply(6, ipc.StatusOK)
	silent.send(clientHello())
	if m := silent.recv(); m[0] != uint64(ipctest.TypeHello) {
		t.Errorf("answer to a hello after the hand-over: %v", m)
	}
	if n := next.Stats().Adopted; n != 3 {
		t.Errorf("%d adopted, want 3", n)
	}
}

// The server changes at every byte of a stream of frames; the peer gets every answer
// once, in order.
func TestServerHandOverAtEveryByte(t *testing.T) {
	s := serve(t, ipc.ServerConfig{Limits: unhurried()})
	c := s.greeted(t)
	stream := bytes.Join([][]byte{workload(1), ping(2), workload(3)}, nil)
	for i := range stream {
		c.send(stream[i : i+1])
		if i == len(stream)/2 { // read, and kept as the start of a frame
			s.await(t, "the bytes to be read", func() bool { return s.Held() > 0 })
		}
		s = successor(t, ipc.ServerConfig{Limits: unhurried()}, s.handOver(t))
	}
	c.wantReply(1, ipc.StatusOK)
	c.wantPong(2)
	c.wantReply(3, ipc.StatusOK)
}

// What a peer has not taken goes along, to the byte.
func TestServerHandOverOfUnsentReplies(t *testing.T) {
	old := serve(t, ipc.ServerConfig{MaxQueue: 1 << 20, Stuck: long, OnFault: func(_ ipc.Peer, err error) { t.Error(err) }})
	c := old.greeted(t)
	const calls = 60
	for id := range uint64(calls) {
		c.send(predict(id+1, slotsOf(requests(256)...)...))
	}
	old.await(t, "replies to pile up", func() bool { return old.Stats().Messages == calls && old.Held() > 100<<10 })
	handed := old.handOver(t)
	if len(handed) != 1 || len(handed[0].Unsent) == 0 {
		t.Fatal("nothing was left unsent: the test proves nothing")
	}
	successor(t, ipc.ServerConfig{}, handed)
	for id := range uint64(calls) {
		if m := c.recv(); m[0] != uint64(ipctest.TypeReply) || m[1] != id+1 || len(m[2].([]any)) != 256 {
			t.Fatalf("reply %d: %.80v", id+1, m)
		}
	}
	c.send(ping(99))
	c.wantPong(99)
}

// A peer that was promised more than the new server gives is asked to connect anew.
func TestServerHandOverToSmallerLimits(t *testing.T) {
	old := serve(t, ipc.ServerConfig{})
	c := old.greeted(t)
	limits := ipc.DefaultLimits()
	limits.Batch = 10
	successor(t, ipc.ServerConfig{Limits: limits}, old.handOver(t))
	c.wantGoAway()
	c.send(workload(1))
	c.wantReply(1, ipc.StatusOK)
}

// Whoever is not answered in time is cut, and nobody else.
func TestServerHandOverCutsTheLate(t *testing.T) {
	old := serve(t, ipc.ServerConfig{})
	old.on(t, func() { old.hold = true })
	busy, idle := old.greeted(t), old.greeted(t)
	busy.send(workload(1), ping(2))
	busy.wantPong(2)
	handed, cut := old.HandOver(time.Millisecond)
	if len(handed) != 1 || cut != 1 {
		t.Fatalf("HandOver() = %d, %d cut; want one each", len(handed), cut)
	}
	busy.wantEnd()
	old.on(t, old.release)
	successor(t, ipc.ServerConfig{}, handed)
	idle.send(ping(3))
	idle.wantPong(3)
}

// The new server's rules count: who is not admitted is told so, and a descriptor that
// is no connection is refused.
func TestServerAdoptRefuses(t *testing.T) {
	old := serve(t, ipc.ServerConfig{})
	c := old.greeted(t)
	handed := old.handOver(t)
	s := serve(t, ipc.ServerConfig{Admit: func(ipc.Peer) error { return errors.New("closed today") }})
	tcp, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range append(handed, ipc.Handed{FD: tcp}, ipc.Handed{FD: 1 << 20}) {
		s.on(t, func() {
			if err := s.Adopt(h); err == nil {
				t.Error("Adopt: no error")
			}
		})
	}
	c.wantError(0, ipc.StatusInternal, "")
	c.wantEnd()
}
