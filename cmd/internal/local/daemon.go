package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience bounds how long a daemon may take to start or to stop. The tests have more.
var patience = 15 * time.Second

// ready is a daemon's READY line in its log.
type ready struct {
	Message string
	Listen  []string // mld
	HTTP    string   // ml-bridge
	Socket  string   // ml-bridge
}

// daemon is a child process that has said READY.
type daemon struct {
	name   string
	cmd    *exec.Cmd
	ready  ready
	exited chan error
}

// startFree starts the program with the first arguments that do not ask for
// something another process has.
func startFree(said *aside, program string, tries ...[]string) (*daemon, error) {
	var err error
	for _, args := range tries {
		var d *daemon
		if d, err = start(said, program, args); err == nil {
			return d, nil
		}
		if taken := (*takenError)(nil); !errors.As(err, &taken) {
			return nil, err
		}
	}
	return nil, err
}

// takenError is a daemon's exit because a port or socket of its is in use.
type takenError struct{ log string }

func (e *takenError) Error() string { return e.log }

// start runs the program until it is ready. What it has to complain of later goes to said.
func start(said *aside, program string, args []string) (*daemon, error) {
	cmd := exec.Command(program, append(args, "--log-format", "json")...)
	// It gets its own group, so that Ctrl-C reaches it through stop, in order; and
	// it does not outlive this process, however this process ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d := &daemon{name: filepath.Base(program), cmd: cmd, exited: make(chan error, 1)}
	isReady := make(chan ready, 1)
	log := new(strings.Builder) // written by follow until it has returned
	go func() {
		follow(stderr, log, isReady, func(line []byte) { said.say(d.name, line) })
		d.exited <- cmd.Wait()
	}()
	select {
	case d.ready = <-isReady:
		return d, nil
	case <-d.exited:
		text := strings.TrimSpace(log.String())
		if strings.Contains(text, "is taken") || strings.Contains(text, "another ml-bridge") {
			return nil, &takenError{fmt.Sprintf("%s: %s", d.name, text)}
		}
		return nil, fmt.Errorf("%s ended before it was ready: %s", d.name, text)
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-d.exited
		return nil, fmt.Errorf("%s was not ready after %v", d.name, patience)
	}
}

// keptLog is how much of a daemon's log is kept to explain why it did not start.
const keptLog = 4 << 10

// follow reads a log to its end. Before READY it keeps it; after, it tells
// of warnings and worse.
func follow(r io.Reader, log *strings.Builder, isReady chan<- ready, tell func(line []byte)) {
	up := false
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var line struct {
			ready
			Level string
		}
		switch err := json.Unmarshal(lines.Bytes(), &line); {
		case err == nil && line.Message == "READY":
			up = true
			isReady <- line.ready
		case !up && log.Len() < keptLog:
			log.WriteString(lines.Text() + "\n")
		case up && (err != nil || (line.Level != "info" && line.Level != "debug")):
			tell(lines.Bytes())
		}
	}
	_, _ = io.Copy(io.Discard, r) // behind a line too long to be one: a full pipe would stop the daemon
}

// stop asks the daemon to drain and waits for it.
func (d *daemon) stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-d.exited:
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		return nil
	case <-time.After(patience):
		_ = d.cmd.Process.Kill()
		<-d.exited
		return fmt.Errorf("%s did not stop within %v and was killed", d.name, patience)
	}
}
