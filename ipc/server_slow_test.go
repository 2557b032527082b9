package ipc_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// A peer that sends a frame byte by byte is cut when the frame's time is over: no
// byte extends it.
func TestServerSlowFrame(t *testing.T) {
	limits := ipc.DefaultLimits()
	limits.FrameIn = 200 * time.Millisecond
	s := serve(t, ipc.ServerConfig{Limits: limits})
	bystander := s.greeted(t)
	began := time.Now()
	c := s.greeted(t)
	frame := predict(1, slotsOf(requests(40)...)...)
	stop := make(chan struct{})
	dribbled := make(chan int)
	go func() {
		n := 0
		defer func() { dribbled <- n }()
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for ; n < len(frame); n++ {
			if _, err := c.Write(frame[n : n+1]); err != nil {
				return
			}
			select {
			case <-pace.C:
			case <-stop:
				return
			}
		}
	}()
	c.wantError(0, ipc.StatusInvalidArgument, ipc.FaultFrameSlow)
	c.wantEnd()
	if d := time.Since(began); d < limits.FrameIn {
		t.Errorf("cut after %v, before the %v of a frame", d, limits.FrameIn)
	}
	close(stop)
	if n := <-dribbled; n >= len(frame) {
		t.Errorf("all %d bytes were taken", n)
	}
	bystander.send(workload(1))
	bystander.wantReply(1, ipc.StatusOK)
}

// Slow is not broken: frames cut anywhere are whole again, if they come in time.
func TestServerFramesCutAnywhere(t *testing.T) {
	s := serve(t, ipc.ServerConfig{Limits: unhurried()})
	c := s.greeted(t)
	stream := bytes.Join([][]byte{workload(1), ping(2), predict(3, slotsOf(requests(2)...)...)}, nil)
	for _, step := range []int{1, 2, 3, 7, 50, len(stream)} {
		for rest := stream; len(rest) > 0; {
			n := min(step, len(rest))
			c.send(rest[:n])
			rest = rest[n:]
		}
		pongs, replies := 0, 0
		for range 3 {
			switch m := c.recv(); m[0] {
			case uint64(ipctest.TypePong):
				pongs++
			case uint64(ipctest.TypeReply):
				replies++
			}
		}
		if pongs != 1 || replies != 2 {
			t.Fatalf("steps of %d bytes: %d pongs and %d replies, want 1 and 2", step, pongs, replies)
		}
	}
}

// A peer that asks and never reads is not read any more once its replies pile up,
// and closed when it has taken none of them for a while. It holds a bounded number
// of bytes meanwhile.
func TestServerPeerThatNeverReads(t *testing.T) {
	const queue = 64 << 10
	faults := make(chan error, 1)
	s := serve(t, ipc.ServerConfig{
		MaxQueue: queue, Stuck: 300 * time.Millisecond,
		OnFault: func(_ ipc.Peer, err error) { faults <- err },
	})
	bystander := s.greeted(t)
	c := s.greeted(t)
	bad := predict(1, make([]any, 200)...) // 200 replies with an error text each
	flood := bytes.Repeat(bad, 100)
	flooded := make(chan int, 1)
	go func() {
		sent := 0
		defer func() { flooded <- sent }()
		for { // until it is closed
			n, err := c.Write(flood)
			if sent += n; err != nil {
				return
			}
		}
	}()
	// The replies to one read of 64 KiB come on top of the queue: 300 messages of
	// 200 slots with a text of less than 100 bytes.
	const bound = queue + 300*200*100
	held := 0
	s.await(t, "the server to stop reading", func() bool {
		held = max(held, s.Held())
		return s.Paused() == 1 || s.Stats().Stuck == 1
	})
	if held > bound {
		t.Errorf("%d bytes held for a peer that does not read, want at most %d", held, bound)
	}
	bystander.send(workload(1))
	bystander.wantReply(1, ipc.StatusOK)
	select {
	case err := <-faults:
		t.Logf("%d bytes sent, %d held; %v", <-flooded, held, err)
	case <-time.After(long):
		t.Fatal("the peer was never closed")
	}
	s.await(t, "the connection to end", func() bool { return s.Stats().Connections == 1 })
	s.on(t, func() {
		if s.Held() != s.OwnHeld() || s.Held() > 8<<10 {
			t.Errorf("%d bytes held after it is gone (%d counted anew)", s.Held(), s.OwnHeld())
		}
	})
	if got := s.Stats().Stuck; got != 1 {
		t.Errorf("Stuck = %d, want 1", got)
	}
}

// A peer that reads late gets everything, whole and in order.
func TestServerPeerThatReadsLate(t *testing.T) {
	s := serve(t, ipc.ServerConfig{MaxQueue: 8 << 10, Stuck: long})
	c := s.greeted(t)
	const n = 60_000 // more than fits both sockets' buffers
	wrote := make(chan error, 1)
	go func() {
		var b bytes.Buffer
		for i := range uint64(n) {
			b.Write(ping(i))
		}
		_, err := c.Write(b.Bytes())
		wrote <- err
	}()
	s.await(t, "the server to stop reading", func() bool { return s.Held() > 8<<10 })
	for i := range uint64(n) {
		c.wantPong(i)
	}
	if err := <-wrote; err != nil {
		t.Errorf("write: %v", err)
	}
	if got := s.Stats(); got.Faults != 0 || got.Stuck != 0 {
		t.Errorf("Stats() = %+v, want neither faults nor stuck peers", got)
	}
}
