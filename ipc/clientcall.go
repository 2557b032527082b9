package ipc

import (
	"context"
	"errors"
	"time"
)

// clientCall is one Predict on its way. Whoever takes it out of its flight, or out
// of the queue of the waiting, under Client.mu, is the only one to finish it:
// so it is finished exactly once.
type clientCall struct {
	reqs         []Request
	replies      []Reply
	requireModel bool
	class        Class
	trace        Trace
	deadline     Instant
	flight       *flight // nil while it waits for one
	together     bool    // woken with others, see convoy
	canLead      bool    // its caller can read, see turns
	leads        bool    // and does
	unarmed      bool    // and ends the call itself, or sets the alarm before it sleeps
	err          error   // its end; valid after done
	done         chan struct{}
}

// maxClientBudget keeps deadlines far from the end of the clock. Servers cut
// budgets much earlier (PROTOCOL.md, "Limits").
const maxClientBudget = time.Hour

// finish wakes the caller. done has room for one, so this never blocks.
func (call *clientCall) finish(err error) {
	call.err = err
	call.done <- struct{}{}
}

// errExpired finishes a call whose time is up. Callers never see it.
var errExpired = &StatusError{Status: StatusDeadlineExceeded, Text: "the budget is used up"}

// Predict implements Predictor. Invalid requests are refused here, in their slot,
// and never sent. When the time is up, all slots that were sent say so
// (StatusDeadlineExceeded), and a reply that comes later is dropped.
//
// The error is a *StatusError when nothing was sent or the server refused the call
// whole, a *ConnError when the connection is over, ErrDraining after a goaway, or
// the context's; then no slot has an answer.
//
// A context that can be cancelled costs something: a call under one that cannot
// (ctx.Done() is nil) may read its answer in this goroutine while it is the only one. With
// no more time than ClientConfig.BusyPoll it then ends at its deadline, where an alarm
// would wake it tens of microseconds behind.
func (c *Client) Predict(ctx context.Context, reqs []Request, replies []Reply, opts Options) error {
	if err := c.checkBatch(len(reqs), len(replies)); err != nil {
		refuseAll(replies, err)
		return err
	}
	if len(reqs) == 0 {
		return nil
	}
	for _, q := range reqs {
		if CheckRequest(q) != nil {
			return c.predictValid(ctx, reqs, replies, opts)
		}
	}
	err := c.predict(ctx, reqs, replies, opts)
	if err == nil {
		return nil
	}
	refuseAll(replies, err)
	if err == error(errExpired) {
		return nil // the slots say it
	}
	return err
}

// CheckRequest says why q would be refused, a slot without a request for one, nil where it
// would not.
func CheckRequest(q Request) error {
	if q == nil {
		return invalidf("no request")
	}
	return q.Validate()
}

// predictValid answers invalid slots here and asks the others.
func (c *Client) predictValid(ctx context.Context, reqs []Request, replies []Reply, opts Options) error {
	valid := make([]Request, 0, len(reqs))
	places := make([]int, 0, len(reqs))
	for i, q := range reqs {
		if err := CheckRequest(q); err != nil {
			replies[i] = Refusal(err)
			continue
		}
		valid, places = append(valid, q), append(places, i)
	}
	answers := make([]Reply, len(valid))
	err := c.Predict(ctx, valid, answers, opts)
	for i, place := range places {
		replies[place] = answers[i]
	}
	return err
}

// refuseAll leaves no slot that could be taken for an answer.
func refuseAll(replies []Reply, cause error) {
	status, text := StatusUnavailable, cause.Error()
	if e, ok := cause.(*StatusError); ok {
		status, text = e.Status, e.Text
	} else if errors.Is(cause, context.DeadlineExceeded) {
		status = StatusDeadlineExceeded
	}
	for i := range replies {
		replies[i] = Reply{Status: status, Error: text}
	}
}

func (c *Client) predict(ctx context.Context, reqs []Request, replies []Reply, opts Options) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	left := c.timeLeft(ctx, opts.Budget)
	if left <= 0 {
		return errExpired
	}
	call, err := c.begin(reqs, replies, opts, left, ctx.Done() == nil)
	if err != nil {
		return err
	}
	err = c.await(ctx, call)
	c.release(call)
	return err
}

// await waits for the call's end, or the context's.
func (c *Client) await(ctx context.Context, call *clientCall) error {
	gone := ctx.Done()
	if gone == nil { // a plain receive costs half of what a select does
		if call.leads {
			c.lead(call)
		}
		<-call.done
		return call.err
	}
	select {
	case <-call.done:
	case <-gone:
		if c.giveUp(call) {
			return ctx.Err()
		}
		<-call.done // finished meanwhile: the signal is there or about to come
	}
	return call.err
}

// timeLeft is how long a call that begins now may take.
func (c *Client) timeLeft(ctx context.Context, budget time.Duration) time.Duration {
	if budget <= 0 {
		budget = c.hello.limits.Budget
	}
	if d, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(d))
	}
	return min(budget, maxClientBudget)
}

// begin takes a place in flight for a new call and sends it, or lets it wait for
// a place. left is the time for it; canLead says that its caller can read the answer.
func (c *Client) begin(reqs []Request, replies []Reply, opts Options, left time.Duration, canLead bool) (*clientCall, error) {
	now := Now()
	deadline := now.Add(left)
	c.mu.Lock()
	if err := c.refuseNew(); err != nil {
		c.mu.Unlock()
		return nil, err
	}
	call := c.records.Get()
	if call.done == nil {
		call.done = make(chan struct{}, 1)
	}
	call.reqs, call.replies = reqs, replies
	call.trace, call.class = opts.Trace, opts.Class
	call.requireModel, call.deadline, call.canLead = opts.RequireModel, deadline, canLead
	if len(c.free) == 0 {
		c.waiting = append(c.waiting, call)
	} else if err := c.start(call, left); err != nil {
		c.recycle(call)
		c.mu.Unlock()
		return nil, err
	}
	c.takeTurn(call)
	// Setting the alarm to a time that is nearly up takes 5 to 25 µs on a virtual machine.
	if call.unarmed = call.leads && left <= c.cfg.BusyPoll; !call.unarmed {
		c.armFor(deadline)
	}
	if c.mayHold(now, left) {
		c.mu.Unlock()
		return call, nil
	}
	c.flush()
	return call, nil
}

// refuseNew says why no call can begin now.
func (c *Client) refuseNew() error {
	switch {
	case c.err != nil:
		return &ConnError{Op: "write", Err: c.err}
	case c.draining:
		return ErrDraining
	case len(c.out) > c.cfg.MaxQueue:
		return &StatusError{Status: StatusOverloaded, Text: "the server does not read what it is sent"}
	case len(c.waiting) >= c.cfg.MaxWaiting:
		return &StatusError{Status: StatusOverloaded, Text: "too many calls wait for a place in flight"}
	}
	return nil
}

// release gives the record back. The caller has received from done, or given up.
// The last of those that were woken together writes what the others left to it.
func (c *Client) release(call *clientCall) {
	c.mu.Lock()
	together := call.together
	if call.leads {
		c.endLead()
	}
	c.recycle(call)
	if !together || !c.returned() {
		c.mu.Unlock()
		return
	}
	c.flush()
}

func (c *Client) recycle(call *clientCall) {
	call.reqs, call.replies, call.flight, call.err = nil, nil, nil, nil
	call.canLead, call.leads, call.together = false, false, false
	c.records.Put(call)
}
