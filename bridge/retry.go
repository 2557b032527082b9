package bridge

import (
	"errors"

	"github.com/mlbridge/mlbridge/bridge/upstream"
)

// retries is the budget out of which a lane asks again, from whichever endpoint: a
// tenth of the exchanges, whatever happens. A daemon that is down must not be asked
// twice as often.
type retries struct{ tokens float64 }

const (
	retryShare    = 0.1
	maxRetryStock = 10
	maxTries      = 3
)

func newRetries() retries { return retries{tokens: maxRetryStock} }

// earn adds an exchange's share.
func (r *retries) earn() { r.tokens = min(r.tokens+retryShare, maxRetryStock) }

// spend takes one retry, if there is one.
func (r *retries) spend() bool {
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
