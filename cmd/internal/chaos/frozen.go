package chaos

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Frozen is the proof that a daemon that has stopped costs nobody their answer: mld is
// frozen (SIGSTOP), calls with a budget of 1 ms come at 5,000 a second, and 99.99 % of
// them must be answered within the budget and 0.2 ms, from their intended start.
//
// Beside them, in the same process, a thread does nothing but sleep until points in time
// as many a second, with clock_nanosleep. It is late when it wakes 0.2 ms after such a
// point: then nobody on this machine could have been on time. Where that happens for more
// than 0.005 % of the points, the run says nothing about the bridge and is void.
type Frozen struct {
	BudgetUs       float64 `json:"budget_us"`
	AllowedUs      float64 `json:"allowed_us"` // beyond the budget
	Rate           float64 `json:"rate"`       // calls a second
	Share          float64 `json:"share"`      // of the calls answered in time
	Required       float64 `json:"required"`
	ControlPoints  uint64  `json:"control_points"`
	ControlMissed  uint64  `json:"control_missed"`
	ControlShare   float64 `json:"control_missed_share"`
	ControlAllowed float64 `json:"control_allowed"`
	Verdict        string  `json:"verdict"` // pass, fail or void
	P9999us        float64 `json:"p9999_us"`
	Maxus          float64 `json:"max_us"`
	ControlMaxus   float64 `json:"control_max_us"`
}

const (
	frozenRate     = 5000
	frozenBudget   = time.Millisecond
	frozenAllowed  = 200 * time.Microsecond
	frozenShare    = 0.9999
	controlAllowed = 0.00005
)

// control sleeps.
type control struct {
	points, missed uint64
	worst          time.Duration
}

// run sleeps until one point after the other, until ctx ends. Points that have passed
// while it slept count as late ones, as calls would.
func (c *control) run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer goFirst()() // as the thread that makes the calls does
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err == nil && unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) == nil {
		defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) }()
	}
	next := monotonic() + int64(time.Second)/frozenRate
	for ; ctx.Err() == nil; next += int64(time.Second) / frozenRate {
		ts := unix.NsecToTimespec(next)
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
		}
		late := time.Duration(monotonic() - next)
		c.points++
		c.worst = max(c.worst, late)
		if late > frozenAllowed {
			c.missed++
		}
	}
}

func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail
	return ts.Nano()
}

// TryFrozen runs the proof for so long.
func (e *Env) TryFrozen(ctx context.Context, lasts time.Duration) (Row, error) {
	row := Row{
		Group: "proofs", Fault: "mld frozen, 1 ms, 5,000 calls a second", Ran: true,
		What: "mld is stopped before the first call; all calls have a budget of 1 ms",
	}
	c, err := e.newChain(false)
	if err != nil {
		return row, err
	}
	defer c.Stop()
	if _, err := c.recover(ctx); err != nil {
		return row, fmt.Errorf("before anything was broken: %w", err)
	}
	before, err := c.settled(anything)
	if err != nil {
		return row, err
	}
	if err := c.mld.Signal(syscall.SIGSTOP); err != nil {
		return row, err
	}
	var beside control
	l := Load{
		Oracle: e.Oracle, Socket: c.socket, Rate: frozenRate, For: lasts, Allowed: frozenAllowed,
		Budget: func(uint64) time.Duration { return frozenBudget },
	}
	counts, err := l.Run(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, lasts)
		defer cancel()
		beside.run(ctx)
		return nil
	})
	if err != nil {
		return row, err
	}
	row.count(counts)
	row.GoroutinesBefore, row.DescriptorsBefore, row.RSSMBBefore = before.goroutines, before.descriptors, before.rss
	row.Frozen = frozen(counts, &beside)
	if err := c.mld.Signal(syscall.SIGCONT); err != nil {
		return row, err
	}
	t := &Trial{Chain: c, row: &row}
	t.finish(ctx, before)
	if row.Frozen.Verdict == "fail" {
		row.Failed = fmt.Sprintf("%.4f %% of the calls were answered in time, want %.2f %%", 100*row.Frozen.Share, 100*frozenShare)
	}
	row.judge()
	return row, context.Cause(ctx)
}

// frozen judges.
func frozen(c *Counts, beside *control) *Frozen {
	f := &Frozen{
		BudgetUs: micros(frozenBudget), AllowedUs: micros(frozenAllowed), Rate: frozenRate, Required: frozenShare,
		Share:         float64(c.InBudget) / float64(max(c.Sent+c.Dropped, 1)),
		ControlPoints: beside.points, ControlMissed: beside.missed, ControlAllowed: controlAllowed,
		ControlShare: float64(beside.missed) / float64(max(beside.points, 1)),
		P9999us:      float64(c.Latency.ValueAtQuantile(99.99)) / 1e3, Maxus: float64(c.Latency.Max()) / 1e3, ControlMaxus: micros(beside.worst),
	}
	switch {
	case f.ControlShare > controlAllowed || beside.points == 0:
		f.Verdict = "void"
	case f.Share >= frozenShare:
		f.Verdict = "pass"
	default:
		f.Verdict = "fail"
	}
	return f
}
