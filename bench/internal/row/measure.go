package row

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/client"
	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// Times say how long one measurement takes.
type Times struct{ Warm, Run time.Duration }

// slack is what starting and connecting may take on top.
const slack = 30 * time.Second

// slowWarm is the warm-up of a row that needs its code compiled while it runs.
const slowWarm = 3 * time.Second

// Measure starts the row's system and its client and gives what the client measured.
// Server allocations are added to the client's where all servers can tell them, else
// Allocs is negative.
func (r *Row) Measure(ctx context.Context, e *system.Env, t Times) (load.Result, error) {
	return r.Watched(ctx, e, t, func(int, []int) {})
}

// Watched is Measure; started is told the client's process id once it runs and those of
// the servers, ml-bridge's last, and the client is not waited for before it returns.
func (r *Row) Watched(ctx context.Context, e *system.Env, t Times, started func(client int, servers []int)) (load.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Warm+t.Run+slack)
	defer cancel()
	s, err := r.Start(ctx, e)
	if err != nil {
		return load.Result{}, fmt.Errorf("%s: %w", r.Name, err)
	}
	defer s.Stop()
	ask := r.Ask
	ask.Address, ask.PIDs, ask.Warm, ask.Run = s.Address, s.PIDs, t.Warm, t.Run
	if r.Slow {
		ask.Warm = max(ask.Warm, slowWarm)
	}
	if r.Cold {
		p := ask.Primer()
		if _, err := runGoClient(ctx, e, &p, func(int) {}); err != nil {
			return load.Result{}, fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	before, reading := countTwice(s)
	result, asked, err := runClient(ctx, e, &ask, func(pid int) { started(pid, s.PIDs) })
	if err != nil {
		return load.Result{}, fmt.Errorf("%s: %w", r.Name, err)
	}
	if after, ok := s.Mallocs(); ok && asked > 0 {
		// Warming up is in the servers' count, so it is spread over all questions.
		result.Allocs += max(0, float64(after)-float64(before)-float64(reading)) / float64(asked)
	} else {
		result.Allocs = -1
	}
	return result, nil
}

// countTwice reads the servers' allocations, and how many the reading itself makes.
func countTwice(s *system.System) (n, reading uint64) {
	first, _ := s.Mallocs()
	second, _ := s.Mallocs()
	return second, second - first
}

// runClient runs a client process. asked is how many questions it asked in all, as far
// as is known: the measured rate is taken to hold for the warm-up too. started is told
// the client's process id.
func runClient(ctx context.Context, e *system.Env, s *client.Spec, started func(pid int)) (r load.Result, asked int64, err error) {
	if s.Protocol == client.Floor {
		r, err = runFloorClient(ctx, e, s, started)
	} else {
		r, err = runGoClient(ctx, e, s, started)
	}
	return r, int64(r.PerSecond * (s.Warm + s.Run).Seconds()), err
}

func runGoClient(ctx context.Context, e *system.Env, s *client.Spec, started func(pid int)) (r load.Result, err error) {
	spec, err := json.Marshal(s)
	if err != nil {
		return r, err
	}
	out, err := e.Starter.Watched(ctx, e.Pinned, started, filepath.Join(e.Bin, "chain"), "-ask", string(spec))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// coldFrames is a multiple of payload.Agents, so that the sequence goes on without a
// repetition when the C client begins anew.
const coldFrames = 8 * payload.Agents

// hotFrames is more than can be in flight: a call's id must not be used twice at a time.
const hotFrames = 4096

func runFloorClient(ctx context.Context, e *system.Env, s *client.Spec, started func(pid int)) (r load.Result, err error) {
	hello, frames, err := frameFiles(e, s)
	if err != nil {
		return r, err
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	args := []string{"ask", s.Address, hello, frames, strconv.Itoa(max(1, s.InFlight)), strconv.Itoa(max(1, s.Conns)), ms(s.Warm), ms(s.Run)}
	for _, pid := range s.PIDs {
		args = append(args, strconv.Itoa(pid))
	}
	out, err := e.Starter.Watched(ctx, e.Pinned, started, filepath.Join(e.Bin, "floor"), args...)
	if err != nil {
		return r, err
	}
	return parseFloor(out)
}

// frameFiles writes what the C client sends. The floor has no hello, but asking it with
// one makes no difference: it answers that too.
func frameFiles(e *system.Env, s *client.Spec) (hello, frames string, err error) {
	hello = filepath.Join(e.Temp, "hello")
	n, name := coldFrames, "cold"
	if s.Hot {
		n, name = hotFrames, "hot"
	}
	frames = filepath.Join(e.Temp, name)
	if system.Exists(frames) {
		return hello, frames, nil
	}
	if err := os.WriteFile(hello, payload.Hello(), 0o600); err != nil {
		return "", "", err
	}
	return hello, frames, os.WriteFile(frames, payload.Frames(n, s.Hot), 0o600)
}

// parseFloor reads what floor.c writes: "calls ns cpu_ns\n" and the latencies.
func parseFloor(out []byte) (r load.Result, err error) {
	head, rest, _ := bytes.Cut(out, []byte("\n"))
	var calls, took, cpu int64
	if _, err := fmt.Sscan(string(head), &calls, &took, &cpu); err != nil {
		return r, fmt.Errorf("floor: %q: %w", head, err)
	}
	if calls == 0 || int64(len(rest)) != 4*calls {
		return r, fmt.Errorf("floor: %d calls and %d bytes of latencies", calls, len(rest))
	}
	h := load.NewHistogram()
	for ; len(rest) > 0; rest = rest[4:] {
		if err := h.RecordValue(max(1, int64(binary.LittleEndian.Uint32(rest)))); err != nil {
			return r, err
		}
	}
	return load.Summary(h, calls, time.Duration(took), time.Duration(cpu)), nil
}
