package chaos

import (
	"context"
	"fmt"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/hiccup"
)

// Frozen is the proof that a daemon that has stopped costs nobody their answer: mld is
// frozen (SIGSTOP), calls with a budget of 1 ms come at 5,000 a second from then on, and
// 99.99 % of them must be answered within the budget and 0.2 ms, from their intended
// start.
//
// Beside them a thread on each processor does nothing but sleep until points in time as
// many a second, with clock_nanosleep (package hiccup). It misses a point when it wakes
// 0.2 ms after it: then nobody could have been on time there. Where that happens for more
// than 0.005 % of the points, a run says nothing about the bridge and is void. So it is
// where a program that has nothing to do with this had a processor for 0.2 ms: the sleepers
// go before it, and who is measured does not.
//
// The process that makes the calls collects no garbage meanwhile: its collector takes
// processors for milliseconds, and it is no part of what is measured.
//
// A virtual machine from which the host takes a processor for some milliseconds now and
// then has no run of seconds that is not void. So every window of such a run counts for
// itself: what is not void is judged, and nothing else. The load goes on through all of
// them, and mld is frozen anew at the start of every run, since that is when most calls
// have to wait for their deadline.
type Frozen struct {
	BudgetUs       float64     `json:"budget_us"`
	AllowedUs      float64     `json:"allowed_us"` // beyond the budget
	Rate           float64     `json:"rate"`       // calls a second
	Required       float64     `json:"required"`   // share of the calls
	ControlAllowed float64     `json:"control_allowed"`
	WindowMs       float64     `json:"window_ms"`
	Processors     int         `json:"processors"` // each with a sleeper
	Ahead          bool        `json:"ahead"`      // they went before everybody else
	Runs           []FrozenRun `json:"runs"`
	FrozenRun                  // all of them together
	Share          float64     `json:"share"`   // InTime of Calls
	Verdict        string      `json:"verdict"` // pass, fail or void
}

// FrozenRun is what came of a run. Calls that were due and not made are calls.
type FrozenRun struct {
	Windows       int     `json:"windows"`
	Valid         int     `json:"valid"`        // windows that count
	First         int     `json:"first"`        // of these, with the freezing in it
	Calls         uint64  `json:"calls"`        // in them
	InTime        uint64  `json:"in_time"`      // of those
	Maxus         float64 `json:"max_us"`       // that the answer to one of those took
	VoidCalls     uint64  `json:"void_calls"`   // in the other windows
	VoidInTime    uint64  `json:"void_in_time"` // of those
	ControlPoints uint64  `json:"control_points"`
	ControlMissed uint64  `json:"control_missed"`
	ControlMaxus  float64 `json:"control_max_us"`
	Watched       bool    `json:"watched"`   // strangers were looked for
	Strangers     int     `json:"strangers"` // windows that are void for them, and not for the sleepers

	Late []FrozenLate `json:"late,omitempty"` // in valid windows; the first of them
}

// FrozenLate is a call that was late though no sleeper was.
type FrozenLate struct {
	AtMs    float64 `json:"at_ms"`    // since the first window began
	StartUs float64 `json:"start_us"` // how late it was made
	TookUs  float64 `json:"took_us"`  // from its intended start
}

const frozenLateMost = 50

const (
	frozenRate     = 5000
	frozenBudget   = time.Millisecond
	frozenAllowed  = 200 * time.Microsecond
	frozenShare    = 0.9999
	controlAllowed = 0.00005
	frozenEnough   = 10_000 // calls in valid windows, for a verdict: one in ten thousand may be late

	// frozenWindow is what is judged for itself. At 5,000 points a second and processor
	// 0.005 % of its points are none. It is long beside what the host takes at a time,
	// 1 to 10 ms: what a stall leaves behind, calls that have piled up and processors that
	// must be woken, is for the most part in the next window and counts. And it is short
	// enough that most windows of this proof are valid where a processor is taken away
	// once or twice a second.
	frozenWindow = 100 * time.Millisecond
)

// FrozenPlan says how long the runs of the proof are, how many calls in valid windows are
// wanted, and how many runs there are at most.
type FrozenPlan struct {
	Run   time.Duration
	Calls uint64
	Most  int
}

// TryFrozen runs the proof.
func (e *Env) TryFrozen(ctx context.Context, p FrozenPlan) (Row, error) {
	row := Row{
		Fault: "mld frozen, 1 ms, 5,000 calls a second",
		What:  "mld is stopped at the start of every run; all calls have a budget of 1 ms",
	}
	return e.prove(ctx, row, nil, func(ctx context.Context, c *Chain, row *Row) error {
		f := new(Frozen)
		var all Counts
		for len(f.Runs) < p.Most && f.Calls < p.Calls {
			run, log, err := e.frozenRun(ctx, c, p.Run, &all)
			if err != nil {
				return err
			}
			f.add(run)
			f.Processors, f.Ahead = len(log.Sleepers), log.First
		}
		f.judge()
		row.count(&all)
		row.Frozen = f
		if f.Verdict == "fail" {
			row.Failed = fmt.Sprintf("%.4f %% of the calls were answered in time, want %.2f %%", 100*f.Share, 100*frozenShare)
		}
		return nil
	})
}

// frozenRun freezes mld, makes calls for so long, adds them to all, and lets it go again.
func (e *Env) frozenRun(ctx context.Context, c *Chain, lasts time.Duration, all *Counts) (r FrozenRun, log *hiccup.Log, err error) {
	if _, err := c.recover(ctx); err != nil {
		return r, nil, err
	}
	beside, err := hiccup.Start(time.Second/frozenRate, frozenAllowed)
	if err != nil {
		return r, nil, err
	}
	defer beside.Kill()
	defer uncollected()()
	if err := c.mld.Signal(syscall.SIGSTOP); err != nil {
		return r, nil, err
	}
	defer func() { _ = c.mld.Signal(syscall.SIGCONT) }() // it is our own child
	l := Load{
		Oracle: e.Oracle, Socket: c.socket, Rate: frozenRate, For: lasts, Allowed: frozenAllowed,
		Budget: func(uint64) time.Duration { return frozenBudget },
	}
	felt := l.follow()
	counts, err := l.Run(ctx, nil)
	if err != nil {
		return r, nil, err
	}
	all.add(counts)
	if log, err = beside.End(); err != nil {
		return r, nil, err
	}
	return frozenRun(felt, log, lasts), log, nil
}

// frozenRun judges the windows of a run that lasted so long.
func frozenRun(felt *felt, log *hiccup.Log, lasts time.Duration) (r FrozenRun) {
	// A call belongs to the window in which it was due, and all the time that its answer
	// may take must be as good: whether it was late plays no part in what counts.
	const margin = frozenBudget + frozenAllowed
	windows := felt.windows(frozenWindow, lasts)
	for _, w := range windows {
		due := uint64(frozenRate * w.lasts.Seconds())
		r.Windows++
		if from, to := w.from, w.from+int64(w.lasts+margin); !log.Calm(from, to) {
			r.VoidCalls, r.VoidInTime = r.VoidCalls+due, r.VoidInTime+w.inTime
			if log.OnTime(from, to) {
				r.Strangers++
			}
			continue
		}
		if r.Valid++; r.Windows == 1 {
			r.First++
		}
		r.Calls, r.InTime, r.Maxus = r.Calls+due, r.InTime+w.inTime, max(r.Maxus, micros(w.worst))
		for _, c := range w.late[:min(len(w.late), frozenLateMost-len(r.Late))] {
			r.Late = append(r.Late, FrozenLate{micros(time.Duration(c.intended-windows[0].from)) / 1e3, micros(c.late), micros(c.latency)})
		}
	}
	total := log.Total()
	r.ControlPoints, r.ControlMissed, r.ControlMaxus = total.Points, total.Missed, micros(total.Worst)
	r.Watched = log.Watched
	return r
}

// uncollected frees what can be freed and has no garbage collected until undo, but for
// when the process has grown to a gigabyte.
func uncollected() (undo func()) {
	debug.FreeOSMemory()
	limit, percent := debug.SetMemoryLimit(1<<30), debug.SetGCPercent(-1)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

func (f *Frozen) add(r FrozenRun) {
	f.Runs = append(f.Runs, r)
	f.Windows, f.Valid, f.First = f.Windows+r.Windows, f.Valid+r.Valid, f.First+r.First
	f.Calls, f.InTime, f.Maxus = f.Calls+r.Calls, f.InTime+r.InTime, max(f.Maxus, r.Maxus)
	f.VoidCalls, f.VoidInTime = f.VoidCalls+r.VoidCalls, f.VoidInTime+r.VoidInTime
	f.ControlPoints, f.ControlMissed = f.ControlPoints+r.ControlPoints, f.ControlMissed+r.ControlMissed
	f.ControlMaxus = max(f.ControlMaxus, r.ControlMaxus)
	f.Watched, f.Strangers = r.Watched, f.Strangers+r.Strangers
}

func (f *Frozen) judge() {
	f.BudgetUs, f.AllowedUs, f.WindowMs = micros(frozenBudget), micros(frozenAllowed), micros(frozenWindow)/1e3
	f.Rate, f.Required, f.ControlAllowed = frozenRate, frozenShare, controlAllowed
	f.Share = float64(f.InTime) / float64(max(f.Calls, 1))
	switch {
	case f.Calls < frozenEnough:
		f.Verdict = void
	case f.Share >= frozenShare:
		f.Verdict = "pass"
	default:
		f.Verdict = "fail"
	}
}
