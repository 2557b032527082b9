package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// startup bounds how long the process may take to be ready or to end. It is there to tell
// where a test hangs, and longer than any machine is busy with other things.
const startup = 5 * time.Minute

// bridgeProcess is an ml-bridge that has said READY.
type bridgeProcess struct {
	*exec.Cmd
	http   string
	lines  chan logLine // the log; what nobody awaits is dropped when it is full
	exited chan struct{}
}

// logLine is what the tests read of a line of the log.
type logLine struct{ Message, HTTP, Setting, From, To, Error string }

func startBridge(t *testing.T, args ...string) *bridgeProcess {
	t.Helper()
	p := &bridgeProcess{Cmd: command(t, append(args, "--log-format", "json")...), lines: make(chan logLine, 100), exited: make(chan struct{})}
	log, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			var l logLine
			if json.Unmarshal(lines.Bytes(), &l) != nil {
				continue
			}
			select {
			case p.lines <- l:
			default:
			}
		}
		_ = p.Wait()
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.exited
	})
	p.http = p.await(t, "READY").HTTP
	return p
}

// await gives the next line of the log with the message.
func (p *bridgeProcess) await(t *testing.T, message string) logLine {
	t.Helper()
	late := time.After(startup)
	for {
		select {
		case l := <-p.lines:
			if l.Message == message {
				return l
			}
		case <-p.exited:
			t.Fatalf("ml-bridge %v ended without saying %q", p.Args, message)
		case <-late:
			t.Fatalf("ml-bridge %v does not say %q within %v", p.Args, message, startup)
		}
	}
}

// exit waits for the exit code.
func (p *bridgeProcess) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.ProcessState.ExitCode()
	case <-time.After(startup):
		t.Fatalf("still running after %v", startup)
		return -1
	}
}

// emptyFile is a settings file that says nothing, for commands that would look at the
// packaged service's, which the machine of the test may have.
func emptyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.toml")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
