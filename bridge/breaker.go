package bridge

import (
	"errors"

	"github.com/cenkalti/backoff/v4"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// breaker is how a route treats an endpoint that fails: closed, it asks; after so many
// failures in a row it opens and asks nothing before a pause is over, longer from time
// to time; half-open, it asks once and closes or opens by what comes back (M. Nygard,
// Release It!, 2007).
//
// Counting and states are failsafe-go's: a permit and a record take 63 ns together and
// allocate nothing, where gobreaker's take 312 ns and allocate. The time is ours: its
// pauses do not grow without an execution of its own around the call, and one clock,
// the loop's, is enough.
type breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]
	state   circuitbreaker.State // the circuit's, read once a change and not once a call

	reason      error       // why the last exchange failed, nil when it did not
	failedAt    ipc.Instant // when
	unreachable bool        // it failed before the daemon saw anything of it
	silent      bool        // it failed without an answer, for that or any other cause
	past        bool        // and that says nothing any more, see route.forgive
	until       ipc.Instant
	pause       *backoff.ExponentialBackOff
	over        eventloop.Timer
}

func newBreaker(cfg *Config) breaker {
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
	return breaker{
		pause: pause,
		circuit: circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(uint(cfg.BreakerFailures)).
			WithSuccessThreshold(1).
			WithDelay(day). // until ends it
			Build(),
	}
}

// closed reports whether the endpoint is asked as if nothing had happened.
func (k *breaker) closed() bool { return k.state == circuitbreaker.ClosedState }

// open reports whether nothing may be sent yet. When the pause is over it half-opens.
func (k *breaker) open(now ipc.Instant) bool {
	if k.state != circuitbreaker.OpenState {
		return false
	}
	if now < k.until {
		return true
	}
	k.circuit.HalfOpen()
	k.state = k.circuit.State()
	return false
}

// permit takes the right to one exchange. A half-open breaker gives one at a time.
func (k *breaker) permit() bool { return k.closed() || k.circuit.TryAcquirePermit() }

// failed notes a failure and reports whether the breaker has opened by it.
func (k *breaker) failed(cause error, now ipc.Instant) (opened bool) {
	k.failedAt, k.past = now, false
	if k.state == circuitbreaker.OpenState { // flights that fail together are one failure
		return false
	}
	e, isConn := errors.AsType[*upstream.Error](cause)
	k.reason, k.unreachable, k.silent = cause, isConn && !e.Sent, isConn && e.Op != "answer"
	k.circuit.RecordFailure()
	if k.state = k.circuit.State(); k.state != circuitbreaker.OpenState {
		return false
	}
	k.until = now.Add(k.pause.NextBackOff())
	return true
}

// succeeded notes that the endpoint answers, which closes the breaker, also when the
// answer is to something that was asked before it opened.
func (k *breaker) succeeded() {
	k.reason, k.unreachable, k.silent, k.past = nil, false, false, false
	if k.closed() {
		k.circuit.RecordSuccess()
		return
	}
	k.circuit.Close()
	k.state = k.circuit.State()
	k.pause.Reset()
}
