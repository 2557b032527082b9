// Package process starts the servers and clients of the benchmark, on one core or on
// all, and sees to it that none outlives the benchmark.
package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Starter starts processes from a thread of its own. The thread lives as long as the
// program: a child's death signal is tied to the thread that started it, and Go ends
// threads when it likes. The thread also carries the affinity that children inherit,
// before their runtimes count the cores.
type Starter struct {
	jobs chan job
	all  unix.CPUSet
	one  unix.CPUSet
}

type job struct {
	cmd    *exec.Cmd
	pinned bool
	done   chan error
}

// NewStarter finds out which cores there are.
func NewStarter() (*Starter, error) {
	s := &Starter{jobs: make(chan job)}
	if err := unix.SchedGetaffinity(0, &s.all); err != nil {
		return nil, fmt.Errorf("affinity: %w", err)
	}
	// The last core: interrupts of virtual machines tend to go to the first.
	for cpu := 1023; cpu >= 0; cpu-- {
		if s.all.IsSet(cpu) {
			s.one.Set(cpu)
			break
		}
	}
	go s.serve()
	return s, nil
}

func (s *Starter) serve() {
	runtime.LockOSThread() // and never unlocked
	for j := range s.jobs {
		set := &s.all
		if j.pinned {
			set = &s.one
		}
		err := unix.SchedSetaffinity(0, set)
		if err == nil {
			err = j.cmd.Start()
		}
		j.done <- err
	}
}

func (s *Starter) start(cmd *exec.Cmd, pinned bool) error {
	// A group of its own: Ctrl-C comes to the benchmark alone, which then ends all in
	// order; the death signal is for when the benchmark itself is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	j := job{cmd, pinned, make(chan error, 1)}
	s.jobs <- j
	return <-j.done
}

// Output runs a program to its end and gives its standard output. The error carries
// what it wrote to standard error.
func (s *Starter) Output(ctx context.Context, pinned bool, name string, args ...string) ([]byte, error) {
	return s.Watched(ctx, pinned, func(int) {}, name, args...)
}

// Watched is Output; started is told the process's id once it runs.
func (s *Starter) Watched(ctx context.Context, pinned bool, started func(pid int), name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := s.start(cmd, pinned); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { killGroup(cmd.Process.Pid) })
	started(cmd.Process.Pid)
	err := cmd.Wait()
	stop()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, lastLine(errs.String()))
	}
	return []byte(out.String()), nil
}

// Server is a running server that has said that it is ready.
type Server struct {
	PID   int
	Ready string // the line that said so

	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // of its output after the first; closed at its end
	tasks sync.WaitGroup
}

// patience bounds how long a server may take to start. Node with TensorFlow.js needs
// seconds on a busy machine.
const patience = 30 * time.Second

// Serve starts a server and waits for the first line of its output that contains
// "READY". Both its outputs are read.
func (s *Starter) Serve(ctx context.Context, pinned bool, name string, args ...string) (*Server, error) {
	cmd := exec.Command(name, args...)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := s.start(cmd, pinned); err != nil {
		return nil, err
	}
	v := &Server{PID: cmd.Process.Pid, cmd: cmd, in: in, lines: make(chan string, 256)}
	v.tasks.Go(func() { v.read(r) })
	v.tasks.Go(func() {
		_ = cmd.Wait()
		w.Close()
	})
	timeout := time.After(patience)
	var said []string
	for {
		select {
		case line, ok := <-v.lines:
			if !ok {
				v.Stop()
				return nil, fmt.Errorf("%s ended before it was ready: %s", name, strings.Join(said, "; "))
			}
			if strings.Contains(line, "READY") {
				v.Ready = line
				return v, nil
			}
			said = append(said, line)
		case <-timeout:
			v.Stop()
			return nil, fmt.Errorf("%s was not ready after %v", name, patience)
		case <-ctx.Done():
			v.Stop()
			return nil, context.Cause(ctx)
		}
	}
}

// read passes lines on. What nobody takes is dropped: a server must not stop because
// its log is full.
func (v *Server) read(r io.Reader) {
	defer close(v.lines)
	scan := bufio.NewScanner(r)
	for scan.Scan() {
		select {
		case v.lines <- scan.Text():
		default:
		}
	}
	_, _ = io.Copy(io.Discard, r) // behind a line too long to be one
}

// Ask writes a line to the server's standard input and gives the next of its output.
func (v *Server) Ask(line string) (string, error) {
	if _, err := io.WriteString(v.in, line+"\n"); err != nil {
		return "", err
	}
	select {
	case answer, ok := <-v.lines:
		if !ok {
			return "", errors.New("server: ended")
		}
		return answer, nil
	case <-time.After(patience):
		return "", errors.New("server: no answer")
	}
}

// Wait waits until the server has ended by itself.
func (v *Server) Wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() { // as long as the server, which Stop ends
		v.tasks.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Stop ends the server at once and waits for it.
func (v *Server) Stop() {
	killGroup(v.PID)
	v.tasks.Wait()
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
