// Package cmd_test runs the real commands as processes and breaks them.
package cmd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// bin holds the commands, built once.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mlbridge-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bin = dir
	build := exec.Command("go", "build", "-o", bin+"/", "./ml-bridge", "./mld")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// process is a command that runs until the test ends.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	exited chan struct{}
	ready  chan struct{} // closed at the READY line

	mu  sync.Mutex
	log []string
	at  struct { // of the READY line
		Listen              []string
		HTTP, Socket, Admin string
	}
}

// startup is how long is waited for what must come. It is there to tell where a test
// hangs, and longer than any machine is busy with other things.
const startup = 10 * time.Minute

// launch starts a command without waiting for it to be ready.
func launch(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return launchAs(t, func(*exec.Cmd) {}, name, args...)
}

// launchAs is launch for a command that prepare has a word in.
func launchAs(t *testing.T, prepare func(*exec.Cmd), name string, args ...string) *process {
	t.Helper()
	p := &process{
		t: t, cmd: exec.Command(filepath.Join(bin, name), append(args, "--log-format", "json")...),
		exited: make(chan struct{}), ready: make(chan struct{}),
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	prepare(p.cmd)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.line(lines.Bytes())
		}
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("%s %v said:\n%s", name, args, p.said())
		}
	})
	return p
}

func (p *process) line(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, string(b))
	var l struct{ Message string }
	if json.Unmarshal(b, &l) == nil && l.Message == "READY" {
		_ = json.Unmarshal(b, &p.at)
		close(p.ready)
	}
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

// start launches a command and waits until it is ready.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return launch(t, name, args...).wait()
}

// wait waits until the command is ready.
func (p *process) wait() *process {
	t := p.t
	t.Helper()
	select {
	case <-p.ready:
	case <-p.exited:
		t.Fatalf("%v ended before it was ready:\n%s", p.cmd.Args, p.said())
	case <-time.After(startup):
		t.Fatalf("%v is not ready after %v", p.cmd.Args, startup)
	}
	return p
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// freeze stops the process and returns when all of its threads have stopped: the
// signal alone is only on its way.
func (p *process) freeze() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
	tasks := fmt.Sprintf("/proc/%d/task/", p.cmd.Process.Pid)
	for deadline := time.Now().Add(startup); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if stopped(p.t, tasks) {
			return
		}
	}
	p.t.Fatalf("not stopped after %v", startup)
}

func stopped(t *testing.T, tasks string) bool {
	t.Helper()
	threads, err := os.ReadDir(tasks)
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(tasks + thread.Name() + "/stat")
		// proc_pid_stat(5): the state follows the name in parentheses.
		if _, after, ok := strings.Cut(string(stat), ") "); err == nil && ok && after[0] != 'T' {
			return false
		}
	}
	return true
}

// end waits for the process and gives its exit code.
func (p *process) end() int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(startup):
		p.t.Fatalf("still running after %v:\n%s", startup, p.said())
		return 0
	}
}

func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	p.end()
}

// chain is a bridge in front of a daemon.
type chain struct {
	mld, bridge *process
	socket      string
	http        string
}

func startMld(t *testing.T, address string) (*process, string) {
	t.Helper()
	p := start(t, "mld", "--listen", address)
	return p, p.at.Listen[0]
}

func startBridge(t *testing.T, upstream string, args ...string) *process {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "b.sock")
	return start(t, "ml-bridge", append([]string{"--socket", socket, "--http", "127.0.0.1:0", "--upstream", upstream}, args...)...)
}

func startChain(t *testing.T) *chain {
	t.Helper()
	mld, address := startMld(t, "127.0.0.1:0")
	b := startBridge(t, "http://"+address)
	return &chain{mld: mld, bridge: b, socket: b.at.Socket, http: "http://" + b.at.HTTP}
}

func dial(t *testing.T, socket string) *ipc.Client {
	t.Helper()
	// The bridge is told of 50 ms less than there are: these tests are about who answers,
	// also on a machine that does ten other things.
	c, err := ipc.Dial(t.Context(), socket, ipc.ClientConfig{Name: t.Name(), Margin: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// until asks until the answer comes from where it should; it fails after startup. A
// model's answer that came to be cached behind an earlier ask is the model's.
func until(t *testing.T, c *ipc.Client, q ipc.Request, want ipc.Source) ipc.Reply {
	t.Helper()
	deadline := time.Now().Add(startup)
	for {
		r := one(t, c, q, time.Second)
		if r.Source == want || want == ipc.SourceModel && r.Source == ipc.SourceCache {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("no answer from the %v within %v; the last was %+v", want, startup, r)
		}
	}
}

func one(t *testing.T, c *ipc.Client, q ipc.Request, budget time.Duration) ipc.Reply {
	t.Helper()
	var r [1]ipc.Reply
	err := c.Predict(context.Background(), []ipc.Request{q}, r[:], ipc.Options{Budget: budget})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Predict: %v", err)
	}
	return r[0]
}

// fresh gives requests of all four kinds that nobody asked before: n goes into
// whom they are about.
func fresh(n uint64) []ipc.Request {
	return []ipc.Request{
		&ipc.WorkloadRequest{
			AgentID: n, HistoricalCPU: []float32{0.1, 0.2, 0.3}, HistoricalMemory: []uint64{1 << 30, 1<<53 + 1, 1<<64 - 1},
			TimeOfDay: 0, DayOfWeek: 6, CurrentCPU: 0.3, CurrentMemory: 1<<64 - 1,
		},
		&ipc.ThreatRequest{
			AgentID: n, Metrics: ipc.ThreatMetrics{OperationCount: 100, SyscallCount: 100, MemoryUsage: 1 << 20, NetworkActivity: 0},
			TimeSinceLastThreat: ipc.Never,
		},
		&ipc.FailureRequest{
			Component: fmt.Sprintf("memory-%d", n), HealthScore: 0, CurrentValue: 0, Baseline: 0, Trend: ipc.TrendCritical,
			HistoricalHealth: []float32{0.5, 0.25, 0}, FailureHistory: []uint8{0, 1, 1}, TimeSinceLastFailure: 0,
		},
		&ipc.MemoryRequest{
			AgentID: n, AccessHistory: []uint64{0, 4096, 8192}, AccessTypes: []uint8{0, 1, 2}, AccessTimestamps: []uint64{0, 1, 1<<64 - 1},
			CurrentAddress: 8192, LocalityScore: 1,
		},
	}
}
