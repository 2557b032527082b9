package chaos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/kernelsim/switches"
)

// Use is when a process had a processor and for how long, thread by thread: what has to
// be known to take as much at the same times. How many of its threads want to run at once,
// and how long each does before it sleeps, decides what others get as much as the sum does.
type Use struct {
	From    int64         `json:"from"` // ns of CLOCK_MONOTONIC
	Lasts   time.Duration `json:"lasts_ns"`
	Threads [][]Run       `json:"threads"` // those that ran, in order
}

// Run is from when a thread wanted a processor until it slept. Where it had to wait for one,
// or to give it back in between, others felt that it wanted it, too: that is one run, of the
// time that it had.
type Run struct {
	At  time.Duration `json:"at_ns"` // from the beginning
	For time.Duration `json:"for_ns"`
}

// longestRun is more than the threads of our peers compute at a time. One that seems to
// have a processor for longer has one that the host has taken away, and that is nobody's
// doing.
const longestRun = 2 * time.Millisecond

// useOf gathers runs by thread.
func useOf(from int64, lasts time.Duration, runs map[int][]Run) Use {
	u := Use{From: from, Lasts: lasts}
	for _, all := range runs {
		all = slices.DeleteFunc(all, func(r Run) bool { return r.For <= 0 || r.At < 0 || r.At >= lasts })
		if len(all) > 0 {
			u.Threads = append(u.Threads, all)
		}
	}
	slices.SortFunc(u.Threads, func(a, b []Run) int { return cmp.Compare(a[0].At, b[0].At) })
	return u
}

// total is how long all threads ran together.
func (u *Use) total() (total time.Duration) {
	for _, runs := range u.Threads {
		for _, r := range runs {
			total += r.For
		}
	}
	return total
}

// scale makes runs longer or shorter so that they are so much together: what it costs to
// switch is not in them and on the clock.
func (u *Use) scale(total time.Duration) {
	by := float64(total) / float64(max(u.total(), 1))
	for _, runs := range u.Threads {
		for i := range runs {
			runs[i].For = max(time.Duration(float64(runs[i].For)*by), 1)
		}
	}
}

// watchSelf notes for so long when the threads of this process run: as the kernel tells,
// or, where it is not to, as their CPU clocks say in steps of a millisecond.
func watchSelf(ctx context.Context, lasts time.Duration) Use {
	if w, err := switches.Own(); err == nil {
		defer w.Close()
		return watchSwitches(ctx, w, lasts)
	}
	return watchClocks(ctx, lasts)
}

// watchSwitches gathers runs for so long.
func watchSwitches(ctx context.Context, w *switches.Watch, lasts time.Duration) Use {
	from := monotonic()
	var all []switches.Record
	for over := false; !over; {
		over = pause(ctx, 10*time.Millisecond) != nil || monotonic()-from > int64(lasts)
		w.Drain(func(r switches.Record) { all = append(all, r) })
	}
	return useOf(from, lasts, runsOf(all, from))
}

// thread is what is known of one while its records are read.
type thread struct {
	woken int64 // when, and it has not had a processor since; 0 where that is not known
	run   Run   // the one that goes on
	runs  bool
	on    int64 // since when it has a processor; 0: it waits for one
}

// runsOf puts together what each thread did. It goes from one processor to another, so the
// rings only tell its story together. Where the kernel does not tell when a thread was
// woken, a run begins when it was given a processor.
func runsOf(all []switches.Record, from int64) map[int][]Run {
	slices.SortStableFunc(all, func(a, b switches.Record) int { return cmp.Compare(a.At, b.At) })
	threads, runs := make(map[int]*thread), make(map[int][]Run)
	for _, x := range all {
		t := threads[x.TID]
		if t == nil {
			t = new(thread)
			threads[x.TID] = t
		}
		switch x.What {
		case switches.Woken:
			t.woken = x.At
		case switches.On:
			if !t.runs {
				t.runs, t.run = true, Run{At: time.Duration(cmp.Or(t.woken, x.At) - from)}
			}
			t.on, t.woken = x.At, 0
		case switches.Off:
			if t.on > 0 {
				t.run.For += min(time.Duration(x.At-t.on), longestRun)
			}
			if t.on = 0; t.runs && !x.Wants {
				runs[x.TID] = append(runs[x.TID], t.run)
				t.runs = false
			}
			t.woken = 0
		}
	}
	return runs
}

// watchClocks takes what a thread used in a step for one run at its beginning. A step that
// the watcher slept through is one with the next.
func watchClocks(ctx context.Context, lasts time.Duration) Use {
	const step = time.Millisecond
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer goFirst()()
	before, runs := make(map[int]time.Duration), make(map[int][]Run)
	from := monotonic()
	for at := time.Duration(0); at < lasts && ctx.Err() == nil; {
		for _, tid := range switches.Threads() {
			if _, known := before[tid]; !known {
				before[tid] = threadTime(tid)
			}
		}
		ts := unix.NsecToTimespec(from + int64(at+step))
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) // or a signal: a short step
		for tid, was := range before {
			used := threadTime(tid)
			if used > was { // the clock of one that has ended says nothing
				runs[tid] = append(runs[tid], Run{at, min(used-was, longestRun)})
				before[tid] = used
			}
		}
		at = time.Duration(monotonic() - from)
	}
	return useOf(from, lasts, runs)
}

// threadTime is the CPU time of a thread of this process so far, by its CPU clock
// (the kernel's include/linux/posix-timers_types.h).
func threadTime(tid int) time.Duration {
	const schedClock, perThread = 2, 4
	return cpuClock(tid, schedClock|perThread)
}

// cpuTime is the CPU time of a process so far (clock_getcpuclockid(3)).
func cpuTime(pid int) time.Duration {
	const schedClock = 2
	return cpuClock(pid, schedClock)
}

func cpuClock(id int, which int32) time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(^int32(id)<<3|which, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// watchedHelper starts a helper that notes its own use, and gives what reads it, which
// waits until it is there.
func (e *Env) watchedHelper(p HelperPlan) (*Process, func() (Use, error), error) {
	told, out, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer out.Close()
	h, err := e.startHelper(p, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{out} })
	if err != nil {
		told.Close()
		return nil, nil, err
	}
	return h, func() (u Use, err error) {
		defer told.Close()
		_ = told.SetReadDeadline(time.Now().Add(p.After + p.Watch + patience))
		text, err := io.ReadAll(told)
		switch {
		case err != nil:
			return u, err
		case len(text) == 0:
			return u, errors.New("chaos: a helper ended before it said what it used: " + h.Log())
		}
		return u, json.Unmarshal(text, &u)
	}, nil
}

// sayUse is the helper's side of it.
func sayUse(ctx context.Context, p HelperPlan) {
	out := os.NewFile(3, "use")
	defer out.Close()
	if pause(ctx, p.After) != nil {
		return
	}
	u := watchSelf(ctx, p.Watch)
	// Writing it takes a while on a processor: not before the last calls are answered.
	if pause(ctx, hostileTail) == nil {
		_ = json.NewEncoder(out).Encode(u)
	}
}
