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
	// Burn is to use so much of the processors in each millisecond, over and over, and stay
	// away from the socket; Burst is for how long at a time.
	Burn  []time.Duration
	Burst time.Duration
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
	fmt.Fprintln(os.Stderr, "READY")
	if len(p.Burn) > 0 {
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

// burn uses the processors as a profile says, step by step and over and over, in bursts as
// long as is said, by a thread a processor. What it could not use in a step it uses after it.
func burn(ctx context.Context, profile []time.Duration, burst time.Duration) {
	const shortest = 20 * time.Microsecond // what a sleep costs would be more than the burst
	burst = max(burst, shortest)
	due := make([]time.Duration, len(profile)+1) // what is to be used by the end of each step
	for i, d := range profile {
		due[i+1] = due[i] + d
	}
	began, usedAtFirst := monotonic(), clock(unix.CLOCK_PROCESS_CPUTIME_ID)
	var tasks sync.WaitGroup
	for range runtime.NumCPU() {
		tasks.Go(func() {
			runtime.LockOSThread()
			for ctx.Err() == nil {
				used := time.Duration(clock(unix.CLOCK_PROCESS_CPUTIME_ID) - usedAtFirst)
				at := time.Duration(monotonic() - began)
				if used >= burnt(due, at) {
					const look = int64(100 * time.Microsecond)
					ts := unix.NsecToTimespec(max(int64(burnsAgain(due, used, at)-at), look))
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

// burnt is what is to be used until a time, where due says what by the end of each step.
func burnt(due []time.Duration, at time.Duration) time.Duration {
	steps := time.Duration(len(due) - 1)
	n := at / hostileStep
	i := n % steps
	return n/steps*due[steps] + due[i] + (due[i+1]-due[i])*(at%hostileStep)/hostileStep
}

// burnsAgain is from when on more is to be used than used: the start of the step in which it
// is, and after 100 ms in any case, to hear of the end.
func burnsAgain(due []time.Duration, used, at time.Duration) time.Duration {
	for n := at/hostileStep + 1; n < at/hostileStep+100; n++ {
		if burnt(due, n*hostileStep) > used {
			return max((n-1)*hostileStep, at)
		}
	}
	return at + 100*hostileStep
}
