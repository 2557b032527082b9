package ipc

import (
	"context"
	"time"
)

// Predictor answers questions, many at a time. The wire client and the bridge
// both are Predictors, so whoever asks need not know which of them it has.
type Predictor interface {
	// Predict answers reqs[i] in replies[i]; both have the same length, and kinds
	// may be mixed. It returns within the budget: a slot that could not be
	// answered says so in its Status and harms no other. The error is about the
	// call as a whole (nothing could be asked), never about one slot.
	//
	// The requests are not changed and not kept after Predict has returned.
	Predict(ctx context.Context, reqs []Request, replies []Reply, opts Options) error
	// Outcomes reports what really happened. It does not wait for an answer.
	Outcomes(ctx context.Context, outcomes []Outcome) error
}

// Options are what a caller may say about a call as a whole.
type Options struct {
	// Budget is the time the caller can wait; 0 asks for the server's default.
	// It crosses the wire as time left, so the peers need no common clock.
	Budget time.Duration
	// RequireModel refuses stale answers and rules: the slot has a status instead that
	// says why (PROTOCOL.md, section 6.3).
	RequireModel bool
	// Class says how much the call matters under overload. ClassDefault leaves it to
	// the server, which may also hold a peer to a lower one.
	Class Class
	// Trace is the caller's place in a trace, the zero Trace for none.
	Trace Trace
}
