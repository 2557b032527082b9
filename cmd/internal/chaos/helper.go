package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// HelperPlan says what a process that stands beside the bridge does: one thing. It is
// its command line.
type HelperPlan struct {
	// Mode is to be a hostile peer of the socket.
	Mode, Socket string
	// Burn is to use so much of a processor, 0 to the number of processors, and stay away
	// from the socket; Burst is for how long at a time.
	Burn  float64
	Burst time.Duration
	// Sleep is to sleep on every processor until points in time so far apart, of which
	// those count as missed that are met later than Allowed, and to write a hiccup.Log to
	// the file Log at the end.
	Sleep, Allowed time.Duration
	Log            string
}

// startHelper starts this program as a helper.
func (e *Env) startHelper(p HelperPlan, prepare func(*exec.Cmd)) (*Process, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return spawn(prepare, e.Self, "helper", string(text))
}

// Help does what the plan, the argument of a helper, says until ctx ends; it has said
// READY before.
func Help(ctx context.Context, plan string) error {
	var p HelperPlan
	if err := json.Unmarshal([]byte(plan), &p); err != nil {
		return err
	}
	if p.Sleep > 0 {
		return sleep(ctx, p)
	}
	ready()
	if p.Burn > 0 {
		burn(ctx, p.Burn, p.Burst)
		return nil
	}
	for _, m := range Modes {
		if m.Name == p.Mode {
			return m.live(ctx, p.Socket)
		}
	}
	return fmt.Errorf("chaos: no mode %q", p.Mode)
}

func ready() { fmt.Fprintln(os.Stderr, "READY") }

// burn uses a share of the processors, in bursts as long as is said, by a thread a
// processor.
func burn(ctx context.Context, share float64, burst time.Duration) {
	const (
		shortest = 20 * time.Microsecond // what a sleep costs would be more than the burst
		longest  = time.Second / 10      // sleep, to hear of the end
	)
	burst = max(burst, shortest)
	began, usedAtFirst := monotonic(), clock(unix.CLOCK_PROCESS_CPUTIME_ID)
	var tasks sync.WaitGroup
	for range runtime.NumCPU() {
		tasks.Go(func() {
			runtime.LockOSThread()
			for ctx.Err() == nil {
				used := clock(unix.CLOCK_PROCESS_CPUTIME_ID) - usedAtFirst
				if ahead := float64(used)/share - float64(monotonic()-began); ahead > 0 {
					ts := unix.NsecToTimespec(int64(min(ahead, float64(longest))))
					_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil) // or a signal: it is looked again
					continue
				}
				const own = unix.CLOCK_THREAD_CPUTIME_ID
				for end := clock(own) + int64(burst); clock(own) < end; {
				}
			}
		})
	}
	tasks.Wait()
}
