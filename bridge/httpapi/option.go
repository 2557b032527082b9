package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// budgetHeader carries the time a caller can wait, in nanoseconds. A duration and
// not a clock time, as on the wire: the peers need no common clock.
const budgetHeader = "X-ML-Budget-Ns"

// asked is what a request says beside its body.
type asked struct {
	budget       time.Duration
	requireModel bool
	class        ipc.Class
	u64AsString  bool
	trace        ipc.Trace
}

// options reads the query and the budget header. Like fields of the body, what is
// unknown or wrong is refused and not ignored.
func (x *exchange) options() (asked, error) {
	a := asked{budget: x.cfg.Limits.Budget}
	query, err := queryOf(x.r)
	if err != nil {
		return a, err
	}
	for name, values := range query {
		switch {
		case len(values) != 1:
			return a, badOption("query parameter %q is given %d times", clip(name), len(values))
		case name == "require" && values[0] == "model":
			a.requireModel = true
		case name == "class":
			if a.class, err = ipc.ParseClass(values[0]); err != nil {
				return a, badOption("query parameter class: %q is not low, normal or high", clip(values[0]))
			}
		case name == "u64" && values[0] == "string":
			a.u64AsString = true
		case name == "u64" && values[0] == "integer":
		case name == "require":
			return a, badOption("query parameter require: %q is not model", clip(values[0]))
		case name == "u64":
			return a, badOption("query parameter u64: %q is not string or integer", clip(values[0]))
		default:
			return a, badOption("unknown query parameter %q, want require, class or u64", clip(name))
		}
	}
	a.trace = ipc.ParseTraceparent(x.r.Header.Get("Traceparent"))
	if v := x.r.Header.Values(budgetHeader); len(v) > 0 {
		a.budget, err = parseBudget(v, x.cfg.Limits.MaxBudget)
	}
	return a, err
}

func queryOf(r *http.Request) (map[string][]string, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	// ParseQuery rather than r.URL.Query(), which drops what it cannot read.
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badOption("query %q cannot be read", clip(r.URL.RawQuery))
	}
	return query, nil
}

func parseBudget(values []string, most time.Duration) (time.Duration, error) {
	if len(values) > 1 {
		return 0, badOption("%s is given %d times", budgetHeader, len(values))
	}
	ns, err := strconv.ParseUint(values[0], 10, 64)
	if err != nil || ns == 0 || ns > uint64(most) {
		return 0, badOption("%s: %q is not an integer 1 to %d", budgetHeader, clip(values[0]), int64(most))
	}
	return time.Duration(ns), nil
}

// left is the rest of the budget for the predictor: reading the body took some of
// it. 0 would ask for the default, so a caller whose time is up gets 1 ns, which
// brings the best answer that is there already.
func (x *exchange) left(budget time.Duration) time.Duration {
	return max(budget-x.now().Sub(x.start), 1)
}

func badOption(format string, args ...any) error {
	return &ipc.StatusError{Status: ipc.StatusInvalidArgument, Text: fmt.Sprintf(format, args...)}
}
