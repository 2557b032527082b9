package row

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bench/internal/client"
	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// Slice is how long one side's client runs before the next one's turn. Short against
// what disturbs a machine, so that all sides get the same of it; long against a call,
// so that the one call a slice that is interrupted changes no percentile that is compared.
const Slice = 20 * time.Millisecond

// Duel is what Row.Duel measured: both sides and the floor, at the same time.
type Duel struct {
	Sides [2]load.Result
	Floor load.Result
}

// SideError is a failure of one side, not of the measurement.
type SideError struct {
	Side int // 0 or 1
	Err  error
}

func (e *SideError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *SideError) Unwrap() error { return e.Err }

// Duel measures the row on both sides and the floor in one go, all on one core: the
// three clients take turns of a Slice, the others being stopped (SIGSTOP) meanwhile, and
// servers that are not asked do nothing. So whatever happens to the machine happens to
// all three; measured one after the other, they were ±20 % apart on a busy machine. Times
// are those of each client; first says which side's slice comes first.
func (r *Row) Duel(ctx context.Context, sides [2]*system.Env, first int, t Times) (d Duel, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*(t.Warm+t.Run)+slack)
	defer cancel()
	floor := Row{Name: FloorName, Start: system.StartFloor, Ask: hot(ask(client.Floor, 1, 1))}
	three := [3]duellist{{row: r, env: sides[0]}, {row: r, env: sides[1]}, {row: &floor, env: sides[first]}}
	order := [3]int{first, 2, 1 - first}
	for i := range three {
		defer three[i].stop()
		if err := three[i].start(ctx, t); err != nil {
			return d, sideError(i, err)
		}
	}
	var tasks sync.WaitGroup
	var errs [3]error
	running := make(chan *duellist, len(order)) // each client sends once
	for _, i := range order {
		tasks.Go(func() {
			errs[i] = three[i].ask(ctx, func() { running <- &three[i] })
			if errs[i] != nil {
				cancel() // the others would wait for a turn that does not come
			}
		})
	}
	finished := make(chan struct{})
	go func() { // as long as the clients, which ctx ends
		tasks.Wait()
		close(finished)
	}()
	takeTurns(finished, running, len(order))
	for i := range three {
		if err := errs[i]; err != nil && !errors.Is(err, context.Canceled) {
			return d, sideError(i, err)
		}
	}
	if err := errors.Join(errs[:]...); err != nil {
		return d, err
	}
	for i := range d.Sides {
		d.Sides[i] = three[i].result
	}
	d.Floor = three[2].result
	return d, nil
}

func sideError(i int, err error) error {
	if i > 1 {
		return err
	}
	return &SideError{i, err}
}

// takeTurns lets one client run at a time until all have finished.
func takeTurns(finished <-chan struct{}, running <-chan *duellist, n int) {
	tick := time.NewTicker(Slice)
	defer tick.Stop()
	var all []*duellist
	turn := 0
	for {
		select {
		case v := <-running:
			all = append(all, v)
			continue
		case <-finished:
			return
		case <-tick.C:
		}
		if len(all) < n {
			continue // the last client is still starting
		}
		turn++
		for i, v := range all {
			if i != turn%n {
				v.signal(unix.SIGSTOP)
			}
		}
		all[turn%n].signal(unix.SIGCONT)
	}
}

// duellist is a side, or the floor.
type duellist struct {
	row    *Row
	env    *system.Env
	system *system.System
	spec   client.Spec
	before count // of the servers' allocations
	result load.Result

	mu  sync.Mutex
	pid int // of the client; 0 before and after
}

// start makes the servers run and know every subject.
func (v *duellist) start(ctx context.Context, t Times) (err error) {
	if v.system, err = v.row.Start(ctx, v.env); err != nil {
		return fmt.Errorf("%s: %w", v.row.Name, err)
	}
	v.spec = v.row.Ask
	v.spec.Address, v.spec.PIDs, v.spec.Warm, v.spec.Run = v.system.Address, v.system.PIDs, 3*t.Warm, 3*t.Run
	if v.row.Cold {
		p := v.spec.Primer()
		if _, err := runGoClient(ctx, v.env, &p, func(int) {}); err != nil {
			return fmt.Errorf("%s: %w", v.row.Name, err)
		}
	}
	v.before = readCount(v.system)
	return nil
}

// ask runs the client to its end.
func (v *duellist) ask(ctx context.Context, running func()) error {
	result, asked, err := runClient(ctx, v.env, &v.spec, func(pid int) {
		v.mu.Lock()
		v.pid = pid
		v.mu.Unlock()
		running()
	})
	v.mu.Lock()
	v.pid = 0
	v.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", v.row.Name, err)
	}
	v.result = result
	v.result.Allocs += v.allocs(asked)
	return nil
}

// allocs are those of the servers, per question; far below 0 when one cannot tell.
func (v *duellist) allocs(asked int64) float64 {
	after := readCount(v.system)
	if !after.known || asked == 0 {
		return unknownAllocs
	}
	// Warming up is in the servers' count, so it is spread over all questions.
	return max(0, after.since(v.before)) / float64(asked)
}

const unknownAllocs = -1e9

// count is a reading of the servers' allocations. A Go process counts in lumps of some
// hundreds, and reading costs as much: so it is read a few times.
type count struct {
	mean, reading float64 // of the readings; what each adds
	known         bool
}

const readings = 4

func readCount(s *system.System) (c count) {
	var first, last uint64
	for i := range readings {
		if last, c.known = s.Mallocs(); !c.known {
			return c
		}
		if i == 0 {
			first = last
		}
		c.mean += float64(last) / readings
	}
	c.reading = float64(last-first) / (readings - 1)
	return c
}

// since is what was allocated between two counts, without what the readings made: from
// the middle of one series of them to the middle of the other are as many as one has.
func (c count) since(before count) float64 {
	return c.mean - before.mean - readings*(c.reading+before.reading)/2
}

// signal reaches a client that is running and nobody else: its id is given up under the
// same lock, but only after it was waited for, so it may be gone.
func (v *duellist) signal(sig unix.Signal) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.pid != 0 {
		_ = unix.Kill(v.pid, sig)
	}
}

func (v *duellist) stop() {
	if v.system != nil {
		v.system.Stop()
	}
}
