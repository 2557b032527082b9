package ipc_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc"
)

const (
	idleConnections = 10_000
	idleShort       = 500
	// idleReserve is how many descriptors the test itself may need.
	idleReserve = 256
	// idleBound is generous: what is really used is logged, and measured by
	// BenchmarkServerIdleConnection.
	idleBound = 64 << 10

	idlePathEnv  = "MLBRIDGE_TEST_IDLE_PATH"
	idleCountEnv = "MLBRIDGE_TEST_IDLE_COUNT"
)

// Ten thousand idle peers, or as many as the descriptor limit allows, in a process
// of their own: each costs little memory, and others are served as before.
func TestServerIdleConnections(t *testing.T) {
	if path := os.Getenv(idlePathEnv); path != "" {
		beIdle(t, path)
		return
	}
	s := serve(t, ipc.ServerConfig{})
	bystander := s.greeted(t)
	n, each := idleGrowth(t, s)
	t.Logf("%d idle connections, %d bytes of resident memory each", n, each)
	if each > idleBound {
		t.Errorf("an idle connection costs %d bytes, want less than %d", each, idleBound)
	}
	bystander.send(workload(1))
	bystander.wantReply(1, ipc.StatusOK)
	s.await(t, "the idle peers to be gone", func() bool { return s.Stats().Connections == 1 })
	if got := s.Stats(); got.Faults+got.Refused+got.AcceptErrors != 0 {
		t.Errorf("Stats() = %+v, want no fault and none refused", got)
	}
}

// BenchmarkServerIdleConnection reports what one idle connection adds to the
// server's resident memory, kernel buffers aside.
func BenchmarkServerIdleConnection(b *testing.B) {
	s := serve(b, ipc.ServerConfig{})
	for b.Loop() {
		n, each := idleGrowth(b, s)
		b.ReportMetric(float64(each), "B/connection")
		b.ReportMetric(float64(n), "connections")
		s.await(b, "the idle peers to be gone", func() bool { return s.Stats().Connections == 0 })
	}
}

// idleGrowth lets another process open as many connections as it may and says how
// much resident memory each added here. They are gone, or going, when it returns.
func idleGrowth(t testing.TB, s *served) (n, each int) {
	t.Helper()
	n = idleCount(t)
	before := resident(t)
	had := s.Stats().Connections

	cmd := exec.Command(os.Args[0], "-test.run=^TestServerIdleConnections$", "-test.v")
	cmd.Env = append(os.Environ(), idlePathEnv+"="+s.path, idleCountEnv+"="+strconv.Itoa(n))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	ready := false
	lines := bufio.NewScanner(stdout)
	for !ready && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		ready = strings.Contains(lines.Text(), "all connected")
	}
	if ready {
		if got := int(s.Stats().Connections - had); got != n {
			t.Errorf("%d connections are open, want %d", got, n)
		}
		each = (resident(t) - before) / n
	}
	_ = stdin.Close() // ends the other process
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
	}
	if err := cmd.Wait(); err != nil || !ready {
		t.Fatalf("the peers' process: %v\n%s", err, said.String())
	}
	return n, each
}

// idleCount is 10,000, or what the descriptor limit leaves.
func idleCount(t testing.TB) int {
	t.Helper()
	if testing.Short() {
		return idleShort
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n := int(min(limit.Cur, idleConnections+idleReserve)) - idleReserve
	if n < idleConnections {
		t.Logf("only %d connections: the descriptor limit is %d", n, limit.Cur)
	}
	if n < 1 {
		t.Fatalf("descriptor limit %d", limit.Cur)
	}
	return n
}

// resident is this process's resident memory after a collection.
func resident(t testing.TB) int {
	t.Helper()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// beIdle is the other process: it connects, says hello, and waits.
func beIdle(t *testing.T, path string) {
	n, err := strconv.Atoi(os.Getenv(idleCountEnv))
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256)
	for i := range n {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		defer conn.Close()
		if _, err := conn.Write(clientHello()); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("all connected")
	_, _ = os.Stdin.Read(buf)
}
