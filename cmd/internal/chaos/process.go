package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience bounds how long a process may take to start, to end or to recover. It is a
// bound for a busy machine, not a measurement.
const patience = 2 * time.Minute

// starter starts processes from a thread that lives as long as the program: a child's
// death signal is tied to the thread that started it, and Go ends threads when it likes.
var starter = sync.OnceValue(func() chan func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread() // and never unlocked
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// Process is a child that has said READY.
type Process struct {
	PID   int
	Ready struct {
		Message      string
		Listen       []string // mld
		HTTP, Socket string   // ml-bridge
	}

	cmd    *exec.Cmd
	exited chan struct{}

	mu  sync.Mutex
	log []string // guarded by mu: its last lines
}

// keptLines is how much of a child's log is kept.
const keptLines = 40

// as makes a process another user's.
func as(cred *syscall.Credential) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) { cmd.SysProcAttr.Credential = cred }
}

// spawn starts a program and waits until it is ready. Its standard error is read. prepare
// may change the command.
func spawn(prepare func(*exec.Cmd), program string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	// A group of its own: Ctrl-C comes to this program alone, which ends all in order;
	// the death signal is for when it is killed itself.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	if prepare != nil {
		prepare(p.cmd)
	}
	errs, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	started := make(chan error, 1)
	starter() <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p.PID = p.cmd.Process.Pid
	ready := make(chan struct{})
	go func() {
		defer close(p.exited)
		up := false
		for lines := bufio.NewScanner(errs); lines.Scan(); {
			p.said(lines.Text())
			if !up && strings.Contains(lines.Text(), "READY") {
				up = true
				_ = json.Unmarshal(lines.Bytes(), &p.Ready) // a helper says it without JSON
				close(ready)
			}
		}
		_, _ = io.Copy(io.Discard, errs) // behind a line too long to be one: a full pipe would stop the process
		_ = p.cmd.Wait()
	}()
	select {
	case <-ready:
		return p, nil
	case <-p.exited:
		return nil, fmt.Errorf("%s ended before it was ready: %s", filepath.Base(program), p.Log())
	case <-time.After(patience):
		p.Kill()
		return nil, fmt.Errorf("%s was not ready after %v: %s", filepath.Base(program), patience, p.Log())
	}
}

func (p *Process) said(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, line)
	if len(p.log) > keptLines {
		p.log = p.log[1:]
	}
}

// Log gives the last lines that the process wrote.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

// Signal sends s to the process.
func (p *Process) Signal(s syscall.Signal) error { return syscall.Kill(p.PID, s) }

// Kill ends the process and its group by SIGKILL and waits for it.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.PID, syscall.SIGKILL)
	<-p.exited
}

// Drain ends the process by SIGTERM. The error says that it did not end by itself, or
// not with status 0.
func (p *Process) Drain() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			return fmt.Errorf("%s ended with status %d after SIGTERM: %s", filepath.Base(p.cmd.Path), code, p.Log())
		}
		return nil
	case <-time.After(patience):
		p.Kill()
		return fmt.Errorf("%s did not end within %v of SIGTERM", filepath.Base(p.cmd.Path), patience)
	}
}

// Exited reports whether the process has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// descriptors counts the open ones; 0 when the process is gone.
func (p *Process) descriptors() int {
	entries, _ := os.ReadDir("/proc/" + strconv.Itoa(p.PID) + "/fd")
	return len(entries)
}

// resident gives VmRSS in MB (10^6 bytes); 0 when the process is gone.
func (p *Process) resident() float64 {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/status")
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return kB * 1024 / 1e6
		}
	}
	return 0
}

// addressSpace gives VmSize in bytes.
func (p *Process) addressSpace() (uint64, error) {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/statm")
	if err != nil {
		return 0, err
	}
	pages, _, _ := strings.Cut(string(statm), " ")
	n, err := strconv.ParseUint(pages, 10, 64)
	return n * uint64(os.Getpagesize()), err
}
