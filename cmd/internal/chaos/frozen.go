package chaos

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// Frozen is the proof that a daemon that has stopped costs nobody their answer: mld is
// frozen (SIGSTOP), calls with a budget of 1 ms come at 5,000 a second from then on, and
// 99.99 % of them must be answered within the budget and 0.2 ms, from their intended
// start.
//
// Beside them, in the same process, a thread does nothing but sleep until points in time
// as many a second, with clock_nanosleep. It is late when it wakes 0.2 ms after such a
// point: then nobody on this machine could have been on time. Where that happens for more
// than 0.005 % of the points, the run says nothing about the bridge and is void.
//
// A virtual machine from which the host takes the processor for some milliseconds now
// and then has no run of minutes that is not void, but short ones. So there are many
// short runs, each with a control of its own and each from the moment that mld is frozen,
// until enough are valid. The verdict is about all the calls of the valid runs together.
type Frozen struct {
	BudgetUs       float64     `json:"budget_us"`
	AllowedUs      float64     `json:"allowed_us"` // beyond the budget
	Rate           float64     `json:"rate"`       // calls a second
	Required       float64     `json:"required"`   // share of the calls
	ControlAllowed float64     `json:"control_allowed"`
	Awake          bool        `json:"awake"` // the processors were kept from halting
	Runs           []FrozenRun `json:"runs"`
	Valid          int         `json:"valid"`          // runs that count
	Calls          uint64      `json:"calls"`          // in them
	InTime         uint64      `json:"in_time"`        // of those
	Share          float64     `json:"share"`          // InTime of Calls
	VoidCalls      uint64      `json:"void_calls"`     // in the others
	VoidInTime     uint64      `json:"void_in_time"`   // of those
	ControlMissed  uint64      `json:"control_missed"` // in the valid runs
	Verdict        string      `json:"verdict"`        // pass, fail or void
}

// FrozenRun is one of the short ones.
type FrozenRun struct {
	Valid         bool    `json:"valid"`
	Calls         uint64  `json:"calls"` // those that were due and not made are among them
	InTime        uint64  `json:"in_time"`
	P9999us       float64 `json:"p9999_us"`
	Maxus         float64 `json:"max_us"`
	ControlPoints uint64  `json:"control_points"`
	ControlMissed uint64  `json:"control_missed"`
	ControlMaxus  float64 `json:"control_max_us"`
}

const (
	frozenRate     = 5000
	frozenBudget   = time.Millisecond
	frozenAllowed  = 200 * time.Microsecond
	frozenShare    = 0.9999
	controlAllowed = 0.00005
	frozenEnough   = 10_000 // calls in valid runs, for a verdict: one in ten thousand may be late
)

// FrozenPlan says how long the runs of the proof are, how many valid ones are wanted, and
// how many there are at most.
type FrozenPlan struct {
	Run         time.Duration
	Valid, Most int
	Awake       bool // keep the processors from halting meanwhile
}

// TryFrozen runs the proof.
func (e *Env) TryFrozen(ctx context.Context, p FrozenPlan) (Row, error) {
	row := Row{
		Fault: "mld frozen, 1 ms, 5,000 calls a second",
		What:  "mld is stopped at the start of every run; all calls have a budget of 1 ms",
	}
	return e.prove(ctx, row, nil, func(ctx context.Context, c *Chain, row *Row) error {
		if p.Awake {
			h, err := e.startHelper(HelperPlan{Awake: true}, nil)
			if err != nil {
				return err
			}
			defer h.Kill()
		}
		f := &Frozen{Awake: p.Awake}
		var all Counts
		for len(f.Runs) < p.Most && f.Valid < p.Valid {
			run, err := e.frozenRun(ctx, c, p.Run, &all)
			if err != nil {
				return err
			}
			f.add(run)
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
func (e *Env) frozenRun(ctx context.Context, c *Chain, lasts time.Duration, all *Counts) (r FrozenRun, err error) {
	if _, err := c.recover(ctx); err != nil {
		return r, err
	}
	if err := c.mld.Signal(syscall.SIGSTOP); err != nil {
		return r, err
	}
	defer func() { _ = c.mld.Signal(syscall.SIGCONT) }() // it is our own child
	var beside control
	counts, err := Load{
		Oracle: e.Oracle, Socket: c.socket, Rate: frozenRate, For: lasts, Allowed: frozenAllowed,
		Budget: func(uint64) time.Duration { return frozenBudget },
	}.Run(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, lasts)
		defer cancel()
		beside.run(ctx, frozenRate)
		return nil
	})
	if err != nil {
		return r, err
	}
	all.add(counts)
	return frozenRun(counts, &beside), nil
}

// frozenRun says what came of a run.
func frozenRun(c *Counts, beside *control) FrozenRun {
	return FrozenRun{
		Valid: beside.points > 0 && float64(beside.missed) <= controlAllowed*float64(beside.points),
		Calls: c.Sent + c.Dropped, InTime: c.InBudget,
		P9999us: float64(c.Latency.ValueAtQuantile(99.99)) / 1e3, Maxus: float64(c.Latency.Max()) / 1e3,
		ControlPoints: beside.points, ControlMissed: beside.missed, ControlMaxus: micros(beside.worst),
	}
}

func (f *Frozen) add(r FrozenRun) {
	f.Runs = append(f.Runs, r)
	if !r.Valid {
		f.VoidCalls, f.VoidInTime = f.VoidCalls+r.Calls, f.VoidInTime+r.InTime
		return
	}
	f.Valid++
	f.Calls, f.InTime, f.ControlMissed = f.Calls+r.Calls, f.InTime+r.InTime, f.ControlMissed+r.ControlMissed
}

func (f *Frozen) judge() {
	f.BudgetUs, f.AllowedUs = micros(frozenBudget), micros(frozenAllowed)
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
