package hiccup

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// source is a program in C: a sleeper in the real-time class that lives in Go's runtime
// spins where its monitor thread, of the normal class, looks at it as it comes back from a
// system call, and keeps that from ever leaving off; one of the normal class waits for
// those that are measured.
//
//go:embed sleeper/sleeper.c
var source []byte

// Sleepers sleep until they are ended.
type Sleepers struct {
	every, allowed time.Duration
	cmd            *exec.Cmd
	in             io.Closer
	out            *bytes.Buffer
	ready          chan struct{} // closed with the first line of out, or its end
	errs           bytes.Buffer
	ended          bool
	others         *strangers // nil where nobody may look
}

// Start has a process sleep on every processor that this one may use. Points are every
// (at least 1 µs) apart on each; one is missed where its sleeper wakes more than allowed
// after it. It needs a C compiler, cc. They end with this process, at the latest.
func Start(every, allowed time.Duration) (*Sleepers, error) {
	dir, err := os.MkdirTemp("", "mlbridge-hiccup-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // what runs needs no file any more
	program, text := filepath.Join(dir, "sleeper"), filepath.Join(dir, "sleeper.c")
	if err := os.WriteFile(text, source, 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command("cc", "-O2", "-pthread", "-o", program, text).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("hiccup: cc: %w: %s", err, out)
	}
	return start(program, every, allowed)
}

func start(program string, every, allowed time.Duration) (*Sleepers, error) {
	s := &Sleepers{every: every, allowed: allowed, out: new(bytes.Buffer), ready: make(chan struct{})}
	s.cmd = exec.Command(program, strconv.FormatInt(int64(every), 10), strconv.FormatInt(int64(allowed), 10))
	s.cmd.Stderr = &s.errs
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.in = in
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("hiccup: %w", err)
	}
	first := make([]byte, len("READY\n"))
	if _, err := io.ReadFull(out, first); err != nil {
		s.Kill()
		return nil, fmt.Errorf("hiccup: %w: %s", err, &s.errs)
	}
	go func() { // until its end
		defer close(s.ready)
		_, _ = io.Copy(s.out, out)
	}()
	s.others = watchStrangers()
	return s, nil
}

// End ends them and gives what they met.
func (s *Sleepers) End() (*Log, error) {
	if s.ended {
		return nil, errors.New("hiccup: ended")
	}
	s.ended = true
	_ = s.in.Close()
	<-s.ready
	others := s.others.end()
	if err := s.cmd.Wait(); err != nil {
		return nil, fmt.Errorf("hiccup: %w: %s", err, &s.errs)
	}
	l, err := parse(s.out.String())
	if err != nil {
		return nil, err
	}
	l.Every, l.Allowed = s.every, s.allowed
	if s.others != nil {
		l.From = max(l.From, s.others.begin)
		l.Watched, l.Strangers = true, others
	}
	return l, nil
}

// Kill ends them where End has not.
func (s *Sleepers) Kill() {
	if s.ended {
		return
	}
	s.ended = true
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.others.end()
}

// parse reads what the program prints at its end.
func parse(out string) (*Log, error) {
	l := new(Log)
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var a, b, c int64
		if _, err := fmt.Sscan(rest, &a, &b, &c); err != nil {
			return nil, fmt.Errorf("hiccup: %q: %w", line, err)
		}
		switch n := len(l.Sleepers); {
		case word == "log":
			l.From, l.To, l.First = a, b, c == 1
		case word == "sleeper":
			l.Sleepers = append(l.Sleepers, Sleeper{CPU: int(a), Points: uint64(b), Worst: time.Duration(c)})
		case word == "miss" && n > 0:
			l.Sleepers[n-1].miss(a, c)
		default:
			return nil, fmt.Errorf("hiccup: %q makes no sense", line)
		}
	}
	if len(l.Sleepers) == 0 {
		return nil, errors.New("hiccup: nobody slept")
	}
	return l, nil
}
