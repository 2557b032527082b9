package drive

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// Sources names who may answer, in the order that Outcomes count them in.
var Sources = []string{"model", "cache", "stale", "rule"}

// Reasons names why a better source did not answer: ipc.Reasons in wire order, less
// ReasonNone, so that an Outcome's reason is the wire's.
var Reasons = reasons()

func reasons() []string {
	var names []string
	for _, r := range ipc.Reasons[1:] {
		names = append(names, r.String())
	}
	return names
}

// errBusy is what a call ends with that no caller is free for.
var errBusy = errors.New("drive: all callers are waiting for answers")

// errNoSource stands for an answer without provenance.
var errNoSource = errors.New("drive: an answer that names no source")

// Config says what is asked of whom.
type Config struct {
	// Predictors are the ways to the bridge, at least one; callers are spread over
	// them evenly.
	Predictors []ipc.Predictor
	// Questions by label; each must have at least one.
	Questions [][]ipc.Request
	// Budget is the time from a call's intended start by which it wants its answer.
	Budget time.Duration
	// Clock is the run's, in which intended starts are told. A closed loop needs none.
	Clock load.Clock
	// Callers is how many calls can be under way at a time.
	Callers int
}

// Driver makes calls. It implements load.Target, and Call serves a closed loop.
type Driver struct {
	cfg   Config
	calls chan load.Call // closed by Close
	tasks sync.WaitGroup
	ctx   context.Context
	stop  context.CancelFunc
}

// New starts the callers.
func New(cfg Config) (*Driver, error) {
	if len(cfg.Predictors) == 0 || cfg.Callers < 1 {
		return nil, errors.New("drive: no way to the bridge, or no caller")
	}
	for label, qs := range cfg.Questions {
		if len(qs) == 0 {
			return nil, fmt.Errorf("drive: no question for label %d", label)
		}
	}
	d := &Driver{cfg: cfg, calls: make(chan load.Call, cfg.Callers)}
	d.ctx, d.stop = context.WithCancel(context.Background())
	for i := range cfg.Callers {
		d.tasks.Go(func() { d.serve(caller{predictor: cfg.Predictors[i%len(cfg.Predictors)]}) })
	}
	return d, nil
}

// Issue hands the call to a caller, or ends it when all are busy.
func (d *Driver) Issue(c load.Call) {
	select {
	case d.calls <- c:
	default:
		c.Done(load.Outcome{Err: errBusy})
	}
}

func (d *Driver) serve(w caller) {
	for c := range d.calls {
		c.Done(w.ask(d.ctx, d.question(c.N, c.Label), d.left(c.Intended)))
	}
}

// wakeShare is the part of the budget that a caller keeps for being woken with the
// answer. Measured on two busy cores, a fifth brought 10 to 17 points more of all
// calls inside a millisecond than a tenth did, a quarter no more than a fifth.
const wakeShare = 5

// left is the time that the bridge is given. What has passed since the intended
// start is gone: the kernel's time does not wait for its threads.
func (d *Driver) left(intended int64) time.Duration {
	passed := time.Duration(d.cfg.Clock.Now() - intended)
	return max(d.cfg.Budget-d.cfg.Budget/wakeShare-passed, time.Microsecond)
}

// question gives call n its question: in turn, so that all are asked equally often.
func (d *Driver) question(n uint64, label int) ipc.Request {
	qs := d.cfg.Questions[label]
	return qs[n/uint64(len(d.cfg.Questions))%uint64(len(qs))]
}

// Call is a load.CallFunc for a closed loop.
func (d *Driver) Call(ctx context.Context, worker int, n uint64, label int) load.Outcome {
	w := caller{predictor: d.cfg.Predictors[worker%len(d.cfg.Predictors)]}
	return w.ask(ctx, d.question(n, label), d.cfg.Budget-d.cfg.Budget/wakeShare)
}

// Close ends the callers. The run must be over: no Issue after it.
func (d *Driver) Close() {
	d.stop()
	close(d.calls)
	d.tasks.Wait()
}

// caller is one thread of the kernel's.
type caller struct {
	predictor ipc.Predictor
	reqs      [1]ipc.Request
	replies   [1]ipc.Reply
}

func (w *caller) ask(ctx context.Context, q ipc.Request, budget time.Duration) load.Outcome {
	w.reqs[0], w.replies[0] = q, ipc.Reply{}
	if err := w.predictor.Predict(ctx, w.reqs[:], w.replies[:], ipc.Options{Budget: budget}); err != nil {
		return load.Outcome{Err: err}
	}
	r := &w.replies[0]
	switch {
	case r.Status != ipc.StatusOK:
		return load.Outcome{Err: &ipc.StatusError{Status: r.Status, Text: r.Error}}
	case r.Source < ipc.SourceModel || r.Source > ipc.SourceRule:
		return load.Outcome{Err: errNoSource}
	}
	return load.Outcome{Source: int(r.Source - ipc.SourceModel), Reason: reasonOf(r)}
}

// reasonOf is the reply's reason as an Outcome counts it. One that this program does
// not know yet counts as none given: the answer is good all the same.
func reasonOf(r *ipc.Reply) int {
	if !r.Reason.Valid() {
		return 0
	}
	return int(r.Reason)
}
