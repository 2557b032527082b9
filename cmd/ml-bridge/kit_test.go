package main

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"testing"
	"time"
)

// startup bounds how long the process may take to be ready or to end.
const startup = 30 * time.Second

// bridgeProcess is an ml-bridge that has said READY.
type bridgeProcess struct {
	*exec.Cmd
	http   string
	exited chan struct{}
}

func startBridge(t *testing.T, args ...string) *bridgeProcess {
	t.Helper()
	p := &bridgeProcess{Cmd: command(t, append(args, "--log-format", "json")...), exited: make(chan struct{})}
	log, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(p.exited)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			var l struct{ Message, HTTP string }
			if json.Unmarshal(lines.Bytes(), &l) == nil && l.Message == "READY" {
				ready <- l.HTTP
			}
		}
		_ = p.Wait()
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.exited
	})
	select {
	case p.http = <-ready:
	case <-p.exited:
		t.Fatalf("ml-bridge %v ended before it was ready", args)
	case <-time.After(startup):
		t.Fatalf("ml-bridge %v is not ready after %v", args, startup)
	}
	return p
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
