package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Fault is one thing that is broken while calls are made.
type Fault struct {
	Group string // of the table
	Name  string
	What  string // a sentence for people
	Short bool   // part of the short form in the tests

	// needs says what this machine lacks for it; "" when it can be run. nil needs nothing.
	needs func(e *Env) string

	lies bool     // the upstream is a liar instead of mld
	args []string // of ml-bridge
	// before prepares the chain before any load; undo is called when all is over.
	before func(t *Trial) (undo func(), err error)
	// do breaks things beside the load and mends them again before it ends.
	do func(ctx context.Context, t *Trial) error
}

// Trial is a fault that is being tried.
type Trial struct {
	*Chain
	began time.Time // of the load
	row   *Row

	oneConnection bool // nobody may have hung up on the client; it may have lost patience
}

// at waits until a share of the load's time is over.
func (t *Trial) at(ctx context.Context, share float64) {
	wait := time.NewTimer(time.Until(t.began.Add(time.Duration(share * float64(t.env.For)))))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// mended is the share of the load's time after which nothing is broken any more: what
// follows shows that the chain is well again.
const mended = 0.7

// until does something again and again until it is time to mend.
func (t *Trial) until(ctx context.Context, do func() error) (times int, err error) {
	for end := t.began.Add(time.Duration(mended * float64(t.env.For))); time.Now().Before(end) && ctx.Err() == nil; times++ {
		if err := do(); err != nil {
			return times, err
		}
	}
	return times, nil
}

// supervise starts the bridge again whenever it has ended, as its supervisor would, until it
// is time to mend, and counts the ends.
func (t *Trial) supervise(ctx context.Context) (ends int, err error) {
	_, err = t.until(ctx, func() error {
		if t.bridge.Exited() {
			ends++
			return t.startBridge()
		}
		time.Sleep(5 * time.Millisecond)
		return nil
	})
	return ends, err
}

func (t *Trial) note(format string, args ...any) {
	t.row.Notes = append(t.row.Notes, fmt.Sprintf(format, args...))
}

// Try runs a fault. The error is about the means, such as a program that does not start;
// what the chain did wrong is in the row.
func (e *Env) Try(ctx context.Context, f Fault) (Row, error) {
	return steadily(ctx, func() (Row, error) { return e.try(ctx, f) })
}

func (e *Env) try(ctx context.Context, f Fault) (Row, error) {
	row := Row{Group: f.Group, Fault: f.Name, What: f.What, BySource: map[string]uint64{}}
	if f.needs != nil {
		if row.NotRun = f.needs(e); row.NotRun != "" {
			return row, nil
		}
	}
	row.Ran = true
	c, err := e.newChain(f.lies, f.args...)
	if err != nil {
		return row, err
	}
	defer c.Stop()
	t := &Trial{Chain: c, row: &row}
	if f.before != nil {
		undo, err := f.before(t)
		if errors.Is(err, errNotHere) {
			row.Ran, row.NotRun = false, err.Error()
			return row, nil
		}
		if err != nil {
			return row, err
		}
		defer undo()
	}
	if _, err := c.recover(ctx); err != nil {
		return row, fmt.Errorf("before anything was broken: %w", err)
	}
	before, err := c.settled(anything)
	if err != nil {
		return row, err
	}
	counts, err := Load{Oracle: e.Oracle, Socket: c.socket, Rate: e.Rate, For: e.For}.Run(ctx, func(ctx context.Context) error {
		t.began = time.Now()
		return f.do(ctx, t)
	})
	if counts == nil {
		return row, err
	}
	if errors.Is(err, errNotHere) {
		row.Ran, row.NotRun = false, err.Error()
		return row, nil
	}
	if err != nil {
		row.Failed = err.Error()
	}
	row.count(counts)
	if t.oneConnection && counts.Connects != 1+counts.Hangs {
		row.Failed = fmt.Sprintf("the client connected %d times, of which %d because nobody answered", counts.Connects, counts.Hangs)
	}
	row.GoroutinesBefore, row.DescriptorsBefore, row.RSSMBBefore = before.goroutines, before.descriptors, before.rss
	t.finish(ctx, before)
	row.judge()
	return row, context.Cause(ctx)
}

// finish sees whether the chain is well again, and what it holds.
func (t *Trial) finish(ctx context.Context, before usage) {
	took, err := t.recover(ctx)
	t.row.RecoveredMs = float64(took.Microseconds()) / 1e3
	after, err2 := t.settled(before.and(leaks))
	t.row.GoroutinesAfter, t.row.DescriptorsAfter, t.row.RSSMBAfter = after.goroutines, after.descriptors, after.rss
	if err := errors.Join(err, err2); err != nil && t.row.Failed == "" {
		t.row.Failed = err.Error() + "\n" + t.bridge.Log()
	}
}
