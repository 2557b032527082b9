package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

const (
	sleepEvery = 200 * time.Microsecond
	// allowed is what ml-bridge keeps of a budget of 4 ms for the way back.
	allowed = 200 * time.Microsecond
	// windowTime is what is judged for itself, as in docs/chaos.md.
	windowTime = 100 * time.Millisecond
)

// sleepers are a process beside the load that only sleeps, on every processor: where it
// is late, nobody on this machine could have been on time.
type sleepers struct {
	server *process.Server
	file   string
}

// startSleepers starts this program in that part.
func startSleepers(ctx context.Context, s *process.Starter, self, dir string) (*sleepers, error) {
	file := filepath.Join(dir, "sleepers.json")
	server, err := s.Serve(ctx, false, self, "-sleep", file)
	return &sleepers{server, file}, err
}

// sleep is the part: it ends when a line comes, and has then written its log.
func sleep(ctx context.Context, file string) error {
	ctx, cancel := context.WithCancel(ctx)
	go func() { // as long as the process
		_, _ = fmt.Scanln()
		cancel()
	}()
	l, err := hiccup.Record(ctx, sleepEvery, allowed, func() { fmt.Println("READY") })
	if err != nil {
		return err
	}
	err = l.Save(file)
	fmt.Println("DONE")
	return err
}

// end ends them and gives what they met.
func (s *sleepers) end() (*hiccup.Log, error) {
	defer s.server.Stop()
	if _, err := s.server.Ask(""); err != nil {
		return nil, err
	}
	return hiccup.Load(s.file)
}

func now() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail for this clock
	return time.Duration(t.Nano())
}
