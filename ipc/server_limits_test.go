package ipc_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

func TestServerCallsInFlightOfOneConnection(t *testing.T) {
	limits := ipc.DefaultLimits()
	limits.InFlight = 3
	s := serve(t, ipc.ServerConfig{Limits: limits})
	s.on(t, func() { s.hold = true })
	c, other := s.greeted(t), s.greeted(t)
	c.send(workload(1), workload(2), workload(3), workload(4))
	c.wantError(4, ipc.StatusOverloaded, "")
	other.send(workload(1), ping(2)) // the bound is each connection's own
	other.wantPong(2)
	s.on(t, s.release)
	for id := uint64(3); id > 0; id-- {
		c.wantReply(id, ipc.StatusOK)
	}
	other.wantReply(1, ipc.StatusOK)
	s.on(t, func() { s.hold = false })
	c.send(workload(5))
	c.wantReply(5, ipc.StatusOK)
}

// The bound on all slots together refuses a message whole, not a part of it.
func TestServerMaxCalls(t *testing.T) {
	s := serve(t, ipc.ServerConfig{MaxCalls: 4})
	s.on(t, func() { s.hold = true })
	a, b := s.greeted(t), s.greeted(t)
	a.send(predict(1, slotsOf(requests(3)...)...), ping(2))
	a.wantPong(2)
	b.send(predict(1, slotsOf(requests(2)...)...), workload(2), ping(3))
	b.wantError(1, ipc.StatusOverloaded, "")
	b.wantPong(3)
	s.on(t, s.release)
	a.wantReply(1, 0, 0, 0)
	b.wantReply(2, ipc.StatusOK)
	if got := s.Stats(); got.CallsRefused != 1 || got.Messages != 2 {
		t.Errorf("Stats() = %+v, want one message refused and two taken", got)
	}
}

func TestServerMaxConns(t *testing.T) {
	s := serve(t, ipc.ServerConfig{MaxConns: 2})
	a, b := s.greeted(t), s.greeted(t)
	c := s.dial(t)
	c.wantError(0, ipc.StatusOverloaded, "")
	c.wantEnd()
	_ = a.Close()
	s.await(t, "the place to be free", func() bool { return s.Stats().Connections == 1 })
	s.greeted(t)
	b.send(workload(1))
	b.wantReply(1, ipc.StatusOK)
	if got := s.Stats().Refused; got != 1 {
		t.Errorf("Refused = %d, want 1", got)
	}
}

func TestServerAdmitsByCredentials(t *testing.T) {
	uid := uint32(os.Getuid())
	s := serve(t, ipc.ServerConfig{Admit: func(p ipc.Peer) error {
		if p.UID != uid || p.PID != int32(os.Getpid()) || p.GID != uint32(os.Getgid()) {
			return errors.New("these are not the credentials of this process")
		}
		return &ipc.StatusError{Status: ipc.StatusPermissionDenied, Text: "nobody is admitted"}
	}})
	c := s.dial(t)
	c.wantError(0, ipc.StatusPermissionDenied, "")
	c.wantEnd()
	for _, tc := range []struct {
		peer, server uint32
		ok           bool
	}{{7, 7, true}, {0, 7, true}, {8, 7, false}, {7, 0, false}} {
		err := ipc.SameUser(tc.server)(ipc.Peer{UID: tc.peer})
		if (err == nil) != tc.ok {
			t.Errorf("SameUser(%d)(uid %d) = %v", tc.server, tc.peer, err)
		}
	}
}

// A length of a megabyte reserves nothing before the bytes come.
func TestServerAnnouncedLengthReservesNothing(t *testing.T) {
	s := serve(t, ipc.ServerConfig{Limits: unhurried()})
	const n = 50
	for range n {
		c := s.greeted(t)
		c.send([]byte{0, 0x0f, 0xff, 0xff, 0x94})
	}
	s.await(t, "the starts of frames", func() bool { return s.Held() >= n })
	s.on(t, func() {
		if got := s.Held(); got > n<<10 {
			t.Errorf("%d bytes held for %d frames of which 5 bytes came", got, n)
		}
	})
}

// When all peers together hold too much, the one that would go over the bound is
// told so and closed, the others stay.
func TestServerMaxHeld(t *testing.T) {
	s := serve(t, ipc.ServerConfig{MaxHeld: 256 << 10, Limits: unhurried()})
	small := s.greeted(t)
	small.send([]byte{0, 0, 1, 0, 0x94}) // holds little: is never the one
	part := append([]byte{0, 0x0f, 0xff, 0xff}, make([]byte, 60<<10)...)
	var last *caller
	for range 8 {
		last = s.greeted(t)
		_, _ = last.Write(part) // the server may close it half-way
	}
	last.wantError(0, ipc.StatusOverloaded, ipc.FaultTooMuch)
	last.wantEnd()
	s.await(t, "the bound to hold again", func() bool {
		return s.Held() <= 256<<10 && s.Held() == s.OwnHeld()
	})
	rest := make([]byte, 255) // ends the small peer's frame, as garbage
	small.send(rest)
	if m := small.recv(); m[0] != uint64(ipctest.TypeError) || m[3] == string(ipc.FaultTooMuch) {
		t.Errorf("the peer that holds little got %v", m)
	}
}

// Out of descriptors, accepting rests and goes on when there are some again. The
// limit is the process's, so a process of its own plays the server.
func TestServerOutOfDescriptors(t *testing.T) {
	const role = "MLBRIDGE_TEST_DESCRIPTORS"
	if os.Getenv(role) != "" {
		outOfDescriptors(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerOutOfDescriptors$", "-test.v")
	cmd.Env = append(os.Environ(), role+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "recovered") {
		t.Errorf("%v\n%s", err, out)
	}
}

func outOfDescriptors(t *testing.T) {
	s := serve(t, ipc.ServerConfig{})
	bystander := s.greeted(t)
	lowest, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(lowest)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	enough := limit.Cur
	limit.Cur = uint64(lowest) + 1
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	c := s.dial(t) // takes the last descriptor
	c.send(clientHello())
	s.await(t, "accepting to rest", func() bool { return s.Stats().AcceptErrors > 1 })
	bystander.send(workload(1))
	bystander.wantReply(1, ipc.StatusOK)
	limit.Cur = enough
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if m := c.recv(); m[0] != uint64(ipctest.TypeHello) {
		t.Fatalf("got %v, want a hello", m)
	}
	t.Log("recovered")
}
