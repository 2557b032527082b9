package anatomy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/row"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// Run is one measurement of a subject.
type Run struct {
	Load  load.Result
	Calls float64 // in the time in which the usage was read
	Usage []Usage // a process each, in the order of the subject's parts
}

// What is left out at both ends of the measured time, so that the client is surely
// measuring in what is left: it starts and connects first, which takes it some 20 ms.
const (
	starting = 100 * time.Millisecond
	ending   = 10 * time.Millisecond
)

// Measure takes one measurement. t.Run must be longer than 200 ms.
func (s *Subject) Measure(ctx context.Context, e *system.Env, t row.Times) (r Run, err error) {
	window := time.Duration(0)
	var failed error
	r.Load, err = s.Row.Watched(ctx, e, t, func(client int, servers []int) {
		r.Usage, window, failed = watch(ctx, inOrder(client, servers), t)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return r, err
	}
	if len(r.Usage) < len(s.parts) {
		return r, fmt.Errorf("anatomy: %s has %d processes, want %d", s.Row.Name, len(r.Usage), len(s.parts))
	}
	r.Usage = r.Usage[:len(s.parts)] // mld also runs behind a bridge that never asks it
	r.Calls = r.Load.PerSecond * window.Seconds()
	return r, nil
}

// inOrder gives the processes in the order in which a question comes by: servers start
// from the far end.
func inOrder(client int, servers []int) []int {
	pids := append(slices.Clone(servers), client)
	slices.Reverse(pids)
	return pids
}

// watch reads what the processes use in the middle of the measured time.
func watch(ctx context.Context, pids []int, t row.Times) (used []Usage, took time.Duration, err error) {
	if err := pause(ctx, t.Warm+starting); err != nil {
		return nil, 0, err
	}
	began := time.Now()
	before, err := readAll(pids)
	if err != nil {
		return nil, 0, err
	}
	if err := pause(ctx, t.Run-starting-ending); err != nil {
		return nil, 0, err
	}
	took = time.Since(began)
	after, err := readAll(pids)
	if err != nil {
		return nil, 0, err
	}
	for i := range after {
		used = append(used, after[i].since(before[i]))
	}
	return used, took, nil
}

func readAll(pids []int) ([]Usage, error) {
	all := make([]Usage, len(pids))
	for i, pid := range pids {
		u, err := ReadUsage(pid)
		if err != nil {
			return nil, err
		}
		all[i] = u
	}
	return all, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
