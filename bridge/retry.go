package bridge

import (
	"errors"

	"github.com/cenkalti/backoff/v4"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// rest is how a lane treats a daemon that fails: it asks nothing before a pause is
// over, longer from failure to failure, and asks the same question again only out
// of a budget.
type rest struct {
	reason      error // why the last exchange failed, nil when it did not
	unreachable bool  // it failed before the daemon saw anything of it
	until       ipc.Instant
	pause       *backoff.ExponentialBackOff
	over        eventloop.Timer
	tokens      float64 // retries that may be made
}

const (
	// retryShare bounds retries to a tenth of the exchanges, whatever happens: a
	// daemon that is down must not be asked twice as often.
	retryShare    = 0.1
	maxRetryStock = 10
	maxTries      = 3
)

func newRest(cfg *Config) rest {
	pause := &backoff.ExponentialBackOff{
		InitialInterval:     cfg.RetryInterval,
		RandomizationFactor: 0.3,
		Multiplier:          2,
		MaxInterval:         cfg.MaxRetryInterval,
		MaxElapsedTime:      0, // a daemon may come back after any time
		Stop:                backoff.Stop,
		Clock:               backoff.SystemClock,
	}
	pause.Reset()
	return rest{pause: pause, tokens: maxRetryStock}
}

// down reports whether the last exchange failed.
func (r *rest) down() bool { return r.reason != nil }

// resting reports whether nothing may be sent yet.
func (r *rest) resting(now ipc.Instant) bool { return r.down() && now < r.until }

// begin notes a failure and gives the time before which nothing is sent.
func (r *rest) begin(cause error, now ipc.Instant) ipc.Instant {
	e, isConn := errors.AsType[*upstream.Error](cause)
	r.reason, r.unreachable = cause, isConn && !e.Sent
	r.until = now.Add(r.pause.NextBackOff())
	return r.until
}

// end notes that the daemon answers.
func (r *rest) end() {
	r.reason, r.unreachable = nil, false
	r.pause.Reset()
}

// earn adds an exchange's share to the retry budget.
func (r *rest) earn() { r.tokens = min(r.tokens+retryShare, maxRetryStock) }

// spend takes one retry out of the budget, if there is one.
func (r *rest) spend() bool {
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}

// hungUp reports whether the failure only says that a connection ended: a daemon may
// close one that was idle at any time, and the call may have met that on its way.
func hungUp(cause error) bool {
	e, ok := errors.AsType[*upstream.Error](cause)
	return ok && (e.Op == "read" || e.Op == "write")
}
